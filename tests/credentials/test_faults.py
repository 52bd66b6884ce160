"""One gateway is down, with its real breaker open: no other notices, and what waits for it is done once it is back."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from aforo.catalog.sql import ProductStore
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.registry import gateways
from aforo.kit.clock import HandClock
from tests.credentials.selling import Selling
from tests.credentials.test_scale import PROVISIONED, SWITCHED_ON
from tests.customers.shop import stocked
from tests.live import Emulated, aforo, emulated

PAIRS: Final = [
    pytest.param(down, PROVISIONED[place - 1], marks=[pytest.mark.long] if place else [])
    for place, down in enumerate(PROVISIONED)
]
"""Each gateway down once, beside another vendor's; one of them in CI."""
PROBE_SECONDS: Final = 300


@contextlib.asynccontextmanager
async def trading(folder: Path, clock: HandClock) -> AsyncIterator[Selling]:
    """The app as it is wired: its own breakers, budgets and provisioners."""
    async with aforo(folder, clock) as running:
        yield Selling(running, clock)


@pytest.mark.parametrize(("down", "up"), PAIRS)
async def test_a_gateway_that_is_down_neither_delays_nor_fails_another_and_is_caught_up_with(
    tmp_path: Path, down: str, up: str
) -> None:
    clock = HandClock()
    with _emulated(down, clock) as bad, _emulated(up, clock) as good:
        async with trading(tmp_path, clock) as shop:
            here, there = await _sold_at(shop, good, "good"), await _sold_at(shop, bad, "bad")
            bad.board.faults.append(Fault(503, times=-1, path="/"))
            made = [
                await shop.subscribe([here[1], there[1]], key=f"plan-{number}", primaryIntegrationId=here[0])
                for number in range(8)
            ]
            told_at_once = [{seat["integrationId"]: seat["observed"] for seat in one["gateways"]} for one in made]
            assert [one[here[0]] for one in told_at_once] == ["ACTIVE"] * 8
            await shop.work()
            assert [await shop.gateways_of(one) for one in made] == [{here[0]: "ACTIVE", there[0]: "PENDING"}] * 8
            assert await _breaker(shop, there[0]) == "OPEN"
            assert await _breaker(shop, here[0]) == "CLOSED"
            told = [await _reason(shop, one["id"], there[0]) for one in made]
            assert all(told), "each seat tells why it waits"

            tried = len(bad.board.log)
            late = await shop.subscribe([here[1], there[1]], key="late", primaryIntegrationId=here[0])
            assert await shop.gateways_of(late) == {here[0]: "ACTIVE", there[0]: "PENDING"}
            assert len(bad.board.log) == tried, "an open breaker lets nothing through"
            clock.forward(PROBE_SECONDS)
            await shop.work()
            assert 0 < len(bad.board.log) - tried <= 2, "one probe, however many wait"

            bad.board.faults.clear()
            for _ in range(2):
                clock.forward(PROBE_SECONDS)
                await shop.work()
            everywhere = {here[0]: "ACTIVE", there[0]: "ACTIVE"}
            assert [await shop.gateways_of(one) for one in [*made, late]] == [everywhere] * 9
            assert await _breaker(shop, there[0]) == "CLOSED"
            assert [await _reason(shop, one["id"], there[0]) for one in made] == [None] * 8


@pytest.mark.parametrize("down", PROVISIONED)
async def test_a_seat_at_a_gateway_that_is_down_is_tried_again_with_growing_gaps(tmp_path: Path, down: str) -> None:
    clock = HandClock()
    with _emulated(down, clock) as bad:
        async with trading(tmp_path, clock) as shop:
            place, product = await _sold_at(shop, bad, "bad")
            bad.board.faults.append(Fault(503, times=-1, path="/"))
            made = await shop.subscribe([product])
            gaps, seen, last = [], len(bad.board.log), clock.monotonic()
            while await _breaker(shop, place) == "CLOSED" and clock.monotonic() < PROBE_SECONDS:
                clock.forward(0.5)
                await shop.work()
                if len(bad.board.log) > seen:
                    gaps.append(clock.monotonic() - last)
                    seen, last = len(bad.board.log), clock.monotonic()
            assert len(gaps) >= 3
            assert gaps[-1] > 2 * gaps[0]
            assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(gaps)), gaps
            assert await shop.gateways_of(made) == {place: "PENDING"}


def _emulated(gateway: str, clock: HandClock) -> contextlib.AbstractContextManager[Emulated]:
    return emulated(gateway, **SWITCHED_ON[gateway](clock))


async def _sold_at(shop: Selling, gateway: Emulated, name: str) -> tuple[str, str]:
    """The integration, and one of its products that its keys can open."""
    place, _ = await stocked(shop.running, gateway, name)
    keyless = gateways()[gateway.gateway].manifest.keyless
    rows = await ProductStore(shop.running.rooms.db).products(shop.running.tenant_id, integration_id=place)
    return place, next(row.id for row in rows if not row.native_id.startswith(keyless))


async def _breaker(shop: Selling, integration_id: str) -> str:
    return str((await shop.call("GET", f"/integrations/{integration_id}"))["breaker"])


async def _reason(shop: Selling, subscription_id: str, integration_id: str) -> str | None:
    seats = (await shop.call("GET", f"/subscriptions/{subscription_id}"))["gateways"]
    reason: str | None = next(seat["reason"] for seat in seats if seat["integrationId"] == integration_id)
    return reason
