"""A counter moves once per call: by events, settle calls and leases, over crashes and restarts."""

import asyncio
from pathlib import Path

import pytest

from aforo.kit.clock import HandClock
from tests.enforcement.parts import HARD_100, Edge, Shop, edge


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def a_customer(shop: Shop, units: str = "100", mode: str = "HARD") -> str:
    plan = shop.plan(shop.product(), quotas=[HARD_100 | {"units": units, "mode": mode}])
    return shop.customer_on(plan)[0]


@pytest.mark.parametrize("mode", ["HARD", "SOFT", "OVERAGE"])
async def test_the_first_event_that_names_a_decision_moves_by_the_difference_a_later_one_never(
    shop: Shop, mode: str
) -> None:
    customer = a_customer(shop, mode=mode)
    async with edge(shop.folder) as running:
        more, less, same = [(await running.check(customer, units=10))["decisionId"] for _ in range(3)]
        assert await running.used(customer) == 30
        await running.ingest(
            {"decisionId": more, "quantity": 15}, {"decisionId": less, "quantity": 4},
            {"decisionId": same, "quantity": 10}, {"decisionId": less, "quantity": 90},
        )  # fmt: skip
        assert await running.used(customer) == 29
        await running.ingest({"decisionId": more, "quantity": 70})
        told = await running.post(f"/v1/decisions/{same}/settle", {"used": 70})
        assert (told["moved"], await running.used(customer)) == (False, 29)
        await running.ingest({"customerId": customer, "quantity": 5}, {"decisionId": "dec_forged", "quantity": 5})
        assert await running.used(customer) == 34


async def test_a_settle_call_moves_once_and_the_event_that_follows_does_not(shop: Shop) -> None:
    customer = a_customer(shop)
    async with edge(shop.folder) as running:
        token = (await running.check(customer, units=10))["decisionId"]
        assert (await running.post(f"/v1/decisions/{token}/settle", {"used": "2.5"}))["moved"]
        await running.ingest({"decisionId": token, "quantity": 10})
        assert (await running.check(customer, units=0))["remaining"] == 97.5
        await running.post(f"/v1/decisions/{token[:-2]}/settle", {"used": 1}, status=404)


async def test_an_unsettled_hard_reservation_stays_counted_a_soft_one_returns_and_an_event_corrects_both(
    shop: Shop,
) -> None:
    hard, soft, clock = a_customer(shop), a_customer(shop, mode="SOFT"), HandClock()
    async with edge(shop.folder, clock) as running:
        tokens = [(await running.check(one, units=10))["decisionId"] for one in (hard, soft)]
        clock.forward(121)
        await running.open.room.tick()
        assert (await running.used(hard), await running.used(soft)) == (10, 0)
        await running.ingest(*({"decisionId": token, "quantity": 3} for token in tokens))
        assert (await running.used(hard), await running.used(soft)) == (3, 3)


async def test_a_clean_stop_returns_the_chunks_and_a_start_finds_exactly_what_was_used(shop: Shop) -> None:
    hard, soft, clock = a_customer(shop, "100000"), a_customer(shop, mode="SOFT"), HandClock()
    async with edge(shop.folder, clock) as running:
        token = (await running.check(hard, units=7))["decisionId"]
        await running.ingest({"customerId": hard, "quantity": 5}, {"customerId": soft, "quantity": 6})
    async with edge(shop.folder, clock) as running:
        assert (await running.used(hard), await running.used(soft)) == (12, 6)
        await running.ingest({"decisionId": token, "quantity": 9}, {"decisionId": token, "quantity": 1})
        assert await running.used(hard) == 14
    async with edge(shop.folder, clock) as running:
        await running.ingest({"decisionId": token, "quantity": 90})
        assert not (await running.post(f"/v1/decisions/{token}/settle", {"used": 0}))["moved"]
        assert await running.used(hard) == 14


async def test_a_crash_strands_at_most_a_chunk_and_applies_each_event_once(shop: Shop) -> None:
    hard, soft, clock = a_customer(shop, "1000"), a_customer(shop, mode="SOFT"), HandClock()
    used = 0
    for life in range(4):
        running = Edge(shop.folder, clock)
        await running.open.start(running.ingests.logs)
        await running.refresh()
        before = await running.used(hard)
        assert used <= before <= used + 10 * life
        token = (await running.check(hard, units=3))["decisionId"]
        lost = (await running.check(soft, units=8))["decisionId"]
        await running.ingest({"decisionId": token, "quantity": 5}, {"customerId": hard}, {"customerId": soft})
        if life % 2:
            await running.open.room.parts.keeper.durable()
        await running.ingest({"customerId": soft, "quantity": 2}, {"decisionId": lost, "quantity": 1})
        used = await running.used(hard)
        assert used == before + 6
        assert await running.used(soft) == 4 * (life + 1)
        await running.crash()


async def test_a_lost_ledger_is_made_again_from_the_log(shop: Shop) -> None:
    customer, clock = a_customer(shop), HandClock()
    async with edge(shop.folder, clock) as running:
        token = (await running.check(customer, units=9))["decisionId"]
        await running.ingest({"customerId": customer, "quantity": 5}, {"decisionId": token, "quantity": 2})
    for path in shop.folder.glob("ledger.db*"):
        path.unlink()
    clock.forward(1)
    async with edge(shop.folder, clock) as running:
        assert await running.used(customer) == 7


async def test_a_quota_is_never_oversold_while_the_disk_is_slower_than_the_callers(shop: Shop) -> None:
    customer = a_customer(shop, "300")
    async with edge(shop.folder) as running:
        answers = await asyncio.gather(*(running.check(customer, units=1) for _ in range(400)))
        assert sum(one["allowed"] for one in answers) == 300
        assert {one["reason"] for one in answers} == {"ok", "quota_exceeded"}


async def test_a_lease_takes_its_units_at_once_and_returns_what_was_not_spent(shop: Shop) -> None:
    customer, clock = a_customer(shop, "1000"), HandClock()
    async with edge(shop.folder, clock) as running:
        asked = {"customerId": customer, "want": 50, "nodeId": "kong-1", "epoch": 3}
        answer = await running.post("/v1/leases", asked)
        lease = answer["lease"]
        assert lease == {
            "id": lease["id"], "units": 50, "expiresAt": "2026-11-22T12:00:30.000Z", "ratePerSecond": None,
            "throttleRate": 100, "failMode": "closed", "outageUnits": None,
        }  # fmt: skip
        assert (await running.used(customer), answer["remaining"]) == (50, 950)
        await running.ingest(*({"customerId": customer, "leaseId": lease["id"]} for _ in range(20)))
        assert await running.used(customer) == 50
        path = f"/v1/leases/{lease['id']}/settle"
        assert (await running.post(path, {"used": 10, "final": False}))["moved"]
        assert await running.used(customer) == 50
        assert (await running.post(path, {"used": 30, "final": True}))["moved"]
        assert await running.used(customer) == 30
        assert not (await running.post(path, {"used": 30}))["moved"]
        assert (await running.post(path, {"used": 31}, status=409))["code"] == "lease_settled"
        await running.ingest({"customerId": customer, "leaseId": lease["id"], "quantity": 15})
        assert await running.used(customer) == 35
        await running.post("/v1/leases/lease_none/settle", {"used": 1}, status=404)
        await running.post("/v1/leases", asked | {"want": "0.5"}, status=422)


async def test_an_expired_hard_lease_is_stranded_a_soft_one_comes_back(shop: Shop) -> None:
    hard, soft, clock = a_customer(shop, "1000"), a_customer(shop, mode="SOFT"), HandClock()
    async with edge(shop.folder, clock) as running:
        leases = [
            (await running.post("/v1/leases", {"customerId": one, "want": 50, "nodeId": "n"}))["lease"]["id"]
            for one in (hard, soft)
        ]
        await running.ingest(*({"customerId": "x", "leaseId": one, "quantity": 4} for one in leases))
        clock.forward(31)
        await running.open.room.tick()
        assert (await running.used(hard), await running.used(soft)) == (50, 4)
    async with edge(shop.folder, clock) as running:
        assert (await running.used(hard), await running.used(soft)) == (50, 4)
        assert running.open.room.stranded() == {"leases": 46_000_000_000, "chunks": 0}
        shown = (await running.http.get("/metrics")).text
        assert 'aforo_stranded_units{by="leases"} 46.0' in shown


async def test_a_lease_that_was_answered_survives_a_crash(shop: Shop) -> None:
    customer, clock = a_customer(shop, "1000"), HandClock()
    running = Edge(shop.folder, clock)
    await running.open.start(running.ingests.logs)
    await running.refresh()
    lease = (await running.post("/v1/leases", {"customerId": customer, "want": 50, "nodeId": "n"}))["lease"]["id"]
    await running.ingest({"customerId": customer, "leaseId": lease, "quantity": 4})
    await running.crash()
    async with edge(shop.folder, clock) as again:
        assert await again.used(customer) == 50
        await again.post(f"/v1/leases/{lease}/settle", {"used": 2})
        assert await again.used(customer) == 4


async def test_leases_carry_the_plans_terms_and_share_its_rate(shop: Shop) -> None:
    plan = shop.plan(
        shop.product(), quotas=[HARD_100 | {"units": "1000"}],
        rateLimits=[{"metric": "api_calls", "perSeconds": 60, "units": "600", "burst": "100"}],
        failMode={"kind": "open_up_to", "units": "500"},
    )  # fmt: skip
    customer, _ = shop.customer_on(plan)
    async with edge(shop.folder, HandClock()) as running:
        shown = [
            (await running.post("/v1/leases", {"customerId": customer, "want": 10, "nodeId": node}))["lease"]
            for node in ("a", "b", "b")
        ]
        assert [one["ratePerSecond"] for one in shown] == [10, 5, 5]
        assert [one["outageUnits"] for one in shown] == [500, 250, 250]
        assert shown[0]["failMode"] == "open_up_to"


async def test_a_lease_never_reaches_beyond_the_period(shop: Shop) -> None:
    plan = shop.plan(shop.product(), quotas=[HARD_100 | {"period": "hour"}])
    customer, _ = shop.customer_on(plan)
    clock = HandClock()
    clock.forward(3590)
    async with edge(shop.folder, clock) as running:
        lease = (await running.post("/v1/leases", {"customerId": customer, "want": 5, "nodeId": "n"}))["lease"]
        assert lease["expiresAt"] == "2026-11-22T13:00:00.000Z"


@pytest.mark.parametrize(("mode", "rate"), [("enforce", 30), ("observe", 100)])
async def test_a_lease_throttles_only_where_the_margins_guard_enforces(shop: Shop, mode: str, rate: int) -> None:
    card = [{"metric": "api_calls", "model": "per_unit", "unitPrice": "1"}]
    customer, _ = shop.customer_on(shop.plan(shop.product(), key="pro", rateCard=card))
    shop.cost("0.75")
    shop.guard("TIER", "pro", mode=mode, throttle=30, l1="0.9", l2="0.26")
    async with edge(shop.folder) as running:
        await running.ingest({"customerId": customer})
        asked = {"customerId": customer, "metric": "api_calls", "want": 10, "nodeId": "n", "epoch": 1}
        answer = await running.post("/v1/leases", asked)
        assert (answer["margin"], answer["lease"]["throttleRate"]) == ("L2_THROTTLE", rate)
