"""Leases keep to the spend cap and to enforced margin guards as if each call had been checked by itself."""

from pathlib import Path
from typing import Any

import pytest

from aforo.kit.clock import HandClock
from tests.enforcement.parts import Edge, Shop, edge

FEE = {"model": "flat", "name": "Base fee", "amount": "0.30"}
PRICE = {"metric": "api_calls", "model": "per_unit", "unitPrice": "0.004"}
"""With a cost of 0.01 a call, 50 calls leave nothing and the 51st a loss."""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def unprofitable(shop: Shop, *, enforce: bool = True, **guard: Any) -> str:
    shop.cost("0.01")
    shop.guard("TIER", "pro", **({"l3": "0"} | guard))
    product = shop.product(enforce=enforce)
    return shop.customer_on(shop.plan(product, key="pro", quotas=[], rateCard=[FEE, PRICE]))[0]


async def lease(running: Edge, customer: str, node: str = "n", want: int = 100) -> Any:
    asked = {"customerId": customer, "metric": "api_calls", "want": want, "nodeId": node, "epoch": 1}
    return await running.post("/v1/leases", asked)


async def leased_until_refused(running: Edge, customer: str) -> tuple[list[int], Any]:
    """The sizes of all leases that were to be had, and what the one after them was answered."""
    sizes: list[int] = []
    for number in range(200):
        answer = await lease(running, customer, f"node-{number % 5}")
        if "lease" not in answer:
            return sizes, answer
        sizes.append(answer["lease"]["units"])
    raise AssertionError("leases had no end")


async def test_five_nodes_lease_no_more_calls_than_the_margin_pays_for_and_share_its_end(shop: Shop) -> None:
    customer = unprofitable(shop)
    async with edge(shop.folder) as running:
        sizes, last = await leased_until_refused(running, customer)
        assert sum(sizes) == 50
        assert max(sizes) <= 10, "one node holds what is left"
        assert (last["allowed"], last["reason"], last["status"]) == (False, "margin_blocked", 429)


async def test_events_of_leased_calls_change_nothing_and_unspent_units_come_back_with_their_cost(shop: Shop) -> None:
    customer, clock = unprofitable(shop), HandClock()
    async with edge(shop.folder, clock) as running:
        first = (await lease(running, customer))["lease"]
        await running.ingest(*({"customerId": customer, "leaseId": first["id"]} for _ in range(first["units"])))
        sizes, _ = await leased_until_refused(running, customer)
        assert first["units"] + sum(sizes) == 50
        clock.forward(31)
        await running.open.room.tick()
        sizes, _ = await leased_until_refused(running, customer)
        assert first["units"] + sum(sizes) == 50, "expired leases hold cost, or let go of too much"


async def test_a_lease_settled_for_good_lets_go_of_what_it_did_not_spend(shop: Shop) -> None:
    customer = unprofitable(shop)
    async with edge(shop.folder) as running:
        first = (await lease(running, customer))["lease"]
        sizes, _ = await leased_until_refused(running, customer)
        await running.post(f"/v1/leases/{first['id']}/settle", {"used": 0, "final": True})
        again, _ = await leased_until_refused(running, customer)
        assert sum(again) == first["units"]
        assert sum(sizes) + sum(again) == 50


@pytest.mark.parametrize("observer", ["guard", "product"])
async def test_where_nobody_would_be_refused_a_lease_keeps_its_size(shop: Shop, observer: str) -> None:
    customer = unprofitable(shop, mode="observe" if observer == "guard" else "enforce", enforce=observer == "guard")
    async with edge(shop.folder) as running:
        assert (await lease(running, customer))["lease"]["units"] == 100


async def test_a_lease_does_not_reach_into_the_throttle(shop: Shop) -> None:
    """From the 19th call on less than half of the revenue is left; the 18 before it are leased unthrottled."""
    customer = unprofitable(shop, l2="0.5", l3=None, throttle=30)
    async with edge(shop.folder) as running:
        whole = 0
        while (answer := await lease(running, customer))["lease"]["throttleRate"] == 100:
            whole += answer["lease"]["units"]
        assert 18 <= whole <= 19


async def test_leases_keep_to_the_spend_cap(shop: Shop) -> None:
    price = {"metric": "api_calls", "model": "per_unit", "unitPrice": "0.10"}
    cap = {"amount": "1.00", "period": "month", "anchorDay": 1, "timeZone": "UTC"}
    customer, _ = shop.customer_on(shop.plan(shop.product(), quotas=[], rateCard=[price], spendCap=cap))
    async with edge(shop.folder) as running:
        sizes, last = await leased_until_refused(running, customer)
        assert sum(sizes) == 10
        assert (last["reason"], last["status"]) == ("spend_cap", 402)
