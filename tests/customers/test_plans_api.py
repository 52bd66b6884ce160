"""Plans over the API: drafts, versions that never change, faults by pointer, and what usage would cost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.customers.shop import PRO, customer, faults, plan, stocked, subscribe
from tests.live import aforo, emulated


async def test_a_plan_reads_back_digit_by_digit_as_it_was_written(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            _, products = await stocked(running, gateway)
            wanted = PRO | {"productIds": products[:2]}
            made = await running.call("POST", "/api/v1/plans", wanted, 201)
            assert made["id"].startswith("plan_")
            assert {name: made[name] for name in wanted} == wanted
            assert (made["version"], made["state"], made["publishedAt"]) == (1, "DRAFT", None)
            assert await running.call("GET", f"/api/v1/plans/{made['id']}") == made
            assert (await running.call("GET", "/api/v1/plans"))["data"] == [made]


async def test_a_draft_is_edited_in_place_and_only_in_what_the_patch_names(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await running.call("POST", "/api/v1/plans", PRO, 201)
        path = f"/api/v1/plans/{made['id']}"
        changed = await running.call("PATCH", path, {"features": {"bulk": False}, "currency": "USD"})
        assert changed == made | {"features": {"bulk": False}, "currency": "USD"}
        assert await running.call("GET", path) == changed


async def test_a_published_version_never_changes_and_the_next_one_begins_from_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        first = await plan(running)
        path = f"/api/v1/plans/{first['id']}"
        for method, tail in (("PATCH", ""), ("POST", "/publish"), ("DELETE", "/draft")):
            refused = await running.call(method, path + tail, {"name": "Changed"}, 409)
            assert refused["code"] == "plan_published"
        draft = await running.call("POST", f"{path}/versions", {"features": {}}, 201)
        assert (draft["version"], draft["state"], draft["features"]) == (2, "DRAFT", {})
        assert (draft["quotas"], draft["id"], draft["key"]) == (first["quotas"], first["id"], first["key"])
        assert (await running.call("POST", f"{path}/versions", {}, 409))["code"] == "plan_draft_exists"
        await running.call("PATCH", path, {"features": {"export": True}})
        second = await running.call("POST", f"{path}/publish")
        assert (second["version"], second["features"]) == (2, {"export": True})
        assert await running.call("GET", f"{path}?version=1") == first
        assert (await running.call("GET", f"{path}/versions"))["data"] == [second, first]
        assert (await running.call("GET", "/api/v1/plans"))["data"] == [second]
        await running.call("GET", f"{path}?version=3", status=404)


async def test_a_dropped_draft_leaves_the_published_version_and_a_first_draft_goes_with_its_plan(
    tmp_path: Path,
) -> None:
    async with aforo(tmp_path) as running:
        first = await plan(running)
        path = f"/api/v1/plans/{first['id']}"
        await running.call("POST", f"{path}/versions", {}, 201)
        await running.call("DELETE", f"{path}/draft", status=204)
        assert await running.call("GET", path) == first
        lone = await running.call("POST", "/api/v1/plans", PRO | {"key": "lone"}, 201)
        await running.call("DELETE", f"/api/v1/plans/{lone['id']}/draft", status=204)
        await running.call("GET", f"/api/v1/plans/{lone['id']}", status=404)


async def test_a_plan_that_somebody_is_or_was_on_stays(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        sold, unsold = await plan(running), await plan(running, key="unsold")
        subscription = await subscribe(running, (await customer(running))["id"], sold["id"])
        await running.call("POST", f"/api/v1/subscriptions/{subscription['id']}/cancel")
        refused = await running.call("DELETE", f"/api/v1/plans/{sold['id']}", status=409)
        assert refused["code"] == "plan_in_use"
        await running.call("DELETE", f"/api/v1/plans/{unsold['id']}", status=204)


async def test_a_key_names_one_plan_and_all_plans_have_one_currency(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        first = await plan(running)
        assert (await running.call("POST", "/api/v1/plans", PRO, 409))["code"] == "plan_key_taken"
        refused = await running.call("POST", "/api/v1/plans", PRO | {"key": "us", "currency": "USD"}, 422)
        assert faults(refused) == {"/currency": "this tenant's plans are in EUR"}
        path = f"/api/v1/plans/{first['id']}/versions"
        assert "/currency" in faults(await running.call("POST", path, {"currency": "USD"}, 422))


async def test_of_two_first_plans_at_once_only_one_chooses_the_currency(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        wishes = [PRO | {"key": f"p{n}", "currency": ("EUR", "USD", "JPY")[n % 3]} for n in range(9)]
        answers = await asyncio.gather(*(running.http.post("/api/v1/plans", json=wish) for wish in wishes))
        made = [answer.json()["currency"] for answer in answers if answer.status_code == 201]
        assert len(made) == 3
        assert len(set(made)) == 1
        assert sorted({answer.status_code for answer in answers}) == [201, 422]


_GRADUATED = {"metric": "api_calls", "model": "graduated"}


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"key": "a b"}, "/key"),
        ({"currency": "EURO"}, "/currency"),
        ({"currency": "XXX"}, "/currency"),
        ({"productIds": ["prod_none"]}, "/productIds/0"),
        ({"quotas": [{"metric": "api_calls", "units": 5}]}, "/quotas/0/units"),
        ({"quotas": [{"metric": "api_calls", "units": "1e3"}]}, "/quotas/0/units"),
        ({"quotas": [{"metric": "api_calls", "units": "-1"}]}, "/quotas/0/units"),
        ({"quotas": [{"metric": "api_calls", "units": "1000000000000000"}]}, "/quotas/0/units"),
        ({"quotas": [{"metric": "api_calls", "units": "0.0000000001"}]}, "/quotas/0/units"),
        ({"quotas": [{"metric": "unheard", "units": "1"}]}, "/quotas/0/metric"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "period": "fortnight"}]}, "/quotas/0/period"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "anchorDay": 32}]}, "/quotas/0/anchorDay"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "period": "week", "anchorDay": 8}]}, "/quotas/0/anchorDay"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "period": "day", "anchorDay": 2}]}, "/quotas/0/anchorDay"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "timeZone": "Mars/Base"}]}, "/quotas/0/timeZone"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "timeZone": "../etc"}]}, "/quotas/0/timeZone"),
        ({"quotas": [{"metric": "api_calls", "units": "1"}, {"metric": "api_calls", "units": "2"}]}, "/quotas/1"),
        ({"quotas": [{"metric": "api_calls", "units": "1", "mode": "MILD"}]}, "/quotas/0/mode"),
        ({"rateLimits": [{"metric": "api_calls", "perSeconds": 0, "units": "1"}]}, "/rateLimits/0/perSeconds"),
        ({"rateLimits": [{"metric": "unheard", "perSeconds": 1, "units": "1"}]}, "/rateLimits/0/metric"),
        ({"features": {"bulk": "yes"}}, "/features/bulk"),
        ({"rateCard": [{"model": "per_unit", "metric": "api_calls"}]}, "/rateCard/0/unitPrice"),
        ({"rateCard": [{"model": "per_unit", "unitPrice": "1"}]}, "/rateCard/0/metric"),
        ({"rateCard": [{"model": "flat", "amount": "1", "percent": "2"}]}, "/rateCard/0/percent"),
        ({"rateCard": [{"model": "free"}]}, "/rateCard/0/model"),
        ({"rateCard": [_GRADUATED]}, "/rateCard/0/tiers"),
        ({"rateCard": [_GRADUATED | {"tiers": []}]}, "/rateCard/0/tiers"),
        ({"rateCard": [_GRADUATED | {"tiers": [{"upTo": "1", "unitPrice": "1"}]}]}, "/rateCard/0/tiers/0/upTo"),
        (
            {
                "rateCard": [
                    _GRADUATED | {"tiers": [{"upTo": None, "unitPrice": "1"}, {"upTo": None, "unitPrice": "1"}]}
                ]
            },
            "/rateCard/0/tiers/0/upTo",
        ),
        (
            {"rateCard": [_GRADUATED | {"tiers": [{"upTo": top, "unitPrice": "1"} for top in ("10", "10.0", None)]}]},
            "/rateCard/0/tiers/1/upTo",
        ),
        (
            {"rateCard": [{"model": "included_quota", "metric": "api_calls", "includedUnits": "1"}]},
            "/rateCard/0/unitPrice",
        ),
        (
            {"rateCard": [{"model": "included_quota", "metric": "api_calls", "includedUnits": "1", "blockUnits": "1"}]},
            "/rateCard/0/blockPrice",
        ),
        (
            {
                "rateCard": [
                    {
                        "model": "included_quota",
                        "metric": "api_calls",
                        "includedUnits": "1",
                        "unitPrice": "1",
                        "blockUnits": "5",
                    }
                ]
            },
            "/rateCard/0/blockUnits",
        ),
        (
            {"rateCard": [{"model": "per_unit", "metric": "api_calls", "unitPrice": price} for price in ("1", "2")]},
            "/rateCard/1",
        ),
        ({"spendCap": {"amount": "100", "period": "week", "anchorDay": 9}}, "/spendCap/anchorDay"),
        ({"spendCap": "100"}, "/spendCap"),
        ({"failMode": {"kind": "open_up_to"}}, "/failMode/units"),
        ({"failMode": {"kind": "closed", "units": "5"}}, "/failMode/units"),
        ({"failMode": {"kind": "ajar"}}, "/failMode/kind"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused_by_pointer(
    tmp_path: Path, members: dict[str, Any], pointer: str
) -> None:
    async with aforo(tmp_path) as running:
        refused = await running.call("POST", "/api/v1/plans", PRO | members, 422)
        assert pointer in faults(refused)
        assert (await running.call("GET", "/api/v1/plans"))["data"] == []


async def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        members = {"productIds": ["prod_x"], "failMode": {"kind": "open_up_to"}, "rateCard": [{"model": "per_unit"}]}
        told = faults(await running.call("POST", "/api/v1/plans", PRO | members, 422))
        assert set(told) == {"/productIds/0", "/failMode/units", "/rateCard/0/unitPrice", "/rateCard/0/metric"}


async def test_a_patch_is_held_to_the_same_rules(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await running.call("POST", "/api/v1/plans", PRO, 201)
        for body, pointer in (
            ({"failMode": {"kind": "open_up_to"}}, "/failMode/units"),
            ({"quotas": None}, "/quotas"),
            ({"key": "other"}, "/key"),
        ):
            told = faults(await running.call("PATCH", f"/api/v1/plans/{made['id']}", body, 422))
            assert pointer in told
        assert await running.call("GET", f"/api/v1/plans/{made['id']}") == made


async def test_a_product_that_is_gone_stands_in_the_way_of_publishing(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            _, products = await stocked(running, gateway)
            made = await running.call("POST", "/api/v1/plans", PRO | {"productIds": products[:1]}, 201)
            await running.call("DELETE", f"/api/v1/products/{products[0]}", status=204)
            told = faults(await running.call("POST", f"/api/v1/plans/{made['id']}/publish", {}, 422))
            assert set(told) == {"/productIds/0"}


async def test_a_preview_of_usage_shows_lines_whose_parts_sum_to_the_whole(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        fee = {"model": "flat", "name": "Base fee", "amount": "49.00"}
        made = await plan(running, rateCard=[fee, *PRO["rateCard"]])
        told = await running.call("POST", f"/api/v1/plans/{made['id']}/rate", {"usage": {"api_calls": "123456"}})
        assert told == {
            "planId": made["id"],
            "version": 1,
            "currency": "EUR",
            "lines": [
                {
                    "metric": None,
                    "model": "flat",
                    "name": "Base fee",
                    "quantity": "0",
                    "amount": "49.00",
                    "exact": "49",
                    "parts": [{"kind": "fee", "quantity": "1", "price": "49", "amount": "49"}],
                },
                {
                    "metric": "api_calls",
                    "model": "graduated",
                    "name": None,
                    "quantity": "123456",
                    "amount": "100.76",
                    "exact": "100.7648",
                    "parts": [
                        {"kind": "units", "quantity": "10000", "price": "0.001", "amount": "10"},
                        {"kind": "units", "quantity": "113456", "price": "0.0008", "amount": "90.7648"},
                    ],
                },
            ],
            "total": "149.76",
            "exactTotal": "149.7648",
        }


async def test_a_rate_card_is_priced_before_it_is_saved(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await running.call("POST", "/api/v1/plans", PRO, 201)
        path = f"/api/v1/plans/{made['id']}/rate"
        card = [{"model": "per_unit", "metric": "api_calls", "unitPrice": "0.5"}]
        assert (await running.call("POST", path, {"usage": {"api_calls": "3"}, "rateCard": card}))["total"] == "1.50"
        assert (await running.call("POST", path, {"usage": {}}))["total"] == "0.00"
        for body, pointer in (
            ({"usage": {"unheard": "1"}}, "/usage/unheard"),
            ({"usage": {"api_calls": 1}}, "/usage/api_calls"),
            ({"usage": {}, "rateCard": [{"model": "per_unit", "metric": "api_calls"}]}, "/rateCard/0/unitPrice"),
        ):
            assert pointer in faults(await running.call("POST", path, body, 422))
        assert await running.call("GET", f"/api/v1/plans/{made['id']}") == made
