"""What keys, seats and the edge's files have to tell reaches the alerts, once each, and ends when it is over."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from aforo.accounts import Scope
from aforo.app.edge.enforcement import CREDENTIALS
from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock, rfc3339
from tests.alerts.test_told import alerts
from tests.credentials.selling import selling
from tests.customers.shop import PRO, customer, plan, stocked, subscribe
from tests.enforcement.parts import edge
from tests.live import Aforo, aforo, emulated


async def survey(running: Aforo, clock: HandClock) -> None:
    for _ in range(2):
        await running.rooms.telling.survey(clock.now())


def titles(found: list[Any]) -> list[str]:
    return sorted(one["title"] for one in found)


async def test_a_rotated_and_a_revoked_key_are_told_once_at_once_and_the_end_of_a_grace_is_not(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong:
        async with selling(tmp_path, clock) as shop:
            _, ids = await stocked(shop.running, kong)
            held = await shop.subscribe(ids[:1])
            first, second = await shop.issue(held), await shop.issue(held)
            await shop.call("POST", f"/credentials/{first['id']}/rotate", {"graceSeconds": 10}, 201)
            await shop.call("POST", f"/credentials/{second['id']}/revoke")
            told = await alerts(shop.running)
            assert titles(told) == ["A key of Buyer of pro was revoked", "A key of Buyer of pro was rotated"]
            assert {one["subject"]["id"] for one in told} >= {second["id"]}
            assert all(one["endedAt"] for one in told)
            clock.forward(60)
            await shop.work()
            assert (await shop.call("GET", f"/credentials/{first['id']}"))["state"] == "REVOKED"
            await survey(shop.running, clock)
            assert len(await alerts(shop.running, "?kind=credential")) == 2


async def test_a_seat_that_cannot_be_provisioned_is_told_after_three_tries_and_its_end_when_it_stands(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong:
        async with selling(tmp_path, clock) as shop:
            _, ids = await stocked(shop.running, kong)
            kong.board.faults.append(Fault(500, times=-1, method="PUT"))
            await shop.subscribe(ids[:1])
            assert await alerts(shop.running) == []
            for _ in range(3):
                clock.forward(301)
                await shop.work()
            await survey(shop.running, clock)
            assert titles(await alerts(shop.running, "?open=true")) == ["Buyer of pro cannot be provisioned at gw"]
            kong.board.faults.clear()
            clock.forward(301)
            await shop.work()
            await survey(shop.running, clock)
            [told] = await alerts(shop.running, "?kind=provisioning")
            assert told["resolution"] == "It stands as wanted, or is not wanted any more."


async def _sold(running: Aforo) -> tuple[str, str]:
    """An ingest key, and a customer that may make 100 calls this month."""
    with emulated("kong", 1) as kong:
        _, ids = await stocked(running, kong)
        quota = {**PRO["quotas"][0], "units": "100", "timeZone": "UTC"}
        sold = await plan(running, productIds=ids, quotas=[quota], rateLimits=[])
        buyer = await customer(running)
        await subscribe(running, buyer["id"], sold["id"])
    scopes = {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
    _, key = await running.rooms.accounts.create_key(running.tenant_id, "edge", scopes)
    return key, buyer["id"]


async def test_quotas_refused_events_and_holes_are_told_from_the_edges_files(tmp_path: Path) -> None:
    clock = HandClock()
    async with aforo(tmp_path, clock) as running:
        await survey(running, clock)  # the edge has made no file yet
        key, buyer = await _sold(running)
        async with edge(tmp_path / "var", clock, credentials=CREDENTIALS) as at:
            for units, expected in (
                (79, []),
                (1, ["Acme has used 80 % of api_calls"]),
                (20, ["Acme has used 80 % of api_calls", "Acme has used all of api_calls"]),
            ):
                await at.ingest({"customerId": buyer, "quantity": units}, key=key)
                await at.open.caught_up()
                clock.forward(1)
                await at.post("/v1/check", {"customerId": buyer, "units": 0}, key)
                await _durable(at)
                await survey(running, clock)
                assert titles(await alerts(running, "?open=true&kind=quota")) == expected
            [full] = [one for one in await alerts(running) if "all of" in one["title"]]
            assert (full["severity"], "100 of 100 api_calls, a HARD quota" in full["detail"]) == ("CRITICAL", True)

            numbered = [{"nodeId": "k-2", "epoch": 1, "seq": seq, "customerId": "other"} for seq in (1, 2, 5)]
            await at.ingest(*numbered, key=key)
            await at.http.post("/v1/ingest", json={"events": [{"customerId": "x"}]}, headers={"X-API-Key": key})
            at.ingests._rollups["live"].write()
            await survey(running, clock)
            assert await alerts(running, "?kind=completeness") == [], "it may only be late"
            [letters] = await alerts(running, "?kind=dead_letters")
            assert letters["url"].endswith("/dead-letters?code=missing_member")
            clock.forward(3_600)
            await survey(running, clock)
            assert titles(await alerts(running, "?kind=completeness&open=true")) == ["2 events of node k-2 missing"]
            late = rfc3339(clock.now() - timedelta(hours=1))
            missing = [
                {"nodeId": "k-2", "epoch": 1, "seq": seq, "customerId": "o", "occurredAt": late} for seq in (3, 4)
            ]
            await at.ingest(*missing, key=key)
            at.ingests._rollups["live"].write()
            await survey(running, clock)
            assert await alerts(running, "?open=true&kind=completeness") == []
            clock.forward(40 * 86_400)
            await survey(running, clock)
            assert await alerts(running, "?open=true&kind=quota") == []
            assert len(await alerts(running, "?kind=quota")) == 2


async def _durable(at: Any) -> None:
    at.open.room.parts.keeper.touch()
    await at.open.room.parts.keeper.durable()
