"""The plugin at an emulated Kong, before a real Aforo: who passes, who is refused, and what is metered."""

import asyncio
import time
from pathlib import Path

import pytest

from aforo.gateway_sdk.artifact import Canary
from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.emulator import Fault
from tests.gateways.kong.kong_parts import quiet
from tests.gateways.kong.kong_process import KongProcess
from tests.gateways.kong.metered import PATH, Metered, eventually, metered

pytestmark = pytest.mark.conformance


async def counted(world: Metered, count: int) -> bool:
    """Exactly so many events, each its own."""
    keys = [event["idempotencyKey"] for event in await world.events()]
    assert len(keys) <= count
    assert len(set(keys)) == len(keys)
    return len(keys) == count


async def until_spent(world: Metered, secret: str) -> int:
    """Call until calls are refused for longer than a refusal is remembered. Gives the passes."""
    passed, refused_since = 0, None
    until = time.monotonic() + 20
    while time.monotonic() < until and (refused_since is None or time.monotonic() - refused_since < 1.2):
        answer = await world.call(secret)
        if answer.status_code == 200:
            passed, refused_since = passed + 1, None
        else:
            refused_since = refused_since or time.monotonic()
            await asyncio.sleep(0.1)
    return passed


async def test_a_quota_is_spent_to_the_unit_and_no_refused_call_reaches_the_backend(tmp_path: Path) -> None:
    async with metered(tmp_path) as world:
        secret = await world.subscriber("small", 30)
        await world.attach(lease_units=10)
        first = await world.call(secret, **{"X-Aforo-Remaining": "999", "X-Customer-Id": "cust_other"})
        assert (first.status_code, first.headers["x-aforo-plan"]) == (200, "small")
        assert int(first.headers["x-aforo-remaining"]) < 30
        assert 1 + await until_spent(world, secret) == 30
        refused = await world.call(secret)
        assert (refused.status_code, refused.headers["x-aforo-remaining"]) == (429, "0")
        assert int(refused.headers["retry-after"]) == refused.json()["retryAfter"] > 0
        assert refused.headers["x-ratelimit-warning"] == "approaching-limit"
        assert world.backend_calls() == 30
        assert await eventually(lambda: counted(world, 30))
        events = await world.events()
        assert {event["customerId"] for event in events} == {(await customer_of(world, secret))}
        assert all(event["leaseId"] or event["decisionId"] for event in events)
        stranger = await world.call("no-such-key")
        assert (stranger.status_code, world.backend_calls()) == (401, 30)


async def customer_of(world: Metered, secret: str) -> str:
    issued = await world.running.call("GET", f"/api/v1/credentials/{world.issued[secret]}")
    subscription = await world.running.call("GET", f"/api/v1/subscriptions/{issued['subscriptionId']}")
    return str(subscription["customerId"])


async def test_a_revoked_key_with_a_lease_at_hand_is_refused_within_a_second(tmp_path: Path) -> None:
    async with metered(tmp_path) as world:
        secret = await world.subscriber("pro", None)
        await world.attach()
        assert (await world.call(secret)).status_code == 200
        # Only Aforo's own word is to stop the calls: the key stays at Kong, as it does while Kong cannot be reached.
        world.gateway.board.faults.append(Fault(503, times=1000, path="/key-auths"))
        world.gateway.board.faults.append(Fault(503, times=1000, path="/consumers"))
        await world.running.http.post(f"/api/v1/credentials/{world.issued[secret]}/revoke")
        assert await eventually(lambda: world.is_revoked(secret)), "the edge reads of it at most half a second later"
        began = time.monotonic()
        assert await eventually(lambda: refused(world, secret), 5)
        assert time.monotonic() - began < 1


async def refused(world: Metered, secret: str) -> bool:
    answer = await world.call(secret)
    assert answer.status_code in (200, 401)
    return answer.status_code == 401


async def test_an_edge_that_is_away_means_the_plans_fail_mode_and_everything_is_delivered_once_it_is_back(
    tmp_path: Path,
) -> None:
    async with metered(tmp_path) as world:
        granted = await world.subscriber("granted", 1000, failMode={"kind": "open_up_to", "units": "3"})
        closed = await world.subscriber("closed", 1000, failMode={"kind": "closed"})
        await world.attach(lease_units=2, timeout_ms=300)
        assert [(await world.call(secret)).status_code for secret in (granted, closed)] == [200, 200]
        world.edge.stop()
        passed = {name: await passes(world, secret) for name, secret in (("granted", granted), ("closed", closed))}
        assert passed == {"granted": 1 + 3, "closed": 1}, "both spend what they hold, one also what was granted"
        assert (await world.call(closed)).status_code == 503
        delivered = 2 + sum(passed.values())
        assert world.backend_calls() == delivered
        world.edge.start()
        assert await eventually(lambda: counted(world, delivered), 15)


async def passes(world: Metered, secret: str) -> int:
    return sum([(await world.call(secret)).status_code == 200 for _ in range(12)])


@pytest.mark.long
async def test_what_may_pass_unasked_passes_and_an_observing_plugin_refuses_nobody(tmp_path: Path) -> None:
    async with metered(tmp_path) as world:
        secret = await world.subscriber("tiny", 1)
        plugin = await world.attach(lease_units=1, excluded_paths=["/v2/payments/health"])
        assert (await world.call(secret)).status_code == 200
        assert (await world.call(secret)).status_code == 429
        assert (await world.call(secret, f"{PATH}/health")).status_code == 200
        for neighbour in ("healthier", "health/../pay", "health//pay", "health%2e%2e"):
            assert (await world.call(secret, f"{PATH}/{neighbour}")).status_code == 429, neighbour
        await world.admin("PATCH", f"/plugins/{plugin}", {"config": {"enforce": False}})
        assert (await world.call(secret)).status_code == 200
        assert await eventually(lambda: counted(world, 3))
        unattributed = [one for one in await world.events() if one["customerId"] == "unattributed"]
        assert [one["endpointPath"] for one in unattributed] == ["/v2/payments/health"]


@pytest.mark.long
async def test_five_hundred_calls_ask_the_edge_at_most_ten_times_and_two_workers_share_one_lease(
    tmp_path: Path,
) -> None:
    async with metered(tmp_path, workers=2) as world:
        secret = await world.subscriber("large", 100_000)
        await world.attach(lease_units=100)
        for _ in range(25):
            answers = await asyncio.gather(*(world.call(secret) for _ in range(20)))
            assert {answer.status_code for answer in answers} == {200}
        assert await eventually(lambda: counted(world, 500))
        events = await world.events()
        checks = sum(event["decisionId"] is not None for event in events)
        assert 5 <= await world.leases() + checks <= 0.02 * 500
        assert len({event["nodeId"] for event in events}) == 2


async def test_a_canary_proves_an_attached_plugin_and_after_detaching_everything_is_as_it_was(tmp_path: Path) -> None:
    async with metered(tmp_path) as world:
        secret = await world.subscriber("canary", 1)
        before = (await world.admin("GET", "/plugins?size=1000"))["data"]
        there = world.artifact()
        wished = await world.wiring(enforce=True, options={"lease_units": "1", "timeout_ms": "1000"})
        receipt = await there.attach(wished, await there.deploy(wished, quiet), quiet)
        assert await eventually(world.hears)
        canary = Canary(world.gateway.url + PATH, secret, await customer_of(world, secret), "canary")
        lines = [line async for line in there.verify(wished, receipt, canary)]
        assert {line.verdict for line in lines} == {Verdict.OK}, lines
        assert [line.detail for line in lines[-2:]] == ["HTTP 200, plan canary", "HTTP 429"]
        again = [line async for line in there.verify(wished, receipt, canary)]
        assert again[-2].verdict is Verdict.FAILED, "its quota is spent by now"
        await there.detach(wished, receipt)
        assert (await world.admin("GET", "/plugins?size=1000"))["data"] == before
        answer = await world.call(secret)
        assert (answer.status_code, "x-aforo-plan" in answer.headers) == (200, False)
        await there.aclose()


@pytest.mark.long
async def test_a_killed_gateway_loses_at_most_what_it_had_not_yet_written_and_delivers_the_rest_once(
    tmp_path: Path,
) -> None:
    async with metered(tmp_path) as world:
        secret = await world.subscriber("open", 1000, failMode={"kind": "open"})
        service = await world.admin("GET", "/services/payments-v2")
        node = KongProcess(tmp_path / "other", world)
        try:
            await node.open(service["name"], secret, lease_units=100, timeout_ms=1000)
            assert await node.call(secret) == 200
            assert await eventually(lambda: counted(world, 1))
            world.edge.stop()
            assert [await node.call(secret) for _ in range(20)] == [200] * 20
            assert await eventually(node.has_written(20))
            assert [await node.call(secret) for _ in range(5)] == [200] * 5
            node.kill()
            node.start()
            world.edge.start()
            assert await node.is_up()
            assert await eventually(lambda: delivered(world, 21), 15)
            await asyncio.sleep(1)
            assert await delivered(world, 21)
        finally:
            await node.aclose()


async def delivered(world: Metered, least: int) -> bool:
    """All that was written, nothing twice, and no more than was called."""
    keys = [event["idempotencyKey"] for event in await world.events()]
    assert len(keys) == len(set(keys)) <= least + 5
    return len(keys) >= least
