"""A plan at Apigee: API products of its own with the plan's quota, and the plan's subscribers on them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Product, Step
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected, GatewayUnavailable
from aforo.gateway_sdk.pricing import Limit, Offer, Pricing, ScopedProduct
from aforo.gateways.apigee.mapping.marks import attribute
from aforo.gateways.apigee.pricing.limits import left_out, quota
from tests.credentials.boundaries import DyingLine
from tests.gateways.apigee.apigee_parts import Row, quiet
from tests.gateways.apigee.provision_parts import APP, ORDERS, PAYMENTS, SEARCH, Apigee, seat, wanted

DAY = Limit("api_calls", Decimal(1000), "day", 86_400)
MINUTE = Limit("api_calls", Decimal(10), "minute", 60, is_rate=True)
NAME = "aforo$pro$orders-v1"


def offer(*products: ScopedProduct, limits: tuple[Limit, ...] = (DAY,), **members: Any) -> Offer:
    told: dict[str, Any] = {"currency": "EUR", "facts": {"price": "0.01 EUR per call"}} | members
    return Offer("plan_1", "pro", "Pro", 3, products or (ORDERS,), limits, **told)


def steps(there: Pricing, wanted: Product | None, live: Product | None) -> Sequence[Step]:
    """What the catalog would do to bring the plan to what is wanted, and with None to take it away."""
    target = wanted or replace(live or Product("", "", "", None, ()), entities=())
    extra = {change.path for change in compare(target, live, there.kinds).changes} if live else set()
    return plan_restore(target, live, there.kinds, remove=frozenset(extra)).steps


async def bring(there: Pricing, wanted: Product | None, ref: Product) -> Product | None:
    live = await there.read(ref)
    await there.apply(wanted or ref, live, steps(there, wanted, live), lambda _: None)
    return await there.read(ref)


def products(apigee: Apigee) -> dict[str, Row]:
    return {row["name"]: row for row in apigee.rows("products")}


def operations(row: Row) -> set[tuple[str, str, frozenset[str], str]]:
    """Proxy, resource, methods and own quota of everything that a product opens."""
    configs = row["operationGroup"]["operationConfigs"]
    opened = [(config, config["operations"][0]) for config in configs]
    return {(one["apiSource"], of["resource"], frozenset(of["methods"]), one["quota"]["limit"]) for one, of in opened}


async def test_a_plan_is_a_copy_of_each_product_with_its_own_quota_and_facts() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    before = products(apigee)
    carried = await there.carry(offer())
    assert apigee.world.writes() == []
    live = await bring(there, carried.wanted, carried.wanted)
    assert live is not None
    assert live.config_digest == carried.wanted.config_digest
    assert await apigee.writes_of(bring(there, carried.wanted, carried.wanted)) == []
    after = products(apigee)
    copy, base = after.pop(NAME), before["orders-v1"]
    assert after == before
    assert [copy[name] for name in ("quota", "quotaInterval", "quotaTimeUnit")] == ["1000", "1", "day"]
    assert [copy[name] for name in ("environments", "scopes", "approvalType")] == [
        base[name] for name in ("environments", "scopes", "approvalType")
    ]
    assert operations(copy) == operations(base)
    assert {name: attribute(copy, name) for name in ("team", "access", "aforo.plan", "aforo.plan.price")} == {
        "team": "shop",
        "access": "private",
        "aforo.plan": "pro",
        "aforo.plan.price": "0.01 EUR per call",
    }


async def test_a_plans_api_products_are_no_products_of_their_own() -> None:
    apigee = Apigee()
    before = await apigee.world.gateway.discover(quiet)
    there = apigee.pricing()
    carried = await there.carry(offer(ORDERS, PAYMENTS))
    await bring(there, carried.wanted, carried.wanted)
    assert await apigee.world.gateway.discover(quiet) == before


async def test_subscribers_move_onto_the_plans_product_and_off_it_again_without_losing_a_key() -> None:
    apigee = Apigee()
    there, seats = apigee.pricing(), apigee.provisioner()
    wish = seat(wanted("a"), scope=(ORDERS, PAYMENTS))
    seated = await seats.converge(wish)
    foreign = [row for row in apigee.rows("apps") if row["name"] != apigee.app()["name"]]
    carried = await there.carry(offer(ORDERS, PAYMENTS))
    await bring(there, carried.wanted, carried.wanted)

    def opened() -> list[str]:
        return sorted(ref["apiproduct"] for ref in apigee.app()["credentials"][0]["apiProducts"])

    assert opened() == [NAME, "aforo$pro$payments-v1"]
    assert attribute(apigee.app()["credentials"][0], "aforo.credential") == "cred_a"
    assert await apigee.opens(seated.keys[0].secret or "", "/payments-v1/payments/1") == 200
    assert await apigee.writes_of(seats.converge(wish)) == []
    assert (await seats.observe(wish)).scope == {"prod_orders", "prod_payments"}
    assert [one.scope for one in (await seats.existing((), quiet)).consumers if one.subscription_id] == [
        {"orders-v1", "payments-v1"}
    ]
    assert await bring(there, None, carried.wanted) is None
    assert opened() == ["orders-v1", "payments-v1"]
    assert await seats.converge(wish) == seated
    assert [row for row in apigee.rows("apps") if row["name"] != apigee.app()["name"]] == foreign


async def test_a_new_subscription_begins_on_the_plans_product() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    carried = await there.carry(offer())
    await bring(there, carried.wanted, carried.wanted)
    await apigee.provisioner().converge(seat(wanted("a"), scope=(ORDERS, SEARCH)))
    assert [ref["apiproduct"] for ref in apigee.app()["credentials"][0]["apiProducts"]] == [NAME, "search-v1"]


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("lost", [False, True])
async def test_wherever_applying_a_plan_dies_a_subscriber_keeps_access_and_the_next_attempt_finishes(
    lost: bool, away: bool
) -> None:
    for calls in range(60):
        apigee = Apigee()
        seated = await apigee.provisioner().converge(seat(wanted("a")))
        there = apigee.pricing()
        plan = (await there.carry(offer())).wanted
        if away:
            await bring(there, plan, plan)
        line = DyingLine(httpx2.ASGITransport(app=apigee.board), calls, lost=lost)
        try:
            await bring(apigee.pricing(httpx2.AsyncClient(transport=line)), None if away else plan, plan)
        except GatewayUnavailable:
            assert line.died
        assert await apigee.opens(seated.keys[0].secret or "") == 200
        left = await bring(there, None if away else plan, plan)
        assert (left.config_digest if left else None) == (None if away else plan.config_digest)
        (reference,) = apigee.app()["credentials"][0]["apiProducts"]
        assert reference == {"apiproduct": "orders-v1" if away else NAME, "status": "approved"}
        if not line.died:
            assert calls > 5
            return
    raise AssertionError("it makes too many calls")


async def test_a_changed_product_shows_as_drift_of_the_plan_and_is_written_by_field() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    first = (await there.carry(offer())).wanted
    await bring(there, first, first)
    note = {"name": "note", "value": "a person's"}
    await apigee.world.call("POST", f"/apiproducts/{NAME.replace('$', '%24')}/attributes/note", note)
    base = products(apigee)["orders-v1"]
    told = {name: base[name] for name in base if name not in ("createdAt", "lastModifiedAt")}
    await apigee.world.call("PUT", "/apiproducts/orders-v1", {**told, "scopes": ["orders.all"]})
    second = (await there.carry(offer())).wanted
    live = await there.read(second)
    assert live is not None
    changes = compare(second, live, there.kinds).changes
    assert {change.path.rpartition("/")[2] for change in changes} == {"scopes", "note"}
    update = [step for step in steps(there, second, live) if "/scopes" in step.changed]
    only = replace(update[0], changed={"/scopes": update[0].changed["/scopes"]})
    await there.apply(second, live, [only], lambda _: None)
    after = products(apigee)[NAME]
    assert (after["scopes"], attribute(after, "note")) == (["orders.all"], "a person's")


async def test_with_monetization_a_plan_has_a_drafted_rate_plan_and_the_danger_of_publishing_is_told() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    carried = await there.carry(offer())
    assert ["block every developer" in danger for danger in carried.dangers] == [True]
    await bring(there, carried.wanted, carried.wanted)
    (plan,) = [row for row in apigee.rows("rateplans") if row["apiproduct"] == NAME]
    assert (plan["state"], plan["currencyCode"], plan["displayName"]) == ("DRAFT", "EUR", "Pro")
    published = {name: plan[name] for name in ("displayName", "currencyCode")} | {"state": "PUBLISHED"}
    path = f"/apiproducts/{NAME.replace('$', '%24')}/rateplans"
    await apigee.world.call("PUT", f"{path}/{plan['name']}", {**plan, **published})
    live = await there.read(carried.wanted)
    assert live is not None
    assert [change.path for change in compare(carried.wanted, live, there.kinds).changes] == [
        "/rateplan/orders-v1/state"
    ]
    await bring(there, carried.wanted, carried.wanted)
    (plan,) = [row for row in apigee.rows("rateplans") if row["apiproduct"] == NAME]
    assert plan["state"] == "DRAFT"


async def test_without_monetization_there_is_no_rate_plan_and_no_danger() -> None:
    apigee = Apigee(monetized=False)
    there = apigee.pricing()
    carried = await there.carry(offer())
    assert (carried.dangers, {entity.kind for entity in carried.wanted.entities}) == ((), {"product"})
    live = await bring(there, carried.wanted, carried.wanted)
    assert live is not None
    assert live.config_digest == carried.wanted.config_digest


async def test_foreign_apps_on_a_plans_product_hold_off_its_removal() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    carried = await there.carry(offer())
    await bring(there, carried.wanted, carried.wanted)
    await apigee.world.call("POST", "/developers/api@acme.example/apps", {"name": "shop", "apiProducts": [NAME]})
    with pytest.raises(GatewayRejected, match="shop"):
        await bring(there, None, carried.wanted)
    assert NAME in products(apigee)


async def test_an_api_product_that_only_bears_the_plans_name_is_not_touched() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    carried = await there.carry(offer())
    await apigee.world.call("POST", "/apiproducts", {"name": NAME, "displayName": "Theirs"})
    before = products(apigee)
    with pytest.raises(GatewayRejected, match="does not carry Aforo's mark"):
        await bring(there, carried.wanted, carried.wanted)
    assert products(apigee) == before
    await apigee.provisioner().converge(seat(wanted("a")))
    assert [ref["apiproduct"] for ref in apigee.app()["credentials"][0]["apiProducts"]] == ["orders-v1"]


async def test_the_limit_of_attributes_drops_facts_before_anything_else_and_then_the_product() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    path = "/apiproducts/orders-v1/attributes"
    many = [{"name": f"a{index}", "value": "1"} for index in range(17)]
    await apigee.world.call("POST", path, {"attribute": many[:15]})
    carried = await there.carry(offer())
    live = await bring(there, carried.wanted, carried.wanted)
    assert live is not None
    copy = products(apigee)[NAME]
    assert len(copy["attributes"]) == 18
    assert {attribute(copy, one["name"]) for one in many[:15]} == {"1"}
    await apigee.world.call("POST", path, {"attribute": many})
    full = await there.carry(offer())
    assert (full.wanted.entities, full.dangers) == ((), ())
    assert "18 attributes" in full.left_out[-1]


async def test_what_cannot_be_carried_is_told() -> None:
    there = Apigee().pricing()
    lost = ScopedProduct("prod_lost", "lost", "lost", "Lost")
    told = (await there.carry(offer(ORDERS, lost, limits=(DAY, MINUTE)))).left_out
    assert [one.partition(":")[0] for one in told] == ["10 api_calls per minute", "Orders", "Lost"]


@pytest.mark.parametrize(
    ("limits", "carried"),
    [
        ((DAY, MINUTE), (1000, 1, "day")),
        ((MINUTE,), (10, 1, "minute")),
        ((replace(DAY, period="week", seconds=604_800), DAY), (1000, 7, "day")),
        ((replace(DAY, period="year", seconds=31_536_000),), (1000, 12, "month")),
        ((DAY, replace(DAY, units=Decimal("99.5"))), (100, 1, "day")),
        ((replace(MINUTE, burst=Decimal(5)),), (15, 1, "minute")),
        ((replace(DAY, metric="tokens"),), None),
        ((replace(DAY, hard=False),), None),
        ((replace(MINUTE, period="second", seconds=1),), None),
        ((replace(DAY, units=Decimal("0.5")),), None),
    ],
)
def test_one_quota_of_calls_is_carried_and_every_other_limit_is_named(
    limits: tuple[Limit, ...], carried: tuple[int, int, str] | None
) -> None:
    assert quota(limits) == carried
    assert len(left_out(limits)) == len(limits) - (carried is not None)


async def test_the_tag_is_one_attribute_and_others_stay() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    product = await apigee.world.product("orders-v1")
    before = products(apigee)["orders-v1"]["attributes"]
    await there.tag(product, monetized=True)
    assert products(apigee)["orders-v1"]["attributes"] == [*before, {"name": "aforo-monetized", "value": "true"}]
    assert await apigee.writes_of(there.tag(product, monetized=True)) == []
    assert await apigee.world.product("orders-v1") == product
    await there.tag(product, monetized=False)
    assert products(apigee)["orders-v1"]["attributes"] == before
    assert await apigee.writes_of(there.tag(product, monetized=False)) == []
    with pytest.raises(GatewayError):
        await there.tag(replace(product, native_id="lost"), monetized=True)


async def test_a_key_of_the_plan_that_waits_for_approval_is_not_opened_by_moving_it() -> None:
    apigee = Apigee()
    there = apigee.pricing()
    seated = await apigee.provisioner().converge(seat(wanted("a"), scope=(PAYMENTS,)))
    reference = f"{APP}/keys/{seated.keys[0].secret}/apiproducts/payments-v1?action=revoke"
    headers = {"content-type": "application/octet-stream"}
    await apigee.world.call("POST", reference, status=204, headers=headers)
    carried = await there.carry(offer(PAYMENTS))
    await bring(there, carried.wanted, carried.wanted)
    (key,) = apigee.app()["credentials"]
    assert key["apiProducts"] == [{"apiproduct": "aforo$pro$payments-v1", "status": "pending"}]
