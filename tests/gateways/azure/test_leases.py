"""Leases at Azure API Management: how seldom Aforo is asked, and what stays exact for all that."""

from pathlib import Path

import pytest

from aforo.gateway_sdk.artifact import FailMode
from aforo.kit.errors import Invalid
from tests.gateways.azure.artifact_parts import Enforced, enforced

HUNDRED = {"lease_units": "100"}


def asked(there: Enforced) -> list[str]:
    """Every question of the gateway before a call, by its path."""
    return [path for path, _ in there.way.asked if path in ("/v1/check", "/v1/leases")]


async def test_a_soft_quota_is_spent_from_leases_and_counted_exactly(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options={"lease_units": "10"}) as there:
        answers = [await there.ask() for _ in range(23)]
        assert {one.status_code for one in answers} == {200}
        assert [int(one.headers["x-aforo-remaining"]) for one in answers] == list(range(999, 976, -1))
        assert {one.headers["x-aforo-plan"] for one in answers} == {"pro"}
        assert asked(there) == ["/v1/check", *["/v1/leases"] * 3]
        events = there.way.events()
        assert [one["decisionId"] is None for one in events] == [False, *[True] * 22]
        leases = [one["leaseId"] for one in events]
        assert [leases.count(one) for one in dict.fromkeys(leases)] == [1, 10, 10, 2]
        assert {one["customerId"] for one in events} == {there.customer}
        there.clock.forward(seconds=60)
        assert await there.used() == 23


async def test_at_leases_of_a_hundred_at_most_one_call_in_fifty_asks(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=10_000, mode="SOFT", options=HUNDRED) as there:
        there.hand("DELETE", "products/orders/policies/policy")  # its own limit would refuse first
        for _ in range(200):
            assert (await there.ask()).status_code == 200
        assert len(asked(there)) <= 200 * 0.02


async def test_a_hard_quota_is_asked_about_call_by_call_and_let_through_exactly(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=12, options=HUNDRED) as there:
        statuses = [(await there.ask()).status_code for _ in range(15)]
        assert statuses == [200] * 12 + [429] * 3
        assert asked(there) == ["/v1/check"] * 15
        assert (there.reached, await there.used()) == (12, 12)


async def test_the_consumption_tier_has_no_counters_and_checks_each_call(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options=HUNDRED, install=False) as there:
        there.app.sku = "Consumption"
        await there.install()
        text = str(there.hand("GET", "policyFragments/aforo-inbound"))
        assert "rate-limit-by-key" not in text
        assert "cache-" not in text
        assert [(await there.ask()).status_code for _ in range(4)] == [200] * 4
        assert asked(there) == ["/v1/check"] * 4


async def test_a_lease_decides_for_no_longer_than_it_lives_and_then_aforo_is_asked(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options=HUNDRED) as there:
        for _ in range(5):
            await there.ask()
        before = len(asked(there))
        there.clock.forward(seconds=24)
        assert (await there.ask()).status_code == 200
        assert len(asked(there)) == before
        there.clock.forward(seconds=1)
        assert (await there.ask()).status_code == 200
        assert len(asked(there)) == before + 1


async def test_a_revoked_key_passes_no_longer_than_its_lease_lives(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options=HUNDRED) as there:
        for _ in range(3):
            await there.ask()
        there.shop.run("UPDATE test_credentials SET state = 'REVOKED'")
        there.shop.logged("x", "credential.revoked")
        await there.edge.refresh()
        there.clock.forward(seconds=24)
        assert (await there.ask()).status_code == 200
        there.clock.forward(seconds=1)
        assert (await there.ask()).status_code == 401


@pytest.mark.parametrize(("fail_mode", "status"), [(FailMode.OPEN, 200), (FailMode.CLOSED, 503)])
async def test_without_the_edge_a_lease_is_spent_and_then_the_fail_mode_decides(
    tmp_path: Path, fail_mode: FailMode, status: int
) -> None:
    options = {"lease_units": "5"}
    async with enforced(tmp_path, units=1000, mode="SOFT", fail_mode=fail_mode, options=options) as there:
        assert [(await there.ask()).status_code for _ in range(2)] == [200, 200]
        there.way.is_down = True
        assert [(await there.ask()).status_code for _ in range(5)] == [200] * 4 + [status]


async def test_calls_that_others_policies_refuse_are_not_counted_when_the_lease_is_over(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options=HUNDRED) as there:
        for _ in range(3):
            await there.ask()
        limit = '<rate-limit-by-key calls="1" renewal-period="60" counter-key="x" />'
        operation = {"displayName": "limit", "method": "GET", "urlTemplate": "/limited"}
        there.hand("PUT", "apis/orders/operations/limited", operation)
        policy = f"<policies><inbound><base />{limit}</inbound></policies>"
        there.hand("PUT", "apis/orders/operations/limited/policies/policy", {"format": "rawxml", "value": policy})
        assert [(await there.ask("orders/limited")).status_code for _ in range(3)] == [200, 429, 429]
        there.clock.forward(seconds=60)
        assert [path for path, _ in there.way.asked if path.endswith("/settle")] == []
        assert await there.used() == 4


async def test_a_lease_that_turns_out_to_be_of_a_hard_quota_gives_its_units_back_at_once(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=200, mode="SOFT", options=HUNDRED) as there:
        await there.ask()
        subscription = there.way.asked[0][1]["credential"]["nativeId"].removeprefix("aforo-")
        hard = {"metric": "api_calls", "units": "200", "period": "month", "anchorDay": 1, "timeZone": "UTC"}
        there.shop.move(subscription, there.shop.plan(there.wiring.products[0].id, quotas=[{**hard, "mode": "HARD"}]))
        await there.edge.refresh()
        assert [(await there.ask()).status_code for _ in range(3)] == [200] * 3
        assert asked(there) == ["/v1/check", "/v1/leases", "/v1/check", "/v1/check"]
        assert await there.used() == 4


async def test_nothing_is_leased_unless_asked_for(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT") as there:
        assert "rate-limit-by-key" not in str(there.hand("GET", "policyFragments/aforo-inbound"))
        assert [(await there.ask()).status_code for _ in range(3)] == [200] * 3
        assert asked(there) == ["/v1/check"] * 3


async def test_a_lease_belongs_to_one_key_of_a_subscription(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1000, mode="SOFT", options=HUNDRED) as there:
        for _ in range(3):
            await there.ask()
        before = len(asked(there))
        await there.ask(key="secondary-key")
        assert len(asked(there)) == before + 1


@pytest.mark.parametrize("units", ["many", "100001", "-1"])
async def test_a_size_of_leases_that_is_none_is_refused_in_words(tmp_path: Path, units: str) -> None:
    async with enforced(tmp_path, install=False, options={"lease_units": units}) as there:
        with pytest.raises(Invalid, match="lease_units has to be a whole number"):
            await there.install()
