"""Leases at Apigee: how seldom Aforo is asked, and what stays exact for all that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateways.apigee.metered import Metered, metered

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Metered]:
    folder: Path = tmp_path_factory.mktemp("aforo")
    async with metered(folder) as running:
        yield running


def asks(gateway: Metered) -> int:
    """How often a policy has asked Aforo about a call, by the emulator's own trace."""
    return sum(name.startswith("SC-Aforo-Check") for trace in gateway.proxying.traces for name in trace)


async def test_a_soft_quota_is_spent_from_leases_and_counted_exactly(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=1000, mode="SOFT")
    async with gateway.attached(options={"lease_units": "10"}):
        before = asks(gateway)
        answers = [await gateway.call(buyer.secret) for _ in range(23)]
        assert {one.status_code for one in answers} == {200}
        told = [int(one.headers["x-aforo-remaining"]) for one in answers]
        assert told == list(range(999, 976, -1))
        assert asks(gateway) - before == 4  # one check, then three leases
        assert len(await gateway.events(buyer.customer_id)) == 23


@pytest.mark.parametrize(
    "calls", [pytest.param(200, marks=pytest.mark.long), pytest.param(2_000, marks=pytest.mark.long)]
)
async def test_at_leases_of_a_hundred_at_most_one_call_in_fifty_asks(gateway: Metered, calls: int) -> None:
    buyer = await gateway.buyer(units=10_000, mode="SOFT")
    async with gateway.attached():
        before = asks(gateway)
        for _ in range(calls):
            assert (await gateway.call(buyer.secret)).status_code == 200
        assert asks(gateway) - before <= calls * 0.02


async def test_a_hard_quota_is_asked_about_call_by_call(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=2)
    async with gateway.attached():
        before = asks(gateway)
        assert [(await gateway.call(buyer.secret)).status_code for _ in range(3)] == [200, 200, 429]
        assert asks(gateway) - before == 3


async def test_a_lease_decides_for_no_longer_than_it_lives_and_then_aforo_is_asked(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=1000, mode="SOFT")
    async with gateway.attached():
        for _ in range(2):
            await gateway.call(buyer.secret)
        before = asks(gateway)
        assert (await gateway.call(buyer.secret)).status_code == 200
        assert asks(gateway) == before
        gateway.now.ahead += 26
        assert (await gateway.call(buyer.secret)).status_code == 200
        assert asks(gateway) == before + 1
