"""Previews, syncs and drift of plans, end to end over Kong's emulator."""

from pathlib import Path
from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Fault
from tests.customers.shop import customer, plan, subscribe
from tests.pricing.tills import Till, row_of, statuses, till, wanted

FOREIGN = {"name": "rate-limiting", "config": {"minute": 7, "policy": "local"}}


def limit_of(shop: Till, subscription: dict[str, Any]) -> Any:
    """The plugin that holds the plan for one subscriber."""
    plugins = shop.at_gateway("GET", f"/consumers/aforo-{subscription['id']}/plugins")["data"]
    return next(row for row in plugins if row["name"] == "rate-limiting")


async def drifted(shop: Till) -> Any:
    """A preview in which the plan's row would write something."""
    shop.at_gateway("PATCH", f"/plugins/{limit_of(shop, shop.subscription)['id']}", {"config": {"minute": 5}})
    return await shop.preview()


async def test_a_row_tells_what_would_be_written_what_cannot_be_held_and_what_it_touches(tmp_path: Path) -> None:
    fee = {"model": "flat", "amount": "19", "name": "Base fee"}
    tokens = {"metric": "tokens", "units": "10", "period": "month"}
    async with till(tmp_path, "kong", rateCard=[fee]) as shop:
        await shop.call("POST", "/metrics", {"name": "tokens", "unit": "token", "aggregation": "SUM"}, 201)
        await shop.next_version(quotas=[tokens])
        row = row_of(await drifted(shop))
        assert (row["status"], row["versions"], row["line"]) == (
            "CHANGED",
            [2, 1],
            "CHANGED: plan Pro v2 (plan and gateway differ)",
        )
        changed = next(field for field in row["fields"] if field["path"].endswith("/config/minute"))
        assert (changed["before"], changed["after"]) == (700, 5)
        assert "10 tokens per month: Kong counts calls only" in row["leftOut"]
        assert row["impact"] == {
            "subscriptions": 1,
            "credentials": 0,
            "monthlyRevenue": "19.00",
            "currency": "EUR",
        }


async def test_each_version_that_somebody_is_on_keeps_its_own_limits(tmp_path: Path) -> None:
    async with till(tmp_path, "kong", quotas=[]) as shop:
        limits = [{"metric": "api_calls", "perSeconds": 60, "units": "9"}]
        await shop.next_version(rateLimits=limits)
        newer = await subscribe(shop.running, (await customer(shop.running, "Two"))["id"], shop.sold["id"])
        for subscription in (shop.subscription, newer):
            shop.at_gateway("PATCH", f"/plugins/{limit_of(shop, subscription)['id']}", {"config": {"minute": 5}})
        done = await shop.sync(await shop.preview(), ["plan:pro"])
        assert done["done"]
        assert limit_of(shop, shop.subscription)["config"]["minute"] == 700
        assert limit_of(shop, newer)["config"]["minute"] == 9


async def test_nothing_is_written_when_the_gateway_has_moved_on_since_the_preview(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        shown = await drifted(shop)
        shop.at_gateway("PATCH", f"/plugins/{limit_of(shop, shop.subscription)['id']}", {"config": {"minute": 6}})
        refused = await shop.sync(shown, status=409)
        assert refused["code"] == "plan_stale"
        assert limit_of(shop, shop.subscription)["config"]["minute"] == 6


async def test_nothing_is_written_when_the_plan_or_who_is_on_it_has_changed(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        shown = await drifted(shop)
        await shop.next_version(features={})
        assert (await shop.sync(shown, status=409))["code"] == "plan_stale"
        shown = await shop.preview()
        await subscribe(shop.running, (await customer(shop.running, "Two"))["id"], shop.sold["id"])
        assert (await shop.sync(shown, status=409))["code"] == "plan_stale"
        assert limit_of(shop, shop.subscription)["config"]["minute"] == 5


async def test_a_preview_is_synced_from_once(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        await shop.call("PATCH", f"/products/{shop.product_ids[0]}", {"monetized": True})
        shown = await shop.preview()
        assert (await shop.sync(shown, ["plan:pro"]))["done"]
        assert (await shop.sync(shown, ["plan:pro"], status=409))["code"] == "plan_stale"


async def test_what_endangers_others_is_written_only_when_that_was_confirmed(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        shown = await drifted(shop)
        assert "no longer works for this plan's consumers" in row_of(shown)["dangers"][0]
        refused = await shop.sync(shown, confirm=False, status=409)
        assert refused["code"] == "dangers_unconfirmed"
        assert "no longer works for this plan's consumers" in refused["detail"]
        assert limit_of(shop, shop.subscription)["config"]["minute"] == 5
        assert (await shop.sync(shown))["done"]


async def test_nothing_that_others_made_is_changed_or_removed(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        somebody = shop.at_gateway("POST", "/consumers", {"username": "somebody"})
        shop.at_gateway("POST", f"/consumers/{somebody['id']}/plugins", FOREIGN)
        before = foreign(shop)
        assert len(before["plugins"]) > 1
        await shop.sync(await drifted(shop))
        await shop.next_version(productIds=[])
        await shop.call("POST", f"/subscriptions/{shop.subscription['id']}/cancel")
        left = await shop.preview()
        if wanted(left):
            await shop.sync(left)
        assert foreign(shop) == before


async def test_a_limit_that_lost_its_mark_is_shown_and_left_alone(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        plugin = limit_of(shop, shop.subscription)["id"]
        shop.at_gateway("PATCH", f"/plugins/{plugin}", {"tags": ["theirs"], "config": {"minute": 3}})
        row = row_of(await shop.preview())
        assert row["status"] == "UNCHANGED"
        assert any("does not carry Aforo's mark" in why for why in row["leftOut"])
        await shop.sync(await shop.preview(), ["plan:pro"])
        assert limit_of(shop, shop.subscription)["config"]["minute"] == 3


async def test_a_plan_that_could_not_be_read_is_told_and_nothing_is_concluded_of_it(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        await plan(shop.running, key="basic", productIds=shop.product_ids[1:2])
        await shop.sync(await shop.preview(), ["plan:pro"])
        plugin = limit_of(shop, shop.subscription)["id"]
        shop.gateway.board.faults.append(Fault(path=f"/plugins/{plugin}", status=403, times=2))
        shown = await shop.preview()
        assert (shown["partial"], shown["unread"], statuses(shown)) == (True, ["plan:pro"], {"plan:basic": "UNCHANGED"})
        assert shown["problems"][0]["what"] == "plan:pro"
        assert (await shop.standing())["plan:pro"] == "UNREAD"


async def test_a_row_that_fails_is_told_and_those_after_it_are_not_tried(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        await shop.call("PATCH", f"/products/{shop.product_ids[0]}", {"monetized": True})
        shown = await drifted(shop)
        plugin = limit_of(shop, shop.subscription)["id"]
        shop.gateway.board.faults.append(Fault(method="PUT", path=f"/plugins/{plugin}", status=400))
        told = await shop.sync(shown)
        assert [one["outcome"] for one in told["results"]] == ["FAILED", "NOT_TRIED"]
        assert told["results"][0]["detail"]
        assert not told["done"]
        shop.gateway.board.faults.clear()
        assert (await shop.sync(await shop.preview()))["done"]


async def test_drift_is_seen_against_what_was_synced(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        await shop.sync(await shop.preview(), ["plan:pro"])
        plugin = limit_of(shop, shop.subscription)["id"]
        shop.at_gateway("PATCH", f"/plugins/{plugin}", {"config": {"minute": 5}})
        assert await shop.standing() == {"plan:pro": "DRIFTED"}
        shop.at_gateway("DELETE", f"/plugins/{plugin}")
        assert await shop.standing() == {"plan:pro": "GONE"}


async def test_a_product_that_is_no_longer_sold_loses_the_tag_when_selected_and_keeps_the_others(
    tmp_path: Path,
) -> None:
    async with till(tmp_path, "kong") as shop:
        product = await shop.call("GET", f"/products/{shop.product_ids[0]}")
        path, tag = f"/services/{product['ref']}", f"tag:{product['id']}"
        others = shop.at_gateway("GET", path)["tags"] or []
        await shop.call("PATCH", f"/products/{product['id']}", {"monetized": True})
        assert (shop.at_gateway("GET", path)["tags"] or []) == others, "a PATCH alone writes nothing at the gateway"
        await shop.sync(await shop.preview(), [tag])
        assert set(shop.at_gateway("GET", path)["tags"]) == {*others, "aforo-monetized"}
        await shop.call("PATCH", f"/products/{product['id']}", {"monetized": False})
        shown = await shop.preview()
        assert statuses(shown)[tag] == "STALE"
        await shop.sync(shown, [tag])
        assert (shop.at_gateway("GET", path)["tags"] or []) == others
        assert tag not in statuses(await shop.preview())


@pytest.mark.parametrize(
    ("select", "why"), [([], "names no row"), (["plan:other"], "'plan:other' is not in this preview")]
)
async def test_words_that_name_no_row_are_refused(tmp_path: Path, select: list[str], why: str) -> None:
    async with till(tmp_path, "kong") as shop:
        refused = await shop.sync(await shop.preview(), select, status=422)
        assert why in str(refused["errors"])


async def test_a_preview_of_one_integration_is_none_of_another(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        other = await shop.running.connect(shop.gateway, "other")
        body = {"planId": (await shop.preview())["planId"], "select": ["plan:pro"]}
        await shop.call("POST", f"/integrations/{other}/pricing/sync", body, 404)


async def test_whoever_prefers_not_to_wait_gets_a_job(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        path = f"/api/v1/integrations/{shop.integration_id}/pricing/preview"
        answer = await shop.running.http.post(path, headers={"Prefer": "respond-async"})
        assert (answer.status_code, list(answer.json())) == (202, ["jobId"])


async def test_kong_has_no_guard_against_deletion_and_says_so(tmp_path: Path) -> None:
    async with till(tmp_path, "kong") as shop:
        refused = await shop.call("GET", f"/integrations/{shop.integration_id}/guard", status=404)
        assert "refuse to delete" in refused["detail"]


def foreign(shop: Till) -> dict[str, list[Any]]:
    """All that does not carry Aforo's mark."""
    return {
        kind: sorted(
            (row for row in shop.at_gateway("GET", f"/{kind}?size=1000")["data"] if "aforo" not in (row["tags"] or ())),
            key=lambda row: str(row["id"]),
        )
        for kind in ("services", "routes", "plugins", "consumers")
    }
