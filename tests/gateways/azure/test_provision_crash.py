"""Whatever call a provisioning dies at, the next attempt leaves exactly the promised live keys."""

from dataclasses import replace

import pytest

from aforo.gateway_sdk.provision import Seat, Standing
from tests.credentials.boundaries import hold_at_every_boundary
from tests.gateways.azure.provision_parts import ORDERS, PAYMENTS, WEATHER, seat, wanted, world

FULL = seat(wanted("a", secret="aforo_secret"), wanted("b"), scope=(ORDERS, PAYMENTS))
HALF = replace(FULL, keys=(wanted("a", Standing.SUSPENDED, secret="aforo_secret"), wanted("b")))
CHANGES = {
    "rotated and re-scoped": seat(wanted("a", Standing.GONE), wanted("b"), wanted("c"), scope=(ORDERS, WEATHER)),
    "narrowed": replace(FULL, scope=(ORDERS,)),
    "suspended": replace(FULL, standing=Standing.SUSPENDED),
    "half suspended": HALF,
    "gone": seat(
        wanted("a", Standing.GONE), wanted("b", Standing.GONE), standing=Standing.GONE, scope=(ORDERS, PAYMENTS)
    ),
}


async def test_a_crash_while_a_seat_is_made_is_finished_by_the_next_attempt() -> None:
    assert await hold_at_every_boundary(world, FULL) > 15


@pytest.mark.parametrize(
    "change", [one if one == "rotated and re-scoped" else pytest.param(one, marks=pytest.mark.long) for one in CHANGES]
)
async def test_a_crash_while_a_seat_changes_is_finished_by_the_next_attempt(change: str) -> None:
    assert await hold_at_every_boundary(world, CHANGES[change], before=FULL) > 4


@pytest.mark.parametrize("before", [HALF, pytest.param(CHANGES["suspended"], marks=pytest.mark.long)])
async def test_a_crash_while_a_seat_comes_back_is_finished_by_the_next_attempt(before: Seat) -> None:
    assert await hold_at_every_boundary(world, FULL, before=before) > 4
