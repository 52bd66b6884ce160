"""Plans, customers and subscriptions, as a browser without scripts reads them and fills them in."""

from pathlib import Path

from aforo.accounts import Role
from tests.console.test_pages import _connect, _import_all
from tests.console.visiting import Visitor, visiting
from tests.live import emulated

PAGES = ("/plans", "/customers", "/subscriptions")

PLAN = {
    "key": "pro",
    "name": "Pro",
    "currency": "EUR",
    "quota.metric": "api_calls",
    "quota.units": "100000",
    "quota.period": "month",
    "quota.mode": "HARD",
    "quota.timeZone": "",
    "rate.metric": "api_calls",
    "rate.units": "600",
    "rate.perSeconds": "60",
    "rate.burst": "",
    "price.model": ["flat", "graduated"],
    "price.metric": ["api_calls", "api_calls"],
    "price.name": ["Base fee", ""],
    "price.price": ["49.00", ""],
    "price.included": ["", ""],
    "price.tiers": ["", "10000: 0.001, : 0.0008"],
    "capAmount": "",
    "capPeriod": "month",
    "failMode": "open_up_to",
    "failUnits": "500",
}


async def test_before_anything_is_sold_each_page_says_what_will_stand_there(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        for path in PAGES:
            seen = await me.get(path)
            assert (seen.status, seen.primaries) == (200, 1), path
            assert "yet." in seen.text


async def _sold(me: Visitor) -> tuple[str, str, str]:
    """A published plan, a customer and a subscription; their addresses."""
    plan = await me.post("/plans/new", PLAN)
    assert plan.path.startswith("/plans/plan_"), plan.text
    await me.post(f"{plan.path}/publish")
    customer = await me.post("/customers/new", {"name": "Acme", "externalId": "acme", "email": "", "tier": "gold"})
    assert customer.path.startswith("/customers/cust_"), customer.text
    wish = {
        "customerId": customer.path.rpartition("/")[2],
        "planId": plan.path.rpartition("/")[2],
        "mode": "GATEWAY_GENERATED",
    }
    subscription = await me.post("/subscriptions/new", wish)
    assert subscription.path.startswith("/subscriptions/sub_"), subscription.text
    return plan.path, customer.path, subscription.path


async def test_a_plan_is_written_rated_published_and_sold(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            form = (await me.get("/plans/new")).text
            assert "orders-v1 kong-prod" in form
            products = (await me.running.call("GET", "/api/v1/products"))["data"]
            draft = await me.post("/plans/new", {**PLAN, "productIds": [one["id"] for one in products[:2]]})
            assert "Version 1 is a draft" in draft.text
            assert "2 products" in draft.text
            rated = await me.get(f"{draft.path}?version=1&use.api_calls=20000")
            assert "67.00 EUR" in rated.text
            question = await me.get(f"{draft.path}/publish")
            assert "Publish version 1 of Pro?" in question.text
            done = await me.post(f"{draft.path}/publish")
            assert "is published and never changes" in done.text

            customer = await me.post("/customers/new", {"name": "Acme", "externalId": "acme"})
            wish = {"customerId": customer.path.rpartition("/")[2], "planId": draft.path.rpartition("/")[2]}
            placed = await me.post("/subscriptions/new", {**wish, "mode": "GATEWAY_GENERATED"})
            assert "Acme, Pro" in placed.text
            assert "kong-prod primary" in placed.text
            assert "Acme" in (await me.get("/subscriptions")).text


async def test_what_is_wrong_in_a_plan_is_told_at_its_field_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        seen = await me.post("/plans/new", {**PLAN, "currency": "XXX", "quota.units": "many"})
        assert seen.status == 422
        assert "fields need another look" in seen.text
        assert "Row 1, units: A decimal string" in seen.text
        assert seen.form("/plans/new")["quota.units"] == ["many", ""]
        assert seen.form("/plans/new")["key"] == ["pro"]
        assert (await me.running.call("GET", "/api/v1/plans"))["data"] == []


async def test_a_published_plan_is_followed_by_a_draft_and_a_subscription_moves_to_it(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        plan, _, subscription = await _sold(me)
        edit = await me.get(f"{plan}/edit")
        assert "Saving begins version 2 as a draft" in edit.text
        filled = edit.form(f"{plan}/edit")
        assert filled["quota.units"] == ["100000", ""]
        assert filled["price.tiers"][1] == "10000: 0.001, : 0.0008"
        draft = await me.post(f"{plan}/edit", {**PLAN, "quota.units": "7"})
        assert "Version 2 is a draft" in draft.text
        await me.post(f"{plan}/publish")
        assert "Move to version 2" in (await me.get(subscription)).text
        moved = await me.post(f"{subscription}/move", {"version": "2"})
        assert "Pro v2" in moved.text


async def test_each_change_of_a_subscription_is_asked_first_and_wants_a_reason(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        _, customer, subscription = await _sold(me)
        asked = await me.get(f"{subscription}/suspend")
        assert "Calls of this subscription are refused" in asked.text
        refused = await me.post(f"{subscription}/suspend", {"reason": " "})
        assert (refused.status, "Reason is required" in refused.text) == (422, True)
        assert "SUSPENDED" in (await me.post(f"{subscription}/suspend", {"reason": "unpaid"})).text
        assert "cancel that first" in (await me.get(f"{customer}/remove")).text
        kept = await me.post(f"{customer}/remove", {"reason": "gone"})
        assert kept.status == 409
        assert "CANCELLED" in (await me.post(f"{subscription}/cancel", {"reason": "left us"})).text
        assert (await me.post(f"{customer}/remove", {"reason": "gone"})).path == "/customers"


async def test_a_customer_is_found_changed_and_emptied(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        _, customer, _ = await _sold(me)
        assert "Acme" in (await me.get("/customers?q=acm")).text
        assert "Nothing matches." in (await me.get("/customers?q=nobody")).text
        changed = await me.post(f"{customer}/edit", {"name": "Acme Ltd", "externalId": "acme", "email": "", "tier": ""})
        assert "Acme Ltd" in changed.text
        assert "gold" not in changed.text
        twice = await me.post("/customers/new", {"name": "Other", "externalId": "acme"})
        assert twice.status == 422


async def test_who_may_only_read_is_shown_who_can_act(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        plan, customer, subscription = await _sold(me)
        await me.become(Role.VIEWER)
        for path in (*PAGES, plan, customer, subscription):
            seen = await me.get(path)
            assert (seen.status, seen.primaries) == (200, 0), path
            assert "needs the role" in seen.text, path
        assert (await me.get("/plans/new")).status == 403
        assert (await me.post(f"{subscription}/suspend", {"reason": "x"})).status == 403
