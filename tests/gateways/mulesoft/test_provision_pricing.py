"""Plans at Anypoint: SLA tiers at API instances, and the tag on what is sold."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import Limit, Offer, Pricing, ScopedProduct
from aforo.gateways.mulesoft.mapping.limits import windows
from aforo.gateways.mulesoft.pricing import connect
from tests.gateways.mulesoft.mulesoft_parts import HERE
from tests.gateways.mulesoft.provision_parts import MINUTE, Shop, seat, wanted

MONTH = Limit("api_calls", Decimal(1_000), "month", 2_592_000)
TOKENS = Limit("tokens", Decimal(10), "month", 2_592_000)


def pricing(shop: Shop) -> Pricing:
    return connect(shop.connection("connected_app", {}))


def offer(*products: ScopedProduct, limits: tuple[Limit, ...] = (MINUTE, MONTH), key: str = "pro") -> Offer:
    return Offer("plan_1", key, "Pro", 3, products, limits, "EUR")


def create(entity: Entity) -> Step:
    return Step(Action.CREATE, entity.kind, entity.key, entity, None)


def delete(entity: Entity) -> Step:
    return Step(Action.DELETE, entity.kind, entity.key, None, entity)


async def brought(there: Pricing, plan: Product) -> None:
    await there.apply(plan, None, [create(one) for one in plan.entities], lambda _: None)


def tiers_named(shop: Shop, name: str) -> list[dict[str, Any]]:
    return [row for row in shop.tables["tiers"].values() if row["name"] == name]


async def test_a_plan_is_a_tier_at_each_instance_and_reads_back_as_it_was_written() -> None:
    shop = Shop(2)
    there, products = pricing(shop), (shop.product(0), shop.product(1))
    carried = await there.carry(offer(*products, limits=(MINUTE, MONTH, TOKENS)))
    plan = carried.wanted
    assert (plan.ref, [one.key for one in plan.entities]) == ("plan:pro", [one.ref for one in products])
    assert carried.left_out == ("10 tokens per month: MuleSoft's tiers count calls only",)
    assert carried.dangers == ()
    assert await there.read(plan) is None
    done: list[Step] = []
    await there.apply(plan, None, [create(one) for one in plan.entities], done.append)
    assert len(done) == 2
    live = await there.read(plan)
    assert live is not None
    assert live.config_digest == plan.config_digest
    assert [one.owned for one in live.entities] == [True, True]
    assert len(tiers_named(shop, "aforo-pro")) == 2
    tiers_named(shop, "aforo-pro")[0]["limits"][0]["maximumRequests"] = 7
    edited = await there.read(plan)
    assert edited is not None
    assert edited.config_digest != plan.config_digest
    step = Step(Action.UPDATE, "tier", plan.entities[0].key, plan.entities[0], edited.entities[0])
    await there.apply(plan, edited, [step], done.append)
    again = await there.read(plan)
    assert again is not None
    assert again.config_digest == plan.config_digest
    await there.apply(plan, again, [delete(one) for one in again.entities], done.append)
    assert (await there.read(plan), tiers_named(shop, "aforo-pro")) == (None, [])


async def test_doing_it_twice_makes_no_second_tier() -> None:
    shop = Shop(1)
    there = pricing(shop)
    plan = (await there.carry(offer(shop.product()))).wanted
    await brought(there, plan)
    await brought(there, plan)
    assert len(tiers_named(shop, "aforo-pro")) == 1


async def test_a_tier_that_applications_use_is_deprecated_and_the_danger_of_changing_it_is_told() -> None:
    shop = Shop(1)
    there, product = pricing(shop), shop.product()
    await shop.provisioner().converge(seat(wanted("a"), scope=(product,), limits=(MINUTE,)))
    assert (await there.carry(offer(product, limits=(MINUTE,)))).dangers == ()
    carried = await there.carry(offer(product))
    assert carried.dangers == (
        f"The tier aforo-pro of {product.name} changes for its 1 application at once, on every plan version.",
    )
    await brought(there, carried.wanted)
    live = await there.read(carried.wanted)
    assert live is not None
    await there.apply(carried.wanted, live, [delete(live.entities[0])], lambda _: None)
    assert [row["status"] for row in tiers_named(shop, "aforo-pro")] == ["DEPRECATED"]
    assert await there.read(carried.wanted) is None
    assert [len(row["limits"]) for row in tiers_named(shop, "aforo-pro")] == [2]


async def test_a_tier_that_somebody_waits_for_is_deprecated_as_well() -> None:
    shop = Shop(1)
    there, product = pricing(shop), shop.product()
    plan = (await there.carry(offer(product))).wanted
    await brought(there, plan)
    tier = tiers_named(shop, "aforo-pro")[0]
    waiting = next(row for row in shop.tables["contracts"].values() if row["status"] == "PENDING")
    waiting["requestedTierId"] = tier["id"]
    await there.apply(plan, plan, [delete(plan.entities[0])], lambda _: None)
    assert tier["status"] == "DEPRECATED"


async def test_an_instance_without_the_policy_and_one_without_tiers_are_told() -> None:
    shop = Shop(1)
    there, product = pricing(shop), shop.product()
    shop.without_policies(product)
    for row in shop.tables["tiers"].values():
        row["status"] = "DEPRECATED"
    carried = await there.carry(offer(product))
    assert carried.left_out == (
        f"{product.name}: no policy rate-limiting-sla-based is switched on there, without which a tier limits nothing",
    )
    assert carried.dangers == (
        f"{product.name} has no SLA tier yet: whoever asks for access from now on must choose one.",
    )
    assert (await there.carry(offer(product, limits=(TOKENS,)))).wanted.entities == ()


async def test_a_tier_of_somebody_else_with_our_name_is_refused_and_stays() -> None:
    shop = Shop(1)
    there, product = pricing(shop), shop.product()
    theirs = {"name": "aforo-pro", "description": "mine", "status": "ACTIVE", "limits": []}
    await shop.call("POST", f"{HERE}/apis/{product.native_id}/tiers", theirs)
    plan = (await there.carry(offer(product))).wanted
    live = await there.read(plan)
    assert live is not None
    for step in (replace(create(plan.entities[0]), live=live.entities[0]), delete(live.entities[0])):
        with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
            await there.apply(plan, live, [step], lambda _: None)
    assert [row["description"] for row in tiers_named(shop, "aforo-pro")] == ["mine"]


async def test_plans_and_the_tag_are_no_drift_of_the_product_and_other_tags_stay() -> None:
    shop = Shop(2)
    there, product = pricing(shop), shop.product(1)
    recorded = next(one for one in (await shop.discover()).values() if one.native_id == product.native_id)
    tags = shop.tables["apis"][product.native_id]["tags"]
    await brought(there, (await there.carry(offer(product))).wanted)
    for monetized in (True, True, False, False):
        await there.tag(recorded, monetized=monetized)
        assert shop.tables["apis"][product.native_id]["tags"] == sorted(tags + ["aforo-monetized"] * monetized)
        now = await shop.connect().read(recorded)
        assert now is not None
        assert now.config_digest == recorded.config_digest


async def test_restoring_the_tags_of_a_sold_instance_leaves_ours() -> None:
    shop = Shop(2)
    product = shop.product(1)
    recorded = next(one for one in (await shop.discover()).values() if one.native_id == product.native_id)
    await pricing(shop).tag(recorded, monetized=True)
    shop.tables["apis"][product.native_id]["tags"].append("stray")
    live = await shop.connect().read(recorded)
    assert live is not None
    entity = next(one for one in recorded.entities if one.kind == "api")
    step = Step(
        Action.UPDATE, "api", entity.key, entity, live.entity("api", entity.key), {"/tags": entity.fields["tags"]}
    )
    await shop.connect().apply(recorded, live, [step], lambda _: None)
    assert shop.tables["apis"][product.native_id]["tags"] == ["aforo-monetized", "retail", "v1"]


def test_windows_are_the_tightest_of_each_length_and_a_burst_counts() -> None:
    found = windows([MONTH, replace(MINUTE, burst=Decimal("3.5")), replace(MONTH, units=Decimal(7))])
    assert [(one["maximumRequests"], one["timePeriodInMilliseconds"]) for one in found] == [
        (6, 60_000),
        (7, 2_592_000_000),
    ]
    assert windows([replace(MINUTE, hard=False), TOKENS, replace(MINUTE, units=Decimal("0.5"))]) == []
