"""Plans as one gateway sells them: which versions, of which products, to whom."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from aforo.credentials import limits
from aforo.customers import Grant, Plan
from aforo.gateway_sdk.pricing import Offer, ScopedProduct
from aforo.pricing.model import SoldPlan
from aforo.pricing.rules.facts import facts


def sold_here(
    published: Iterable[Plan], grants: Iterable[Grant], products: Mapping[str, ScopedProduct]
) -> list[SoldPlan]:
    """Of each plan the newest published version, which new subscriptions get, and older ones that somebody is on.

    `products` are those of the gateway; what sells none of them is left out.
    """
    on_version: defaultdict[tuple[str, int], list[Grant]] = defaultdict(list)
    for grant in grants:
        on_version[grant.plan.id, grant.plan.version].append(grant)
    pinned = {key: subscribed[0].plan for key, subscribed in on_version.items()}
    newest = {(plan.id, plan.version): plan for plan in published}
    by_plan: defaultdict[str, list[Plan]] = defaultdict(list)
    for plan in (pinned | newest).values():
        if any(one in products for one in plan.terms.product_ids):
            by_plan[plan.id].append(plan)
    return [_sold(versions, on_version, products) for versions in by_plan.values()]


def _sold(
    versions: Sequence[Plan],
    on_version: Mapping[tuple[str, int], Sequence[Grant]],
    products: Mapping[str, ScopedProduct],
) -> SoldPlan:
    ordered = sorted(versions, key=lambda plan: -plan.version)
    subscribed = [tuple(on_version.get((plan.id, plan.version), ())) for plan in ordered]
    offers = [_offer(plan, mine, products) for plan, mine in zip(ordered, subscribed, strict=True)]
    return SoldPlan(ordered[0], tuple(offers), tuple(grant for some in subscribed for grant in some))


def _offer(plan: Plan, grants: Sequence[Grant], products: Mapping[str, ScopedProduct]) -> Offer:
    return Offer(
        plan_id=plan.id,
        key=plan.key,
        name=plan.name,
        version=plan.version,
        products=tuple(products[one] for one in plan.terms.product_ids if one in products),
        limits=limits(plan.terms),
        currency=plan.terms.currency,
        facts=facts(plan),
        subscription_ids=tuple(sorted(grant.subscription_id for grant in grants)),
    )
