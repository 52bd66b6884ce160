"""Subscriptions over the API, the grants that follow, and what a preview says they touch."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aforo.customers.rules.states import State
from aforo.customers.sql import SubscriptionStore
from aforo.kit.clock import HandClock
from tests.customers.shop import PRO, customer, faults, plan, stocked, subscribe
from tests.live import Aforo, aforo, emulated


async def test_a_subscription_pins_the_newest_published_version_and_stands_at_every_gateway_of_the_plan(
    tmp_path: Path,
) -> None:
    with emulated("kong") as kong, emulated("aws") as aws:
        async with aforo(tmp_path) as running:
            first, kongs = await stocked(running, kong, "kong")
            second, awss = await stocked(running, aws, "aws")
            sold = await plan(running, productIds=[awss[0], kongs[0], awss[1]])
            await running.call("POST", f"/api/v1/plans/{sold['id']}/versions", {"productIds": []}, 201)
            made = await subscribe(running, (await customer(running))["id"], sold["id"])
            assert made["id"].startswith("sub_")
            assert (made["planVersion"], made["status"], made["mode"]) == (1, "ACTIVE", "GATEWAY_GENERATED")
            assert made["primaryIntegrationId"] == second
            assert [(place["integrationId"], place["wanted"]) for place in made["gateways"]] == [
                (second, "ACTIVE"),
                (first, "ACTIVE"),
            ]
            told = await running.call("GET", f"/api/v1/subscriptions/{made['id']}")
            assert told | {"gateways": []} == made | {"gateways": []}
            chosen = await subscribe(
                running, made["customerId"], sold["id"], primaryIntegrationId=first, mode="AFORO_PROVIDED"
            )
            assert (chosen["primaryIntegrationId"], chosen["mode"]) == (first, "AFORO_PROVIDED")


async def test_what_cannot_be_subscribed_to_is_refused_by_pointer(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        buyer, sold = await customer(running), await plan(running)
        draft = await running.call("POST", "/api/v1/plans", PRO | {"key": "draft"}, 201)
        good = {"customerId": buyer["id"], "planId": sold["id"]}
        for members, pointer in (
            ({"customerId": "cust_none"}, "/customerId"),
            ({"planId": "plan_none"}, "/planId"),
            ({"planId": draft["id"]}, "/planId"),
            ({"planVersion": 2}, "/planVersion"),
            ({"primaryIntegrationId": "int_none"}, "/primaryIntegrationId"),
            ({"mode": "HANDMADE"}, "/mode"),
            ({"startsAt": "2026-11-01T00:00:00"}, "/startsAt"),
            ({"startsAt": "9999-12-31T00:00:00Z"}, "/startsAt"),
            ({"status": "ACTIVE"}, "/status"),
        ):
            assert pointer in faults(await running.call("POST", "/api/v1/subscriptions", good | members, 422))
        assert (await running.call("GET", "/api/v1/subscriptions"))["data"] == []


async def test_a_subscription_begins_when_its_time_comes(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 1, tzinfo=UTC))
    async with aforo(tmp_path, clock) as running:
        buyer, sold = await customer(running), await plan(running)
        made = await subscribe(running, buyer["id"], sold["id"], startsAt="2026-11-01T01:00:00+00:30")
        path = f"/api/v1/subscriptions/{made['id']}"
        assert (made["status"], made["startsAt"]) == ("PENDING", "2026-11-01T00:30:00.000Z")
        assert (await running.call("POST", f"{path}/suspend", status=409))["code"] == "subscription_state"
        clock.forward(1799)
        assert (await running.call("GET", path))["status"] == "PENDING"
        clock.forward(1)
        assert (await running.call("GET", path))["status"] == "ACTIVE"
        assert (await running.call("POST", f"{path}/suspend"))["status"] == "SUSPENDED"
        assert (await running.call("POST", f"{path}/reactivate"))["status"] == "ACTIVE"


async def test_each_verb_does_what_it_says_and_asking_again_changes_nothing(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await subscribe(running, (await customer(running))["id"], (await plan(running))["id"])
        path = f"/api/v1/subscriptions/{made['id']}"
        for verb, status in (("suspend", "SUSPENDED"), ("reactivate", "ACTIVE"), ("cancel", "CANCELLED")):
            done = await running.call("POST", f"{path}/{verb}")
            assert done["status"] == status
            assert await running.call("POST", f"{path}/{verb}") == done
        assert done["cancelledAt"] is not None
        for verb in ("suspend", "reactivate"):
            assert (await running.call("POST", f"{path}/{verb}", status=409))["code"] == "subscription_state"
        assert (await running.call("PATCH", path, {}, 409))["code"] == "subscription_state"


async def test_a_subscription_keeps_its_version_until_it_is_moved(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        sold, other = await plan(running), await plan(running, key="other")
        made = await subscribe(running, (await customer(running))["id"], sold["id"])
        await running.call("POST", f"/api/v1/plans/{sold['id']}/versions", {"features": {}}, 201)
        await running.call("POST", f"/api/v1/plans/{sold['id']}/publish")
        path = f"/api/v1/subscriptions/{made['id']}"
        assert (await running.call("GET", path))["planVersion"] == 1
        assert (await running.call("PATCH", path, {"planVersion": 2}))["planVersion"] == 2
        moved = await running.call("PATCH", path, {"planId": other["id"]})
        assert (moved["planId"], moved["planVersion"]) == (other["id"], 1)
        assert "/planVersion" in faults(await running.call("PATCH", path, {"planVersion": 9}, 422))


async def test_lists_are_paged_and_told_apart_by_customer_and_plan(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        buyers = [(await customer(running, name))["id"] for name in ("A", "B")]
        plans = [(await plan(running, key=key))["id"] for key in ("x", "y")]
        made = [(await subscribe(running, buyer, sold))["id"] for buyer in buyers for sold in plans]
        first = await running.call("GET", "/api/v1/subscriptions?limit=3")
        rest = await running.call("GET", f"/api/v1/subscriptions?limit=3&cursor={first['nextCursor']}")
        assert _ids(first) + _ids(rest) == sorted(made, reverse=True)
        assert rest["nextCursor"] is None
        assert _ids(await running.call("GET", f"/api/v1/subscriptions?customerId={buyers[0]}")) == [made[1], made[0]]
        assert _ids(await running.call("GET", f"/api/v1/subscriptions?planId={plans[1]}")) == [made[3], made[1]]


async def test_grants_are_the_subscriptions_that_are_not_cancelled_with_their_plan_and_products(
    tmp_path: Path,
) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            room = running.rooms.customers.subscriptions
            assert await room.grants(running.tenant_id) == []
            assert await room.version(running.tenant_id) == 0
            _, products = await stocked(running, gateway)
            sold = await plan(running, productIds=products[:3])
            buyer = await customer(running, externalId="acme")
            made = [await subscribe(running, buyer["id"], sold["id"]) for _ in range(3)]
            await running.call("POST", f"/api/v1/subscriptions/{made[0]['id']}/cancel")
            await running.call("POST", f"/api/v1/subscriptions/{made[1]['id']}/suspend")
            grants = await room.grants(running.tenant_id)
            assert [(one.subscription_id, one.status) for one in grants] == [
                (made[1]["id"], State.SUSPENDED),
                (made[2]["id"], State.ACTIVE),
            ]
            assert {one.external_id for one in grants} == {"acme"}
            assert {one.product_ids for one in grants} == {frozenset(products[:3])}
            assert {(one.plan.key, one.plan.version) for one in grants} == {("pro", 1)}


async def test_every_change_of_a_grant_is_numbered_and_nothing_else_is(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        room = running.rooms.customers.subscriptions
        sold = await plan(running)
        made = await subscribe(running, (await customer(running))["id"], sold["id"])
        path = f"/api/v1/subscriptions/{made['id']}"
        assert [(one.kind, one.subject) for one in await room.changes(running.tenant_id)] == [
            ("subscription.created", made["id"])
        ]
        before = await room.version(running.tenant_id)
        await running.call("POST", f"{path}/suspend")
        await running.call("POST", f"{path}/suspend")
        await running.call("POST", f"{path}/reactivate")
        await running.call("PATCH", path, {"planVersion": 1})
        await running.call("POST", f"{path}/cancel")
        changes = await room.changes(running.tenant_id, since=before)
        assert [(one.kind, one.subject) for one in changes] == [
            (f"subscription.{kind}", made["id"]) for kind in ("suspended", "active", "moved", "cancelled")
        ]
        assert [one.version for one in changes] == sorted({one.version for one in changes})
        assert changes[-1].version == await room.version(running.tenant_id)
        assert await room.changes(running.tenant_id, since=changes[-1].version) == []
        assert await room.version("ten_other") == 0


async def test_a_preview_tells_subscriptions_and_fees_that_a_product_touches(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            integration_id, products = await stocked(running, gateway)
            assert await _impacts(running, integration_id, products) == [(None, None, None, None)] * 4
            buyer = (await customer(running))["id"]
            fee = [{"model": "flat", "amount": "49.50"}]
            paid = await plan(running, productIds=products[:2], rateCard=[*fee, *PRO["rateCard"]])
            by_use = await plan(running, key="use", productIds=[products[2]])
            for _ in range(3):
                await subscribe(running, buyer, paid["id"])
            gone = await subscribe(running, buyer, paid["id"])
            await running.call("POST", f"/api/v1/subscriptions/{gone['id']}/cancel")
            await subscribe(running, buyer, by_use["id"])
            assert await _impacts(running, integration_id, products) == [
                (3, 0, "148.50", "EUR"),
                (3, 0, "148.50", "EUR"),
                (1, 0, None, None),
                (0, 0, "0.00", "EUR"),
            ]


async def test_a_change_of_what_somebody_else_changed_meanwhile_is_not_stored(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        store = SubscriptionStore(running.rooms.db)
        made = await subscribe(running, (await customer(running))["id"], (await plan(running))["id"])
        stale = await store.one(running.tenant_id, made["id"])
        assert stale is not None
        await running.call("POST", f"/api/v1/subscriptions/{made['id']}/suspend")
        assert not await store.change(stale, replace(stale, status=State.CANCELLED), "subscription.cancelled")
        assert (await running.call("GET", f"/api/v1/subscriptions/{made['id']}"))["status"] == "SUSPENDED"


async def test_of_many_who_suspend_and_cancel_at_once_each_gets_an_answer_and_the_end_is_cancelled(
    tmp_path: Path,
) -> None:
    async with aforo(tmp_path) as running:
        made = await subscribe(running, (await customer(running))["id"], (await plan(running))["id"])
        path = f"/api/v1/subscriptions/{made['id']}"
        verbs = ["suspend", "cancel", "reactivate"] * 4
        answers = await asyncio.gather(*(running.http.post(f"{path}/{verb}") for verb in verbs))
        assert {answer.status_code for answer in answers} <= {200, 409}
        await running.call("POST", f"{path}/cancel")
        log = await running.rooms.customers.subscriptions.changes(running.tenant_id)
        assert [one.kind for one in log].count("subscription.cancelled") == 1
        assert log[-1].kind == "subscription.cancelled"


def _ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


async def _impacts(running: Aforo, integration_id: str, products: list[str]) -> list[tuple[Any, ...]]:
    rows = {row["productId"]: row["impact"] for row in (await running.preview(integration_id))["changes"]}
    members = ("subscriptions", "credentials", "monthlyRevenue", "currency")
    return [tuple(rows[product][member] for member in members) for product in products[:4]]


async def test_a_product_that_somebody_subscribes_to_is_not_forgotten(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with aforo(tmp_path) as running:
            _, products = await stocked(running, kong, "kong")
            sold = await plan(running, productIds=[products[0]])
            made = await subscribe(running, (await customer(running))["id"], sold["id"])
            refused = await running.call("DELETE", f"/api/v1/products/{products[0]}", status=409)
            assert "1 live subscription" in refused["detail"]
            await running.call("POST", f"/api/v1/subscriptions/{made['id']}/cancel", {})
            await running.call("DELETE", f"/api/v1/products/{products[0]}", status=204)
            await running.call("DELETE", f"/api/v1/products/{products[1]}", status=204)
