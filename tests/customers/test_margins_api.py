"""Cost rules and margin guards over the API."""

from pathlib import Path
from typing import Any

import pytest

from tests.customers.shop import customer, faults, plan, stocked
from tests.live import aforo, emulated

GUARD: dict[str, Any] = {
    "scope": {"kind": "TENANT", "ref": None},
    "mode": "observe",
    "floors": {"L1": "0.30", "L2": "0.20", "L3": "0.10"},
    "throttleRate": 50,
    "retryAfterSeconds": 1800,
}


async def test_a_cost_rule_reads_back_as_written_and_can_be_removed(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            _, products = await stocked(running, gateway)
            wanted = {
                "scope": {"productId": products[0], "metric": "api_calls"},
                "unitCost": "0.0004",
                "currency": "USD",
                "validFrom": "2026-11-01T00:00:00.000Z",
            }
            made = await running.call("POST", "/api/v1/cost-rules", wanted, 201)
            assert {name: made[name] for name in wanted} == wanted
            assert (await running.call("GET", "/api/v1/cost-rules"))["data"] == [made]
            path = f"/api/v1/cost-rules/{made['id']}"
            assert await running.call("GET", path) == made
            await running.call("DELETE", path, status=204)
            await running.call("DELETE", path, status=404)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"scope": {}}, "/scope"),
        ({"scope": {"productId": "prod_none"}}, "/scope/productId"),
        ({"scope": {"metric": "unheard"}}, "/scope/metric"),
        ({"unitCost": "-0.1"}, "/unitCost"),
        ({"unitCost": 0.1}, "/unitCost"),
        ({"currency": "EURO"}, "/currency"),
        ({"validFrom": "yesterday"}, "/validFrom"),
        ({"until": "2027-01-01T00:00:00Z"}, "/until"),
    ],
)
async def test_a_cost_rule_that_cannot_be_is_refused_by_pointer(
    tmp_path: Path, members: dict[str, Any], pointer: str
) -> None:
    async with aforo(tmp_path) as running:
        good = {"scope": {"metric": "api_calls"}, "unitCost": "0.1", "currency": "EUR"}
        assert pointer in faults(await running.call("POST", "/api/v1/cost-rules", good | members, 422))


async def test_a_metric_with_a_cost_rule_stays(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        await running.call("POST", "/api/v1/metrics", {"name": "tokens", "unit": "token"}, 201)
        rule = {"scope": {"metric": "tokens"}, "unitCost": "0.1", "currency": "EUR"}
        await running.call("POST", "/api/v1/cost-rules", rule, 201)
        assert (await running.call("DELETE", "/api/v1/metrics/tokens", status=409))["code"] == "metric_in_use"


async def test_a_scope_has_one_margin_guard_which_can_be_changed_and_removed(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        buyer, sold = await customer(running), await plan(running)
        scopes = [
            {"kind": "TENANT", "ref": None},
            {"kind": "CUSTOMER", "ref": buyer["id"]},
            {"kind": "TIER", "ref": sold["key"]},
        ]
        for scope in scopes:
            made = await running.call("POST", "/api/v1/margin-guards", GUARD | {"scope": scope}, 201)
            assert {name: made[name] for name in GUARD} == GUARD | {"scope": scope}
            refused = await running.call("POST", "/api/v1/margin-guards", GUARD | {"scope": scope}, 409)
            assert refused["code"] == "margin_guard_exists"
        path = f"/api/v1/margin-guards/{made['id']}"
        changed = await running.call("PATCH", path, {"mode": "enforce", "floors": {"L3": "0.05"}})
        assert (changed["mode"], changed["floors"]) == ("enforce", {"L1": None, "L2": None, "L3": "0.05"})
        assert (changed["throttleRate"], changed["scope"]) == (50, scopes[-1])
        assert await running.call("GET", path) == changed
        await running.call("DELETE", path, status=204)
        kinds = [one["scope"]["kind"] for one in (await running.call("GET", "/api/v1/margin-guards"))["data"]]
        assert kinds == ["CUSTOMER", "TENANT"]
        await running.call("DELETE", f"/api/v1/customers/{buyer['id']}", status=204)
        kinds = [one["scope"]["kind"] for one in (await running.call("GET", "/api/v1/margin-guards"))["data"]]
        assert kinds == ["TENANT"]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"scope": {"kind": "CUSTOMER", "ref": "cust_none"}}, "/scope/ref"),
        ({"scope": {"kind": "CUSTOMER"}}, "/scope/ref"),
        ({"scope": {"kind": "TIER", "ref": "gold"}}, "/scope/ref"),
        ({"scope": {"kind": "TENANT", "ref": "ten_other"}}, "/scope/ref"),
        ({"floors": {"L1": "0.1", "L2": "0.2"}}, "/floors/L2"),
        ({"floors": {"L1": "0.1", "L3": "0.2"}}, "/floors/L3"),
        ({"floors": {"L1": "1.01"}}, "/floors/L1"),
        ({"floors": {"L1": 0.3}}, "/floors/L1"),
        ({"floors": {}}, "/floors"),
        ({"throttleRate": 101}, "/throttleRate"),
        ({"retryAfterSeconds": 0}, "/retryAfterSeconds"),
        ({"mode": "shout"}, "/mode"),
    ],
)
async def test_a_margin_guard_that_cannot_be_is_refused_by_pointer(
    tmp_path: Path, members: dict[str, Any], pointer: str
) -> None:
    async with aforo(tmp_path) as running:
        assert pointer in faults(await running.call("POST", "/api/v1/margin-guards", GUARD | members, 422))
