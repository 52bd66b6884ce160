"""The client: signing and sessions, AWS's errors in our words; against moto, a server that nobody here wrote."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway, Verdict
from aforo.gateway_sdk.emulator import Receive, Scope, Send, StateFile, answer, read_body
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayClockSkew,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from aforo.gateway_sdk.transport import OpenGate, Transport, new_http
from aforo.gateways.aws import emulator
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector import connect
from aforo.gateways.aws.emulator.identity import AFORO_KEY
from aforo.gateways.aws.emulator.seeds import EXTERNAL_ID, ROLE_ARN
from aforo.gateways.aws.manifest import MANIFEST
from aforo.kit.clock import Clock, HandClock, SystemClock
from aforo.kit.errors import Invalid

KEYS = {"access_key_id": "AKIAPLANTED", "secret_access_key": "planted-secret-key", "region": "us-east-1"}


@dataclass
class Scripted:
    """Answers the same to every call, and remembers what it was asked."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        self.asked.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await answer(send, self.status, self.body.encode(), self.headers)


@dataclass
class Heard(OpenGate):
    """What breaker and health are told."""

    faults: list[GatewayError] = field(default_factory=list)

    async def failed(self, error: GatewayError) -> None:
        self.faults.append(error)


async def remember(name: str, value: str) -> None:
    raise AssertionError(f"nothing to remember: {name} {len(value)}")


def connection(
    app: Any,
    settings: dict[str, str],
    *,
    facts: dict[str, str] | None = None,
    gate: OpenGate | None = None,
    clock: Clock | None = None,
) -> Connection:
    clock = clock or HandClock()
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) if app else new_http(allow_private=True)
    budget = Budget(MANIFEST.call_limits if app is None else (), clock)
    transport = Transport(http, gateway_name="AWS", budget=budget, gate=gate or OpenGate())
    way = "aws_role" if "role_arn" in settings else "access_keys"
    return Connection("intg-1", way, settings, transport, clock, remember, facts or {})


def scripted(app: Scripted, gate: OpenGate | None = None) -> Aws:
    return Aws(connection(app, {**KEYS, "endpoint_url": "http://aws.example"}, gate=gate))


def rest_error(code: str, words: str) -> tuple[str, dict[str, str]]:
    return json.dumps({"message": words}), {"x-amzn-errortype": f"{code}:http://internal.amazon.com/"}


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        (403, "AccessDeniedException", "User x is not authorized", GatewayForbidden),
        (403, "ExpiredTokenException", "The security token has expired", GatewayAuthFailed),
        (403, "UnrecognizedClientException", "The security token is invalid", GatewayAuthFailed),
        (403, "InvalidSignatureException", "The request signature we calculated does not match", GatewayAuthFailed),
        (403, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2", GatewayClockSkew),
        (403, "InvalidSignatureException", "Signature not yet current: 2 is still later than 1", GatewayClockSkew),
        (403, "MissingAuthenticationTokenException", "Missing Authentication Token", GatewayNotAnApi),
        (400, "RequestExpired", "Request has expired", GatewayClockSkew),
        (429, "LimitExceededException", "limit", GatewayThrottled),
        (429, "TooManyRequestsException", "Too Many Requests", GatewayThrottled),
        (400, "ThrottlingException", "Rate exceeded", GatewayThrottled),
        (404, "NotFoundException", "Invalid API identifier", GatewayNotFound),
        (409, "ConflictException", "Conflict", GatewayRejected),
        (400, "BadRequestException", "Invalid", GatewayRejected),
        (500, "InternalFailure", "oops", GatewayUnavailable),
        (503, "ServiceUnavailableException", "oops", GatewayUnavailable),
    ],
)
async def test_an_error_code_says_what_to_do_next(status: int, code: str, words: str, kind: type[GatewayError]) -> None:
    body, headers = rest_error(code, words)
    heard = Heard()
    with pytest.raises(GatewayError) as caught:
        await scripted(Scripted(status, body, headers), heard).call("apigateway", "GetAccount")
    assert type(caught.value) is kind
    assert {type(fault) for fault in heard.faults} == {kind}, "breaker and health hear the same"


async def test_a_throttle_in_a_400_is_waited_for_and_tried_again_as_a_429_is() -> None:
    body, headers = rest_error("ThrottlingException", "Rate exceeded")
    app = Scripted(400, body, headers)
    with pytest.raises(GatewayThrottled):
        await scripted(app).call("apigateway", "GetAccount")
    assert len(app.asked) == 3


async def test_a_refused_signatures_words_are_not_repeated_since_they_quote_the_token() -> None:
    body, headers = rest_error("InvalidSignatureException", "should have been x-amz-security-token:planted-token")
    with pytest.raises(GatewayAuthFailed) as caught:
        await scripted(Scripted(403, body, headers)).call("apigateway", "GetAccount")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("service", "operation", "body", "media"),
    [
        ("apigateway", "GetAccount", "<html><body>Welcome</body></html>", "text/html"),
        ("apigateway", "GetAccount", "not json", "text/plain"),
        ("apigateway", "GetAccount", "[1]", "application/json"),
        ("sts", "GetCallerIdentity", "<html><body>Welcome</body></html>", "text/html"),
        ("sts", "GetCallerIdentity", '{"data": []}', "application/json"),
    ],
)
async def test_an_answer_that_is_not_awss_is_a_wrong_address(
    service: str, operation: str, body: str, media: str
) -> None:
    with pytest.raises(GatewayNotAnApi):
        await scripted(Scripted(200, body, {"content-type": media})).call(service, operation)


LISTS = [
    ("apigateway", "GetRestApis", {}, "item"),
    ("apigateway", "GetStages", {"restApiId": "a1b2"}, "item"),
    ("apigateway", "GetUsagePlans", {}, "item"),
    ("apigatewayv2", "GetApis", {}, "items"),
    ("apigatewayv2", "GetStages", {"ApiId": "a1b2"}, "items"),
]


@pytest.mark.parametrize(("service", "operation", "params", "member"), LISTS)
@pytest.mark.parametrize("body", ["", "{}", '{"data": []}', '{"message": "ok"}', '{"%s": null}', '{"%s": {}}'])
async def test_a_list_that_is_none_of_awss_never_counts_as_empty(
    service: str, operation: str, params: dict[str, str], member: str, body: str
) -> None:
    heard = Heard()
    aws = scripted(Scripted(200, body.replace("%s", member), {"content-type": "application/json"}), heard)
    with pytest.raises(GatewayNotAnApi):
        await aws.call(service, operation, params)
    assert [type(fault) for fault in heard.faults] == [GatewayNotAnApi]


@pytest.mark.parametrize(("service", "operation", "params", "member"), LISTS)
async def test_an_empty_list_of_awss_is_one_with_its_member_or_with_awss_request_id(
    service: str, operation: str, params: dict[str, str], member: str
) -> None:
    bare = {"content-type": "application/json", "x-amzn-requestid": "0b5c3a4e"}
    await scripted(Scripted(200, f'{{"{member}": []}}')).call(service, operation, params)
    await scripted(Scripted(200, "{}", bare)).call(service, operation, params)
    with pytest.raises(GatewayNotAnApi):
        await scripted(Scripted(200, "{}", {**bare, "content-type": "text/plain"})).call(service, operation, params)


async def test_every_answer_of_the_emulator_bears_a_request_id_as_awss_do() -> None:
    app = emulator.create(StateFile())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://aws.emulator") as plain:
        assert (await plain.get("/restapis")).headers["x-amzn-requestid"]
    settings = {"endpoint_url": "http://aws.emulator"}
    _, keys = emulator.sample_connection("http://aws.emulator")
    aws = Aws(connection(app, {**keys, **settings}))
    assert await aws.every("apigateway", "GetRestApis") == []
    assert await aws.every("apigatewayv2", "GetApis") == []


@pytest.mark.parametrize(
    ("service", "operation", "member", "token"),
    [("apigateway", "GetUsagePlans", "item", "position"), ("apigatewayv2", "GetApis", "items", "nextToken")],
)
async def test_a_page_token_that_comes_again_ends_the_list_with_an_error(
    service: str, operation: str, member: str, token: str
) -> None:
    app = Scripted(200, json.dumps({member: [], token: "again"}))
    with pytest.raises(GatewayNotAnApi, match="Page token repeated"):
        await scripted(app).every(service, operation)
    assert len(app.asked) == 2


async def test_a_page_token_that_comes_again_makes_a_discovery_partial() -> None:
    found = json.dumps({"item": [{"id": "a1b2", "name": "Pay"}], "position": "again"})
    settings = {**KEYS, "endpoint_url": "http://aws.example"}
    discovery = await connect(connection(Scripted(200, found), settings)).discover(lambda *_: None)
    assert discovery.partial
    assert "Page token repeated" in str([problem.why for problem in discovery.problems if problem.what == "REST APIs"])


@pytest.mark.parametrize(("told", "seconds"), [("7", 7), ("inf", 1), ("nan", 1), ("1e300", 3600), ("soon", 1)])
async def test_a_throttles_retry_after_is_read_as_the_transport_reads_it(told: str, seconds: float) -> None:
    body, headers = rest_error("TooManyRequestsException", "Too Many Requests")
    with pytest.raises(GatewayThrottled) as caught:
        await scripted(Scripted(429, body, {**headers, "retry-after": told})).call("apigateway", "GetAccount")
    assert caught.value.retry_after_seconds == seconds


async def test_a_request_is_signed_for_the_region_and_carries_no_key_in_the_clear() -> None:
    app = Scripted(200, '{"item": []}')
    await scripted(app).call("apigateway", "GetRestApis", {"limit": 1})
    sent = app.asked[0]
    assert "Credential=AKIAPLANTED/" in sent["authorization"]
    assert "/us-east-1/apigateway/aws4_request" in sent["authorization"]
    assert "planted-secret-key" not in str(sent)


@pytest.mark.parametrize("region", ["us-east-1.evil.example/#", "", "US-EAST-1", "us-east-1\n"])
def test_nothing_but_a_region_becomes_part_of_a_host_name(region: str) -> None:
    with pytest.raises(Invalid) as caught:
        Aws(connection(Scripted(200, "{}"), {**KEYS, "region": region}))
    assert caught.value.faults[0][0] == "/region"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "apigateway.eu-central-1.amazonaws.com"),
        ("cn-north-1", "apigateway.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "apigateway.us-gov-west-1.amazonaws.com"),
    ],
)
def test_each_partition_has_its_own_domain(region: str, host: str) -> None:
    place = Aws(connection(Scripted(200, "{}"), {**KEYS, "region": region})).place
    assert place.endpoint("apigateway") == place.endpoint("apigatewayv2") == f"https://{host}"


def role(app: Any, clock: Clock | None = None) -> Aws:
    settings = {"role_arn": ROLE_ARN, "region": emulator.REGION, "endpoint_url": "http://aws.emulator"}
    facts = {"external_id": EXTERNAL_ID, "aws_access_key_id": AFORO_KEY[0], "aws_secret_access_key": AFORO_KEY[1]}
    return Aws(connection(app, settings, facts=facts, clock=clock))


class Counting:
    """The emulated account; counts the calls to STS."""

    def __init__(self) -> None:
        self.app = emulator.create(StateFile())
        emulator.seed(self.app)
        self.sts = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sts += scope["path"] == "/"
        await self.app(scope, receive, send)


ONE_SESSION = 3
"""Calls to STS: with the right ExternalId, without one, and with a wrong one."""


async def test_one_session_serves_many_calls_at_once() -> None:
    app = Counting()
    aws = role(app)
    await asyncio.gather(*(aws.call("apigateway", "GetAccount") for _ in range(5)))
    assert app.sts == ONE_SESSION


async def test_a_session_is_renewed_five_minutes_ahead_of_its_end() -> None:
    app, clock = Counting(), HandClock()
    aws = role(app, clock)
    await aws.call("apigateway", "GetAccount")
    clock.forward(seconds=3299)
    await aws.call("apigateway", "GetAccount")
    assert app.sts == ONE_SESSION
    clock.forward(seconds=2)
    await aws.call("apigateway", "GetAccount")
    assert app.sts == 2 * ONE_SESSION


async def test_a_session_that_aws_ended_early_is_renewed_without_the_caller_noticing() -> None:
    app = Counting()
    app.app.switches.session_seconds = 0.0
    aws = role(app)
    await aws.session.keys()
    app.app.switches.session_seconds = None
    await aws.call("apigateway", "GetAccount")
    assert app.sts == 2 * ONE_SESSION


async def test_no_log_line_holds_a_key_or_a_token_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    aws = role(Counting())
    await aws.call("apigateway", "GetAccount")
    keys = await aws.session.keys()
    logging.getLogger("aforo.control").debug("positive control: %s", keys.secrets[0])
    leaks = [record.name for record in caplog.records if any(secret in record.getMessage() for secret in keys.secrets)]
    assert leaks == ["aforo.control"]
    assert keys.secrets[0] not in repr(keys)


@pytest.mark.parametrize(
    ("endpoint", "app", "code"),
    [
        ("http://127.0.0.1:1", None, "gateway_unreachable"),
        ("http://169.254.169.254", None, "target_refused"),
        ("http://website.example", Scripted(200, "<html></html>", {"content-type": "text/html"}), "gateway_not_an_api"),
        ("http://website.example", Scripted(404, "<html></html>", {"content-type": "text/html"}), "gateway_not_an_api"),
    ],
    ids=["nobody listens", "metadata address", "a website", "a website without the page"],
)
async def test_a_wrong_address_is_told_in_the_first_line_and_ends_the_test(
    endpoint: str, app: Scripted | None, code: str
) -> None:
    connected = connect(connection(app, {**KEYS, "endpoint_url": endpoint}, clock=SystemClock()))
    told = [check async for check in connected.check()]
    await connected.aclose()
    assert [(check.name, check.verdict, check.code) for check in told] == [("Address reached", Verdict.FAILED, code)]
    assert "planted" not in str(told)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def moto(moto_url: str) -> AsyncIterator[Aws]:
    aws = Aws(connection(None, {**KEYS, "endpoint_url": moto_url}, clock=SystemClock()))
    yield aws
    await aws.aclose()


@pytest.fixture
async def gateway(moto_url: str) -> AsyncIterator[Gateway]:
    connected = connect(connection(None, {**KEYS, "endpoint_url": moto_url}, clock=SystemClock()))
    yield connected
    await connected.aclose()


async def made_in_moto(aws: Aws) -> str:
    """A REST API with a method, a deployment, a stage and a plan; in the way that moto understands."""
    api = await aws.call("apigateway", "CreateRestApi", {"name": "Pay", "description": "Payments"})
    place = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    await aws.call("apigateway", "PutMethod", {**place, "authorizationType": "NONE"})
    there = {"type": "HTTP", "uri": "https://backend.example", "integrationHttpMethod": "GET"}
    await aws.call("apigateway", "PutIntegration", {**place, **there})
    await aws.call("apigateway", "CreateDeployment", {"restApiId": api["id"], "stageName": "prod"})
    stages = [{"apiId": api["id"], "stage": "prod"}]
    quota = {"limit": 1000, "period": "MONTH"}
    await aws.call("apigateway", "CreateUsagePlan", {"name": "Gold", "apiStages": stages, "quota": quota})
    return str(api["id"])


async def test_against_moto_a_stage_is_found_with_its_settings_and_plan(moto: Aws, gateway: Gateway) -> None:
    """moto exports Swagger 2 without integrations, so that only the parts around the document are judged here."""
    api_id = await made_in_moto(moto)
    found = await gateway.discover(lambda *_: None)
    product = next(product for product in found.products if product.native_id == f"{api_id}/prod")
    assert (product.ref, product.name) == ("Pay/prod", "Pay")
    plan = product.entity("usage_plan", "Gold")
    assert plan is not None
    assert plan.wished()["quota"] == {"limit": 1000, "period": "MONTH"}
    assert await gateway.read(product) == product


async def test_against_moto_edited_settings_and_a_plan_are_put_back(moto: Aws, gateway: Gateway) -> None:
    api_id = await made_in_moto(moto)
    found = await gateway.discover(lambda *_: None)
    recorded = next(product for product in found.products if product.native_id == f"{api_id}/prod")
    plan = next(entity for entity in recorded.entities if entity.kind == "usage_plan")
    place, name = {"restApiId": api_id}, {"stageName": "prod"}
    described = {"patchOperations": [{"op": "replace", "path": "/description", "value": "edited"}]}
    await moto.call("apigateway", "UpdateRestApi", {**place, **described})
    await moto.call("apigateway", "UpdateStage", {**place, **name, **described})
    limit = {"patchOperations": [{"op": "replace", "path": "/quota/limit", "value": "7"}]}
    await moto.call("apigateway", "UpdateUsagePlan", {"usagePlanId": plan.native_id, **limit})
    live = await gateway.read(recorded)
    done: list[str] = []
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    await gateway.apply(recorded, live, steps, lambda step: done.append(step.kind))
    assert done == ["api", "stage", "usage_plan"]
    restored = await gateway.read(recorded)
    assert restored is not None
    assert compare(recorded, restored, MANIFEST.kinds).changes == ()


async def test_against_moto_pages_are_followed_and_an_absent_api_is_not_found(moto: Aws) -> None:
    assert len(await moto.every("apigateway", "GetRestApis")) >= 1
    with pytest.raises(GatewayNotFound):
        await moto.call("apigateway", "GetRestApi", {"restApiId": "absent"})


async def test_against_moto_a_connection_test_passes_with_keys(gateway: Gateway) -> None:
    told = [check async for check in gateway.check()]
    assert [check.verdict for check in told if check.verdict is Verdict.FAILED] == []
    await gateway.ping()


async def test_against_moto_a_role_is_refused_since_moto_asks_for_no_external_id(moto_url: str) -> None:
    settings = {"role_arn": "arn:aws:iam::123456789012:role/Any", "region": "us-east-1", "endpoint_url": moto_url}
    facts = {"external_id": "ours", "aws_access_key_id": "AKIAX", "aws_secret_access_key": "principal"}
    connected = connect(connection(None, settings, facts=facts, clock=SystemClock()))
    told = {check.name: check async for check in connected.check()}
    await connected.aclose()
    assert told["Role demands our ExternalId"].code == "gateway_unsafe_role"
