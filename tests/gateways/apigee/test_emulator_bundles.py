"""The request path executes bundles that have nothing to do with ours, by the documented syntax."""

import json
from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer_json, read_body
from tests.gateways.apigee.apigee_parts import World, world
from tests.gateways.apigee.installing import Desk, Installed, a_key, hook, install
from tests.gateways.apigee.metered import served

Files = dict[str, bytes]
FLOW = "sharedflowbundle/sharedflows/default.xml"
PRE, POST = "PreProxyFlowHook", "PostProxyFlowHook"


def bundle(*steps: tuple[str, str], scripts: dict[str, str] | None = None) -> Files:
    """Steps are (condition, policy); a policy's name is that in its XML."""
    files: Files = {}
    told = ""
    for condition, policy in steps:
        name = policy.partition('name="')[2].partition('"')[0]
        files[f"sharedflowbundle/policies/{name}.xml"] = policy.encode()
        told += f"<Step><Name>{name}</Name><Condition>{condition}</Condition></Step>"
    files[FLOW] = f'<SharedFlow name="default">{told}</SharedFlow>'.encode()
    for name, source in (scripts or {}).items():
        files[f"sharedflowbundle/resources/jsc/{name}"] = source.encode()
    return files


async def on(one: World, point: str, files: Files, continues: bool = False, name: str = "tried") -> None:
    assert await install(one, name, files) == "READY"
    await hook(one, point, name, continues)


async def ready() -> Installed:
    one = world()
    await a_key(one)
    return Installed(one, Desk(0))


def header(name: str, value: str, policy: str = "AM", target: str = "request", before: str = "") -> str:
    """An AssignMessage that sets one header."""
    told = f'<Set><Headers><Header name="{name}">{value}</Header></Headers></Set>'
    return f'<AssignMessage name="{policy}"><AssignTo>{target}</AssignTo>{before}{told}</AssignMessage>'


def variable(name: str, element: str) -> str:
    return f"<AssignVariable><Name>{name}</Name>{element}</AssignVariable>"


def script(source: str, limit: int = 200) -> Files:
    policy = (
        f'<Javascript name="JS" timeLimit="{limit}"><Properties><Property name="greeting">hello</Property></Properties>'
    )
    return bundle(("", f"{policy}<ResourceURL>jsc://tried.js</ResourceURL></Javascript>"), scripts={"tried.js": source})


async def test_a_rate_guard_with_other_policies_than_ours_runs_as_written() -> None:
    """Two calls a minute for each of a path's tenants; who is on the list of friends is not counted."""
    it = await ready()
    extract = """<ExtractVariables name="EV"><URIPath><Pattern>/orders/{tenant}</Pattern></URIPath>
        <Header name="X-Trace"><Pattern>t-{trace}</Pattern></Header>
        <VariablePrefix>seen</VariablePrefix></ExtractVariables>"""
    quota = """<Quota name="Q"><Identifier ref="seen.tenant"/><Allow count="2"/><Interval>1</Interval>
        <TimeUnit>minute</TimeUnit><Distributed>true</Distributed><Synchronous>true</Synchronous></Quota>"""
    made = variable("label", "<Template>{toUpperCase(seen.tenant)}-{seen.trace}</Template>")
    tag = header("X-Label", "{label}", before=f'{made}<Remove><Headers><Header name="X-Trace"/></Headers></Remove>')
    await on(it.world, PRE, bundle(("", extract), ('not (seen.tenant Matches "friend*")', quota), ("", tag)))
    answers = [await it.call("/orders-v1/orders/acme", **{"X-Trace": "t-9"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["fault"]["detail"]["errorcode"] == "policies.ratelimit.QuotaViolation"
    seen = it.world.emulator.proxying.backend_last["orders-v1"]
    assert (seen.header("x-label"), seen.header("x-trace")) == ("ACME-9", None)
    assert (await it.call("/orders-v1/orders/friend7", **{"X-Trace": "t-9"})).status_code == 200
    it.world.clock.forward(seconds=61)
    assert (await it.call("/orders-v1/orders/acme", **{"X-Trace": "t-9"})).status_code == 200


async def test_an_answer_is_asked_for_once_kept_and_read_from_json() -> None:
    asked: list[Any] = []

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append((scope["method"], scope["path"], (await read_body(receive)).decode()))
        await answer_json(send, 200, {"tiers": [{"name": "gold"}]})

    it = await ready()
    async with served(service) as (url, _):
        cache = "<CacheKey><Prefix>tier</Prefix><KeyFragment ref='request.verb'/></CacheKey><Scope>Exclusive</Scope>"
        call = f"""<ServiceCallout name="SC"><Request><Set><Verb>PUT</Verb>
            <Payload contentType="text/plain">for {{apiproxy.name}}</Payload></Set></Request><Response>told</Response>
            <HTTPTargetConnection><URL>{url}/tier/{{request.verb}}</URL></HTTPTargetConnection></ServiceCallout>"""
        read = """<ExtractVariables name="EV"><Source>told</Source><JSONPayload><Variable name="tier">
            <JSONPath>$.tiers[0].name</JSONPath></Variable></JSONPayload></ExtractVariables>"""
        keep = f"""<PopulateCache name="PC">{cache}
            <ExpirySettings><TimeoutInSeconds>30</TimeoutInSeconds></ExpirySettings>
            <Source>tier</Source></PopulateCache>"""
        show = header("X-Tier", "{tier}")
        missed = "lookupcache.LC.cachehit = false"
        look = f'<LookupCache name="LC">{cache}<AssignTo>tier</AssignTo></LookupCache>'
        await on(it.world, PRE, bundle(("", look), (missed, call), (missed, read), (missed, keep), ("", show)))
        for _ in range(2):
            assert (await it.call()).status_code == 200
            assert it.world.emulator.proxying.backend_last["orders-v1"].header("x-tier") == "gold"
        assert asked == [("PUT", "/tier/GET", "for orders-v1")]
        it.world.clock.forward(seconds=31)
        await it.call()
        assert len(asked) == 2
        await it.world.emulator.proxying.aclose()


async def test_a_refusal_in_a_hook_ends_the_call_and_no_later_hook_runs() -> None:
    it = await ready()
    fault = """<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode><ReasonPhrase>Teapot</ReasonPhrase>
        <Payload contentType="text/plain">no {request.verb}</Payload></Set></FaultResponse></RaiseFault>"""
    late = header("X-Late", "ran", target="response")
    await on(it.world, PRE, bundle(("", fault)))
    await on(it.world, POST, bundle(("", late)), name="late")
    refused = await it.call()
    assert (refused.status_code, refused.text, "x-late" in refused.headers) == (418, "no GET", False)
    assert it.world.emulator.proxying.backend_calls.total() == 0
    await hook(it.world, PRE, "tried", continues=True)
    passed = await it.call()
    assert (passed.status_code, passed.headers["x-late"]) == (200, "ran")


@pytest.mark.parametrize(("attribute", "status"), [('continueOnError="true"', 200), ("", 401)])
async def test_a_policy_that_fails_ends_the_flow_unless_it_continues(attribute: str, status: int) -> None:
    it = await ready()
    verify = f'<VerifyAPIKey name="VA" {attribute}><APIKey ref="request.queryparam.none"/></VerifyAPIKey>'
    note = header("X-Fault", "{fault.name}")
    await on(it.world, PRE, bundle(("", verify), ("oauthV2.VA.failed = true", note)))
    assert (await it.call()).status_code == status
    if status == 200:
        assert it.world.emulator.proxying.backend_last["orders-v1"].header("x-fault") == "FailedToResolveAPIKey"


async def test_shared_flows_call_one_another_with_one_set_of_variables() -> None:
    it = await ready()
    inner = header("X-Inner", "ran", before=variable("told", "<Value>inner</Value>"))
    assert await install(it.world, "inner", bundle(("", inner))) == "READY"
    outer = '<FlowCallout name="FC"><SharedFlowBundle>inner</SharedFlowBundle></FlowCallout>'
    show = header("X-Told", "{told}", policy="AM2")
    await on(it.world, PRE, bundle(("", outer), ("", show)))
    assert (await it.call()).status_code == 200
    assert it.world.emulator.proxying.backend_last["orders-v1"].header("x-told") == "inner"


async def test_an_encrypted_maps_entry_goes_into_private_variables_only() -> None:
    it = await ready()
    await it.world.call("POST", "/environments/prod/keyvaluemaps", {"name": "m", "encrypted": True})
    await it.world.call("POST", "/environments/prod/keyvaluemaps/m/entries", {"name": "k", "value": "secret"})
    for variable, status in (("open.value", 500), ("private.value", 200)):
        read = f"""<KeyValueMapOperations name="KV" mapIdentifier="m"><Scope>environment</Scope>
            <Get assignTo="{variable}"><Key><Parameter>k</Parameter></Key></Get></KeyValueMapOperations>"""
        await on(it.world, PRE, bundle(("", read)))
        assert (await it.call()).status_code == status


@pytest.mark.parametrize(
    "source", ["let a = 1;", "var f = () => 1;", "var t = `x`;", "class A {}", "for (var a of [1]) {}"]
)
async def test_scripts_newer_than_es5_are_refused(source: str) -> None:
    it = await ready()
    await on(it.world, PRE, script(source))
    refused = await it.call()
    assert (refused.status_code, "ScriptExecutionFailed" in refused.text) == (500, True)
    assert it.world.emulator.proxying.backend_calls.total() == 0


async def test_a_script_reads_and_writes_variables_has_its_properties_and_hashes() -> None:
    it = await ready()
    source = """
        var hash = crypto.getSHA256(); hash.update('a'); hash.update('b');
        var verb = context.getVariable('request.verb');
        context.setVariable('request.header.x-made', properties.greeting + ' ' + verb);
        context.setVariable('request.header.x-hash', hash.digest());
        context.setVariable('gone', 1); context.removeVariable('gone');
        context.setVariable('request.header.x-none', String(context.getVariable('gone')));
        print('done');
    """
    await on(it.world, PRE, script(source))
    assert (await it.call()).status_code == 200
    seen = it.world.emulator.proxying.backend_last["orders-v1"]
    assert (seen.header("x-made"), seen.header("x-none")) == ("hello GET", "null")
    assert seen.header("x-hash") == "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"
    assert it.world.emulator.proxying.traces[0] == ["JS", "print done"]


async def test_a_script_sends_with_and_without_waiting_and_cannot_leave_this_machine() -> None:
    got: list[str] = []

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        got.append(f"{scope['method']} {(await read_body(receive)).decode()}")
        await answer_json(send, 201, {"id": 7})

    it = await ready()
    async with served(service) as (url, _):
        source = f"""
            httpClient.send(new Request({json.dumps(url)}, 'POST', {{'X-A': 'b'}}, 'forgotten'));
            var exchange = httpClient.get({json.dumps(url)});
            exchange.waitForComplete();
            var told = exchange.getResponse();
            context.setVariable('request.header.x-told', told.status + ' ' + JSON.parse(told.content).id);
            httpClient.send(new Request('https://elsewhere.example/', 'GET'), function (response, error) {{
              context.setVariable('request.header.x-error', response === null && error ? 'refused' : 'let out');
            }});
        """
        await on(it.world, PRE, script(source, limit=20_000))
        assert (await it.call()).status_code == 200
        await it.world.emulator.proxying.aclose()
    seen = it.world.emulator.proxying.backend_last["orders-v1"]
    assert (seen.header("x-told"), seen.header("x-error")) == ("201 7", "refused")
    assert sorted(got) == ["GET ", "POST forgotten"]


async def test_a_script_that_takes_too_long_fails() -> None:
    it = await ready()
    await on(it.world, PRE, script("for (var i = 0; i < 300000; i++) {}", limit=1))
    assert "exceeded its time limit" in (await it.call()).text


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (bundle(("", '<SpikeArrest name="SA"/>')), "does not execute"),
        (bundle(("name = ", '<AssignMessage name="AM"/>')), "condition"),
        (
            {"sharedflowbundle/sharedflows/default.xml": b"<SharedFlow><Step><Name>X</Name></Step></SharedFlow>"},
            "no policy",
        ),
        ({"sharedflowbundle/sharedflows/default.xml": b"<SharedFlow>"}, "no XML"),
        ({"sharedflowbundle/policies/A.xml": b"<AssignMessage name='B'/>"}, "calls itself"),
    ],
)
async def test_what_cannot_be_executed_is_never_ready_and_never_passes_silently(files: Files, why: str) -> None:
    it = await ready()
    assert await install(it.world, "tried", files) == "ERROR"
    told = await it.world.call("GET", "/environments/prod/sharedflows/tried/revisions/1/deployments")
    assert why in told["errors"][0]["message"]
    await hook(it.world, PRE, "tried", continues=False)
    assert (await it.call()).status_code == 500
    assert it.world.emulator.proxying.backend_calls.total() == 0
