"""A plan at Azure: a product of its own with its limits; the customer's product, and all who are on it, stay."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import Limit, Offer, Pricing, ScopedProduct
from aforo.gateway_sdk.provision import Standing
from aforo.gateways.azure import connector, guard
from aforo.gateways.azure.mapping import limits
from aforo.gateways.azure.mapping.merging import Part, merged
from aforo.gateways.azure.mapping.policies import sections
from tests.gateways.azure.azure_parts import quiet
from tests.gateways.azure.provision_parts import ORDERS, PAYMENTS, WEATHER, Azure, seat, wanted
from tests.gateways.azure.vendor import Described

DAY = Limit("api_calls", Decimal(1000), "day", 86_400)
MINUTE = Limit("api_calls", Decimal(60), "minute", 60, is_rate=True, burst=Decimal(5))
TOKENS = Limit("tokens", Decimal(10), "month", 2_592_000)
SOFT = Limit("api_calls", Decimal(10), "month", 2_592_000, hard=False)


def offer(*products: ScopedProduct, limits: tuple[Limit, ...] = (DAY, MINUTE)) -> Offer:
    return Offer("plan_1", "pro", "Pro", 1, products or (ORDERS,), limits, "EUR")


async def bring(pricing: Pricing, wanted: Product, *, remove: bool = False) -> list[str]:
    """What a sync does, as the catalog would plan it; the titles of the steps done. `remove`: takes the plan back."""
    live = await pricing.read(wanted)
    target = replace(wanted, entities=()) if remove else wanted
    extra = compare(target, live, pricing.kinds).changes if live else ()
    steps = plan_restore(target, live, pricing.kinds, remove=frozenset(change.path for change in extra)).steps
    done: list[str] = []
    await pricing.apply(wanted, live, steps, lambda step: done.append(step.title))
    return done


async def test_a_plan_gets_its_own_product_and_the_customers_stays_as_it_is() -> None:
    azure = Azure()
    before = azure.resources()
    pricing = azure.pricing()
    carried = (await pricing.carry(offer())).wanted
    assert azure.resources() == before
    assert [entity.kind for entity in carried.entities] == ["product", "policy", "api"]
    assert len(await bring(pricing, carried)) == 3
    live = await pricing.read(carried)
    assert live is not None
    assert live.config_digest == carried.config_digest
    assert azure.resources(foreign=True) == before
    name = carried.entities[0].key
    text = azure.hand("GET", f"products/{name}/policies/policy")["properties"]["value"]
    assert text.count("<rate-limit ") == text.count("<quota ") == 1
    assert '<rate-limit calls="65" renewal-period="60" />' in text
    assert '<quota calls="1000" renewal-period="86400" />' in text
    assert "X-Customer" in text
    assert await bring(pricing, carried) == []


async def test_a_subscription_of_the_plan_stands_on_its_product_and_holds_it_there() -> None:
    azure = Azure()
    pricing, there = azure.pricing(), azure.provisioner()
    secret = (await there.converge(seat(wanted("a"), limits=(DAY,)))).keys[0].secret
    carried = (await pricing.carry(offer(limits=(DAY,)))).wanted
    await bring(pricing, carried)
    name = carried.entities[0].key
    moved = await there.converge(seat(wanted("a"), limits=(DAY,)))
    assert azure.hand("GET", f"subscriptions/aforo-{seat().subscription_id}")["properties"]["scope"].endswith(name)
    assert (moved.scope, moved.notes, moved.keys[0].secret) == (frozenset({"prod_orders"}), (), secret)
    assert azure.opens(secret) == ["orders"]
    with pytest.raises(GatewayError, match="so it is not taken back"):
        await bring(pricing, carried, remove=True)
    assert azure.opens(secret) == ["orders"]
    assert await bring(pricing, carried) == []
    await there.converge(seat(standing=Standing.GONE))
    assert f"products/{name}" in azure.resources()
    await bring(pricing, carried, remove=True)
    assert await pricing.read(carried) is None
    assert not [path for path in azure.resources() if path.startswith("products/aforo-")]


async def test_a_half_made_plan_takes_no_subscription_and_its_sync_is_finished_by_the_next() -> None:
    azure = Azure()
    pricing = azure.pricing()
    carried = (await pricing.carry(offer(limits=(DAY,)))).wanted
    name = carried.entities[0].key
    azure.hand("PUT", f"products/{name}", dict(carried.entities[0].fields))
    seated = await azure.provisioner().converge(seat(wanted("a"), limits=(DAY,)))
    assert seated.scope == {"prod_orders"}
    assert azure.opens(seated.keys[0].secret) == ["orders"]
    assert len(await bring(pricing, carried)) == 2


async def test_what_somebody_changes_in_a_plan_is_drift_and_is_put_back() -> None:
    azure = Azure()
    pricing = azure.pricing()
    carried = (await pricing.carry(offer())).wanted
    await bring(pricing, carried)
    name = carried.entities[0].key
    azure.hand("DELETE", f"products/{name}/policies/policy")
    azure.hand("PUT", f"products/{name}/apis/payments")
    live = await pricing.read(carried)
    assert live is not None
    assert len(compare(carried, live, pricing.kinds).changes) == 2
    assert len(await bring(pricing, carried)) == 2
    assert await bring(pricing, carried) == []


async def test_a_product_of_that_name_which_says_it_is_somebody_elses_is_left_alone() -> None:
    azure = Azure()
    pricing = azure.pricing()
    carried = (await pricing.carry(offer())).wanted
    azure.hand("PUT", f"products/{carried.entities[0].key}", {"displayName": "Mine"})
    before = azure.resources()
    with pytest.raises(GatewayError, match="no longer says whose it is"):
        await bring(pricing, carried)
    assert azure.resources() == before


async def test_an_earlier_versions_product_goes_when_nobody_is_on_it() -> None:
    azure = Azure()
    pricing = azure.pricing()
    first = (await pricing.carry(offer())).wanted
    await bring(pricing, first)
    second = (await pricing.carry(offer(limits=(DAY,)))).wanted
    await bring(pricing, second)
    names = [path for path in azure.resources() if path.startswith("products/aforo-") and path.count("/") == 1]
    assert names == [f"products/{second.entities[0].key}"]


async def test_the_products_of_plans_are_no_products_of_the_catalog() -> None:
    azure = Azure()
    gateway = connector.connect(azure._connection(None, None))
    before = await gateway.discover(quiet)
    await bring(azure.pricing(), (await azure.pricing().carry(offer(ORDERS, WEATHER))).wanted)
    assert await gateway.discover(quiet) == before


async def test_what_azure_cannot_hold_or_holds_otherwise_is_told_in_words() -> None:
    hour = Limit("api_calls", Decimal(10), "hour", 3_600)
    told = (await Azure().pricing().carry(offer(limits=(DAY, hour, TOKENS, SOFT)))).left_out
    assert [line.split(": ", 1)[1].split(",")[0] for line in told[:3]] == [
        "a policy holds one quota",
        "Azure's quota and rate-limit count calls only",
        "Azure can only refuse",
    ]
    assert "403 instead of 429" in told[3]
    assert told[4].startswith("Orders: its <quota")
    assert (await Azure().pricing().carry(offer(limits=(TOKENS,)))).wanted.entities == ()


def test_the_tightest_limit_of_the_longest_period_is_carried_with_its_burst() -> None:
    tighter = replace(DAY, units=Decimal("9.5"))
    assert limits.policies((DAY, tighter, MINUTE)) == {"quota": (10, 86_400), "rate-limit": (65, 60)}


def test_each_products_policy_holds_for_its_own_apis_alone_and_expressions_stay_letter_by_letter() -> None:
    one = '<policies><inbound><base /><a b="@(x < "1")" /><quota calls="1" renewal-period="300" /></inbound></policies>'
    two = "<policies><inbound><c /><base /></inbound><outbound><base /><d /></outbound></policies>"
    text = merged([Part("One", ["a1"], one), Part("Two", ["a2", "a3"], two)], {"rate-limit": (5, 60)}) or ""
    inbound = sections(text)["inbound"]
    assert 'b="@(x < "1")"' in inbound
    assert "quota" not in inbound
    assert inbound.index("<base>") < inbound.index("rate-limit") < inbound.index("<choose>")
    assert '@(context.Api.Id == "a2" || context.Api.Id == "a3")' in inbound
    assert "context.Api.Id" in sections(text)["outbound"]
    assert "choose" not in sections(text)["backend"]


@pytest.mark.parametrize(
    "policy", ["<policies>", "<policies><backend><base /><forward-request /></backend></policies>"]
)
def test_a_policy_that_cannot_be_merged_is_refused_and_never_dropped(policy: str) -> None:
    with pytest.raises(GatewayError, match="cannot be sold together"):
        merged([Part("One", ["a"], policy), Part("Two", ["b"], None)], {})


async def test_tagging_uses_somebodys_own_tag_of_that_name_and_leaves_the_others() -> None:
    azure = Azure()
    azure.hand("PUT", "tags/theirs", {"displayName": "aforo-monetized"})
    pricing = azure.pricing()
    product = Product("Orders", "orders", "Orders", None, ())
    await pricing.tag(product, monetized=True)
    tags = [row["name"] for row in azure.hand("GET", "products/orders/tags")["value"]]
    assert tags == ["partner", "theirs"]
    await pricing.tag(product, monetized=False)
    await pricing.tag(product, monetized=False)
    assert [row["name"] for row in azure.hand("GET", "products/orders/tags")["value"]] == ["partner"]


async def test_what_pricing_sends_and_is_answered_is_as_the_vendor_describes() -> None:
    azure = Azure(page_size=2)
    described = Described(azure.app)
    pricing = azure.pricing(app=described)
    carried = (await pricing.carry(offer(ORDERS, PAYMENTS, WEATHER))).wanted
    await bring(pricing, carried)
    await pricing.tag(Product("Orders", "orders", "Orders", None, ()), monetized=True)
    await bring(pricing, carried, remove=True)
    assert described.faults == []


def test_the_guard_denies_deletion_of_the_named_products_and_lets_aforo_remove_its_own() -> None:
    template = json.loads(guard.guard().text)
    rule = template["resources"][0]["properties"]["policyRule"]
    assert rule["then"] == {"effect": "denyAction", "details": {"actionNames": ["delete"]}}
    assert {"field": "name", "notLike": "aforo-plan-*"} in rule["if"]["allOf"]
    assert rule["if"]["allOf"][2]["anyOf"][1]["in"] == "[[parameters('productNames')]"
