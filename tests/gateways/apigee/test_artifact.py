"""Deploy, attach, verify and detach at an emulated organization, under the vendor's description's eyes."""

from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.artifact import Artifact, Canary, FailMode, Phase, Receipt, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Connection, Verdict
from aforo.gateway_sdk.errors import GatewayNotFound, GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.apigee import artifact
from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.artifact.bundle import FLOW, POST, PRE
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION
from tests.gateways.apigee.apigee_parts import BASE, Row, World, quiet, world
from tests.gateways.apigee.installing import Desk, a_key, hook, install
from tests.gateways.apigee.metered import served
from tests.gateways.apigee.provision_parts import ORDERS, PAYMENTS

TABLES = ("flows", "flow-deployments", "flowhooks", "maps", "entries")
THEIRS = {
    "sharedflowbundle/policies/AM-Theirs.xml": b"""<AssignMessage name="AM-Theirs"><Set><Headers>
        <Header name="X-Theirs">ran</Header></Headers></Set></AssignMessage>""",
    "sharedflowbundle/sharedflows/default.xml": b"""<SharedFlow name="default">
        <Step><Name>AM-Theirs</Name></Step></SharedFlow>""",
}


def opened(one: World) -> Artifact:
    transport = Transport(
        httpx2.AsyncClient(transport=httpx2.ASGITransport(one.board)), gateway_name="Apigee",
        budget=Budget((), one.clock), gate=OpenGate(),
    )  # fmt: skip
    settings = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": BASE}
    return artifact.connect(Connection("int_1", "access_token", settings, transport, one.clock, _forget))


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


def wiring(**members: Any) -> Wiring:
    told: dict[str, Any] = {"products": (ORDERS, PAYMENTS), "targets": ("prod",)} | members
    return Wiring("int_1", "sk_live_x", told.pop("ingest_url", "https://ingest.example/v1/ingest"), **told)


def held(one: World) -> dict[str, list[Row]]:
    """Everything at the gateway that an artifact could leave behind."""
    return {
        table: [
            {name: value for name, value in row.items() if name != "polls"} for row in one.emulator.store.rows(table)
        ]
        for table in TABLES
    }


def hooks(one: World, environment: str = "prod") -> dict[str, tuple[str, bool]]:
    rows = one.emulator.store.rows("flowhooks", f"{environment}/")
    return {row["flowHookPoint"]: (row["sharedFlow"], row["continueOnError"]) for row in rows}


async def attached(one: World, told: Wiring | None = None) -> tuple[Artifact, Receipt]:
    ours, told = opened(one), told or wiring()
    return ours, await ours.attach(told, await ours.deploy(told, quiet), quiet)


async def foreign(one: World, *points: str) -> None:
    """Somebody else's shared flow on these hooks."""
    assert await install(one, "security", THEIRS) == "READY"
    for point in points:
        await hook(one, point, "security", continues=point == POST)


async def lines(
    ours: Artifact, receipt: Receipt, told: Wiring | None = None, canary: Canary | None = None
) -> list[Check]:
    return [line async for line in ours.verify(told or wiring(), receipt, canary)]


def failures(found: list[Check]) -> list[str]:
    return [f"{one.name}: {one.detail}" for one in found if one.verdict is Verdict.FAILED]


async def test_deploying_routes_no_call_and_attaching_routes_all_of_the_named_environments_alone() -> None:
    one = world(looks_until_ready=3)
    ours, told = opened(one), wiring()
    receipt = await ours.deploy(told, quiet)
    assert hooks(one) == {}
    assert (await ours.status(told, receipt)).phase is Phase.DEPLOYED
    receipt = await ours.attach(told, receipt, quiet)
    assert hooks(one) == {PRE: (FLOW, False), POST: (FLOW, True)}
    assert hooks(one, "eval") == {}
    assert receipt.attached == (f"prod/{POST}", f"prod/{PRE}")
    status = await ours.status(told, receipt)
    assert (status.phase, status.version, status.detail) == (Phase.ATTACHED, ours.version, "")


async def test_no_environment_named_means_all_and_an_unknown_one_is_refused_by_name() -> None:
    one = world()
    _, receipt = await attached(one, wiring(targets=()))
    assert set(receipt.attached) == {f"{place}/{point}" for place in ("eval", "prod") for point in (PRE, POST)}
    with pytest.raises(GatewayNotFound, match="staging"):
        await opened(one).deploy(wiring(targets=("staging",)), quiet)


async def test_all_calls_may_be_repeated_and_write_nothing_the_second_time() -> None:
    one = world()
    ours, receipt = await attached(one)
    before = held(one)
    one.board.log.clear()
    again = await ours.attach(wiring(), await ours.deploy(wiring(), quiet), quiet)
    assert one.writes() == []
    assert (held(one), again.attached) == (before, receipt.attached)


@pytest.mark.parametrize("points", [(), (PRE,), (POST,), (PRE, POST)])
async def test_detaching_leaves_the_gateway_as_it_was_whatever_stood_on_the_hooks(points: tuple[str, ...]) -> None:
    one = world()
    await foreign(one, *points)
    before = held(one)
    ours, receipt = await attached(one)
    assert held(one) != before
    await ours.detach(wiring(), receipt)
    assert held(one) == before
    assert (await ours.status(wiring(), receipt)).phase is Phase.ABSENT
    await ours.detach(wiring(), receipt)
    assert held(one) == before


async def test_a_foreign_shared_flow_goes_on_running_and_ours_runs_after_it() -> None:
    one, desk = world(), Desk(1)
    await foreign(one, PRE, POST)
    await a_key(one)
    async with served(desk) as (url, _):
        told = wiring(enforce=True, ingest_url=f"{url}/v1/ingest")
        ours, receipt = await attached(one, told)
        assert hooks(one) == {PRE: ("aforo-wrap-prod-pre", False), POST: ("aforo-wrap-prod-post", True)}
        answers = [await _call(one) for _ in range(2)]
        assert [given.status_code for given in answers] == [200, 429]
        assert (answers[0].headers["x-theirs"], answers[0].headers["x-aforo-plan"]) == ("ran", "pro")
        assert [step for step in one.emulator.proxying.traces[0] if step in ("AM-Theirs", "JS-Aforo-Begin")] == [
            "AM-Theirs", "JS-Aforo-Begin", "AM-Theirs",
        ]  # fmt: skip
        assert failures(await lines(ours, receipt, told)) == []
        await one.emulator.proxying.aclose()


async def test_what_somebody_attached_since_stays_when_we_detach() -> None:
    one = world()
    ours, receipt = await attached(one)
    await foreign(one, PRE)
    assert (await ours.status(wiring(), receipt)).phase is Phase.DIFFERS
    await ours.detach(wiring(), receipt)
    assert hooks(one) == {PRE: ("security", False)}


async def test_without_its_receipt_what_was_wrapped_is_still_put_back() -> None:
    one = world()
    await foreign(one, PRE)
    ours, _ = await attached(one)
    await ours.detach(wiring(), Receipt(ours.version, ()))
    assert hooks(one) == {PRE: ("security", False)}


async def test_a_second_attach_keeps_what_stood_there_before_the_first_one() -> None:
    one = world()
    await foreign(one, PRE)
    ours, first = await attached(one)
    second = await ours.attach(wiring(), first, quiet)
    assert second.before["hooks"] == first.before["hooks"]
    await ours.detach(wiring(), second)
    assert hooks(one) == {PRE: ("security", False)}


async def test_an_operators_own_map_keeps_its_entries_and_loses_only_ours() -> None:
    one = world()
    maps = "/environments/prod/keyvaluemaps"
    await one.call("POST", maps, {"name": "aforo-config", "encrypted": True})
    await one.call("POST", f"{maps}/aforo-config/entries", {"name": "aforo_api_key", "value": "theirs"})
    ours, receipt = await attached(one)
    await ours.detach(wiring(), receipt)
    assert [row["name"] for row in one.emulator.store.rows("entries", "prod/aforo-config/")] == ["aforo_api_key"]


async def test_a_shared_flow_of_our_name_that_is_not_ours_is_not_touched() -> None:
    one = world()
    await install(one, FLOW, THEIRS)
    before = held(one)
    with pytest.raises(GatewayRejected, match="not Aforo's"):
        await opened(one).attach(wiring(), Receipt("", ()), quiet)
    assert held(one) == before


async def test_a_new_version_waits_for_attach_where_the_old_one_serves() -> None:
    one = world()
    name = "sharedflowbundle/resources/jsc/aforo-event.js"
    older = {**bundle.metering(), name: bundle.metering()[name].replace(b"AFORO_VERSION = '", b"AFORO_VERSION = '0.")}
    await install(one, FLOW, older)
    await hook(one, PRE, FLOW, continues=False)
    ours = opened(one)
    receipt = await ours.deploy(wiring(), quiet)
    assert _deployed(one) == "1"
    await ours.attach(wiring(), receipt, quiet)
    assert _deployed(one) == "2"


async def test_a_bundle_that_apigee_cannot_deploy_is_told_in_its_words_and_attached_to_nothing() -> None:
    one = world()
    step = "sharedflowbundle/sharedflows/default.xml"
    broken = {**bundle.metering(), step: bundle.metering()[step].replace(b"RF-Aforo-Refuse<", b"RF-Lost<")}
    assert await install(one, FLOW, broken) == "ERROR"
    receipt = Receipt("", (), {"revision": "1"})
    with pytest.raises(PostconditionFailed, match=r"could not deploy.*RF-Lost"):
        await opened(one).attach(wiring(), receipt, quiet)
    assert hooks(one) == {}


async def test_the_preview_writes_nothing_and_names_proxies_hooks_that_are_taken_and_the_price_class() -> None:
    one = world()
    await foreign(one, PRE)
    before = held(one)
    rollout = await opened(one).preview(wiring(ingest_url="http://10.0.0.1/v1/ingest"))
    assert held(one) == before
    assert rollout.hits == ("prod/orders-v1", "prod/payments-v1", "prod/search-v1")
    actions = {step.what: step.action for step in rollout.steps}
    assert (actions[f"{PRE} of prod"], actions[f"{POST} of prod"]) == ("wrap", "create")
    assert "security" in next(step.danger for step in rollout.steps if step.action == "wrap")
    assert any("Extensible" in note for note in rollout.notes)
    assert any("plain http" in note for note in rollout.notes)
    await attached(one)
    assert {step.action for step in (await opened(one).preview(wiring())).steps} <= {"keep", "update"}


async def test_settings_are_written_without_a_new_deployment() -> None:
    one = world()
    ours, _ = await attached(one)
    one.board.log.clear()
    await ours.set_mode(wiring(enforce=True, fail_mode=FailMode.CLOSED, metrics={"prod_orders": "orders"}), ("prod",))
    entry = "/environments/prod/keyvaluemaps/aforo-config/entries/aforo_settings"
    assert one.writes() == [("PUT", entry)]
    told = (await one.call("GET", entry))["value"]
    assert '"mode": "enforce"' in told
    assert '"fail": "closed"' in told
    assert '"orders-v1": "orders"' in told
    assert '"proxies": {"orders-v1": "orders-v1", "payments-v1": "payments-v1"}' in told


async def test_verifying_finds_an_installation_in_order() -> None:
    one = world()
    ours, receipt = await attached(one)
    found = await lines(ours, receipt)
    assert len(found) == 4
    assert {line.verdict for line in found} == {Verdict.OK}


async def _drop_map(one: World) -> None:
    await one.call("DELETE", "/environments/prod/keyvaluemaps/aforo-config")
    await one.call("POST", "/environments/eval/keyvaluemaps", {"name": "aforo-config", "encrypted": True})


async def _other_key(one: World) -> None:
    entry = "/environments/prod/keyvaluemaps/aforo-config/entries/aforo_api_key"
    await one.call("PUT", entry, {"name": "aforo_api_key", "value": "sk_live_old"})


async def _edited(one: World) -> None:
    files = {
        **bundle.metering(),
        "sharedflowbundle/policies/RF-Aforo-Refuse.xml": b"<RaiseFault name='RF-Aforo-Refuse'/>",
    }
    await install(one, FLOW, files)


async def _taken(one: World) -> None:
    await foreign(one, PRE)


async def _overlooked(one: World) -> None:
    await hook(one, PRE, FLOW, continues=True)


async def _empty(one: World) -> None:
    await one.call("DELETE", f"/environments/prod/flowhooks/{POST}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_drop_map, "there is one in eval, which proxies here do not read"),
        (_other_key, "it holds another key"),
        (_edited, f"is not what Aforo {bundle.version()} installs"),
        (_taken, "it is taken by security"),
        (_overlooked, "its continueOnError is not false"),
        (_empty, "nothing is attached"),
    ],
)
async def test_verifying_says_what_is_wrong(spoil: Any, told: str) -> None:
    one = world()
    ours, receipt = await attached(one)
    await spoil(one)
    assert [line for line in failures(await lines(ours, receipt)) if told in line]
    if spoil not in (_drop_map, _other_key):
        assert (await ours.status(wiring(), receipt)).phase is Phase.DIFFERS


@pytest.mark.parametrize(("units", "enforce", "second"), [(1, True, "OK"), (2, True, "LIMITED"), (1, False, "LIMITED")])
async def test_the_canary_passes_once_and_is_refused_once(units: int, enforce: bool, second: str) -> None:
    found = await _canaried(Desk(units), enforce=enforce)
    assert [line.verdict for line in found] == ["OK", second]


async def test_the_canary_tells_an_expired_key_and_blocked_egress_apart() -> None:
    async def denying(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    assert "it has expired or was revoked" in (await _canaried(denying))[0].detail
    assert "egress is blocked" in (await _canaried(None))[0].detail


async def _canaried(desk: Any, enforce: bool = True) -> list[Check]:
    """What verifying says of the canary; without a desk nobody listens at the address."""
    one = world()
    await a_key(one)
    async with served(desk or Desk(0)) as (url, _):
        told = wiring(enforce=enforce, ingest_url=f"{url if desk else 'https://ingest.example'}/v1/ingest")
        ours, receipt = await attached(one, told)
        canary = Canary(f"{BASE}/proxy/orders-v1/orders", "mine", "cust_1", "pro")
        found = await lines(ours, receipt, told, canary)
        await one.emulator.proxying.aclose()
    assert all("sk_live_x" not in f"{line.detail}{line.next_step}" for line in found)
    return found[4:]


async def _call(one: World) -> httpx2.Response:
    transport = httpx2.ASGITransport(one.emulator)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        given = await http.get("/proxy/orders-v1/orders", headers={"Authorization": "Bearer mine"})
    await one.emulator.proxying.settled()
    return given


def _deployed(one: World) -> str:
    row = one.emulator.store.get("flow-deployments", f"prod/{FLOW}")
    assert row
    return str(row["revision"])
