"""What the role template grants is enough, and no more than was said: tried over HTTP with a deployed stack."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.artifact import Phase, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway, Product, Verdict
from aforo.gateway_sdk.emulator import StateFile
from aforo.gateway_sdk.errors import GatewayForbidden
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport, new_http
from aforo.gateways.aws import emulator
from aforo.gateways.aws.cloudformation import Variant, role_template
from aforo.gateways.aws.connector import connect
from aforo.gateways.aws.emulator.identity import AFORO_ARN, AFORO_KEY
from aforo.gateways.aws.manifest import MANIFEST
from aforo.kit.clock import SystemClock
from tests.gateways.aws.metered import quiet
from tests.gateways.aws.served_emulator import Account, serving

pytestmark = pytest.mark.conformance
EXTERNAL_ID = "1b0d5f5e-0a6e-4a7e-9c56-6f2f4a1f8d11"
Connected = Callable[[Account, Variant], Gateway]
WAYS: list[Connection] = []
"""To the gateways that were connected, the newest last."""


async def remember(name: str, value: str) -> None:
    raise AssertionError(f"nothing to remember: {name} {len(value)}")


@pytest.fixture
async def by_template() -> AsyncIterator[tuple[Account, Connected]]:
    """An account with samples, and a way to connect with a role that one variant of the template made."""
    app = emulator.create(StateFile())
    emulator.seed(app)
    opened: list[Gateway] = []

    def connected(account: Account, variant: Variant) -> Gateway:
        template = role_template(aforo_principal_arn=AFORO_ARN, external_id=EXTERNAL_ID, variant=variant)
        stacks = account.client("cloudformation")
        stacks.create_stack(StackName="aforo", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        outputs = stacks.describe_stacks(StackName="aforo")["Stacks"][0]["Outputs"]
        arn = next(row["OutputValue"] for row in outputs if row["OutputKey"] == "RoleArn")
        clock = SystemClock()
        transport = Transport(
            new_http(allow_private=True), gateway_name="AWS", budget=Budget((), clock), gate=OpenGate()
        )
        facts = {
            "external_id": EXTERNAL_ID,
            "aws_access_key_id": AFORO_KEY[0],
            "aws_secret_access_key": AFORO_KEY[1],
        }
        settings = {"role_arn": arn, "region": emulator.REGION, "endpoint_url": account.url}
        WAYS.append(Connection("intg-1", "aws_role", settings, transport, clock, remember, facts))
        opened.append(connect(WAYS[-1]))
        return opened[-1]

    with serving(app) as account:
        yield account, connected
        for gateway in opened:
            await gateway.aclose()


def edit(account: Account, rest: Product, http: Product) -> None:
    """One edit of every kind that a restore can put back."""
    api_id = rest.native_id.split("/")[0]
    plan = next(entity for entity in rest.entities if entity.kind == "usage_plan")
    v1, v2 = account.client("apigateway"), account.client("apigatewayv2")
    v1.put_gateway_response(restApiId=api_id, responseType="THROTTLED", statusCode="420")
    v1.create_deployment(restApiId=api_id, stageName="prod")
    v1.update_rest_api(restApiId=api_id, patchOperations=[{"op": "replace", "path": "/description", "value": "x"}])
    v1.update_stage(
        restApiId=api_id, stageName="prod", patchOperations=[{"op": "replace", "path": "/variables/a", "value": "1"}]
    )
    v1.update_usage_plan(
        usagePlanId=plan.native_id, patchOperations=[{"op": "replace", "path": "/quota/limit", "value": "7"}]
    )
    arn = f"arn:aws:apigateway:{emulator.REGION}::/restapis/{api_id}"
    v1.tag_resource(resourceArn=arn, tags={"added": "by others"})
    api_id = http.native_id.removeprefix("v2:").split("/")[0]
    v2.update_api(ApiId=api_id, Description="edited")
    v2.create_route(ApiId=api_id, RouteKey="GET /added")
    v2.create_deployment(ApiId=api_id, StageName="prod")


async def by_ref(gateway: Gateway, ref: str) -> Product:
    found = await gateway.discover(lambda *_: None)
    assert not found.partial
    return next(product for product in found.products if product.ref == ref)


async def restore(gateway: Gateway, recorded: Product) -> None:
    live = await gateway.read(recorded)
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    await gateway.apply(recorded, live, steps, lambda _: None)


async def test_the_full_role_can_put_everything_back(by_template: tuple[Account, Connected]) -> None:
    account, connected = by_template
    gateway = connected(account, "full")
    rest, http = await by_ref(gateway, "PaymentsAPI/prod"), await by_ref(gateway, "WeatherAPI/prod")
    edit(account, rest, http)
    for recorded in (rest, http):
        await restore(gateway, recorded)
        live = await gateway.read(recorded)
        assert live is not None
        assert [change.path for change in compare(recorded, live, MANIFEST.kinds).changes] == []


async def test_the_full_role_can_deploy_attach_and_detach_the_artifact(
    by_template: tuple[Account, Connected],
) -> None:
    account, connected = by_template
    gateway = connected(account, "full")
    artifact = gateways()["aws"].artifact(WAYS[-1])
    there = [await by_ref(gateway, ref) for ref in ("PaymentsAPI/prod", "WeatherAPI/prod")]
    products = tuple(ScopedProduct(f"prod_{one.ref}", one.ref, one.native_id, one.ref) for one in there)
    wiring = Wiring("int_1", "sk_live_x", "https://ingest.example.com/v1/ingest", products)
    receipt = await artifact.attach(wiring, await artifact.deploy(wiring, quiet), quiet)
    await artifact.set_mode(replace(wiring, enforce=True), ())
    assert (await artifact.status(wiring, receipt)).phase is Phase.ATTACHED
    await artifact.detach(wiring, receipt)
    assert (await artifact.status(wiring, None)).phase is Phase.DEPLOYED
    await artifact.aclose()


async def test_the_read_only_role_reads_all_and_is_told_what_it_may_not(by_template: tuple[Account, Connected]) -> None:
    account, connected = by_template
    gateway = connected(account, "read_only")
    told = [check async for check in gateway.check()]
    assert [check.name for check in told if check.verdict is Verdict.FAILED] == []
    rest, http = await by_ref(gateway, "PaymentsAPI/prod"), await by_ref(gateway, "WeatherAPI/prod")
    await gateway.ping()
    edit(account, rest, http)
    with pytest.raises(GatewayForbidden) as caught:
        await restore(gateway, rest)
    assert "rights" in str(caught.value.next_step)
