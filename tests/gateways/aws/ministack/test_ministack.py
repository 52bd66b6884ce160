"""The authorizer and the forwarder, as Aforo deploys them, in ministack before a real Aforo. ministack is not AWS.

What ministack 1.5.33 lacks is supplied by hand where it is needed, and named there.
"""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from aforo.gateway_sdk.artifact import Phase
from tests.gateways.aws.metered import eventually, quiet
from tests.gateways.aws.ministack.world import REF, World, opened

pytestmark = [pytest.mark.ministack, pytest.mark.asyncio(loop_scope="module")]
_LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all: each test installs what it needs, and has customers of its own."""
    async with opened(tmp_path_factory.mktemp("world")) as running:
        yield running


async def install(world: World) -> None:
    receipt = await world.artifact.deploy(world.wiring, quiet)
    assert (await world.artifact.attach(world.wiring, receipt, quiet)).attached == (REF,)


async def test_calls_within_the_quota_reach_the_backend_with_their_customer_and_beyond_it_none_does(
    world: World,
) -> None:
    assert ((await world.call()).status_code, world.backend.calls.pop()) == (200, {}), "open before Aforo came"
    await install(world)
    mine, theirs = await world.subscriber("mine", 3), await world.subscriber("theirs", 1)
    assert [(await world.call(mine)).status_code for _ in range(3)] == [200] * 3, world.ministack.log()
    refused = [await world.call(mine), await world.call("a-key-that-nobody-was-given"), await world.call()]
    assert {one.status_code for one in refused} <= {403, 429}
    assert (await world.call(theirs)).status_code == 200
    told = [(one["customerId"], one["remaining"]) for one in world.backend.calls]
    assert told == [(world.customers[mine], left) for left in ("2", "1", "0")] + [(world.customers[theirs], "0")]


async def test_a_line_of_the_access_log_becomes_one_event_however_often_it_is_delivered(world: World) -> None:
    await install(world)
    secret = await world.subscriber("logged", 5)
    world.backend.calls.clear()
    assert (await world.call(secret)).status_code == 200
    (facts,) = world.backend.calls
    api, _, stage = world.place.partition("/")
    line = {
        "extendedRequestId": "Zx81EFgHliAFRvg=", "apiId": api, "stage": stage, "httpMethod": "GET",
        "path": f"/{stage}/addresses", "status": "200", "requestTimeEpoch": str(int(time.time() * 1000)),
        "refused": "-", "customerId": facts["customerId"], "decisionId": facts["decisionId"],
    }  # fmt: skip
    await world.log("first", line, {**line, "refused": "ACCESS_DENIED"})
    await world.log("again", line)
    await world.log("another", {**line, "extendedRequestId": "Zx82EFgHliAFRvg="})

    async def three() -> bool:
        return sum((await world.taken()).values()) == 3

    assert await eventually(three), (await world.taken(), world.ministack.log())
    assert await world.taken() == {"accepted": 2, "duplicate": 1, "failed": 0}

    async def both() -> bool:
        return len(await world.events()) == 2

    assert await eventually(both)
    events = await world.events()
    assert {one["customerId"] for one in events} == {world.customers[secret]}
    assert {(one["productId"], one["statusCode"]) for one in events} == {(world.product.id, 200)}


async def test_detaching_opens_the_methods_again_and_leaves_no_authorizer(world: World) -> None:
    await install(world)
    receipt = await world.artifact.deploy(world.wiring, quiet)
    assert (await world.call()).status_code in (403, 429)
    assert (await world.artifact.status(world.wiring, receipt)).phase is Phase.ATTACHED
    await world.artifact.detach(world.wiring, receipt)
    assert (await world.call()).status_code == 200
    api = world.place.partition("/")[0]
    assert await world.admin.every("apigateway", "GetAuthorizers", {"restApiId": api}) == []
    assert (await world.artifact.status(world.wiring, receipt)).phase is Phase.DEPLOYED


async def test_ministack_and_its_functions_listen_on_loopback_alone(world: World) -> None:
    await install(world)
    await world.call()
    found = world.ministack.listens_at()
    assert found, "it listens somewhere"
    assert found <= _LOOPBACK
