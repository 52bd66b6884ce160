"""Subscriptions: who is on which version of which plan, and the grants that follow."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from aforo.catalog import Impact
from aforo.customers.errors import SubscriptionState
from aforo.customers.model import Change, GatewayStatus, Grant, Placed, Plan, ProductRef, Subscription
from aforo.customers.rules import plan as plan_rules
from aforo.customers.rules import states
from aforo.customers.rules.currency import EXACT, payable
from aforo.customers.rules.statement import fixed_fees
from aforo.customers.rules.states import State, Verb
from aforo.customers.service.plans import Plans, ProductsOf, no_published_version
from aforo.customers.shapes import NewSubscription, SubscriptionPatch
from aforo.customers.sql import CustomerStore, OnChange, PlanStore, SubscriptionStore, tell_nobody
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid, NotFound
from aforo.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables that subscriptions join."""

    subscriptions: SubscriptionStore
    customers: CustomerStore
    plans: PlanStore


Observed = Mapping[str, Mapping[str, tuple[str, str | None]]]
"""By subscription and integration: how it was last seen at the gateway, and why not as wanted."""


@dataclass(frozen=True, slots=True)
class AtGateways:
    """What this room asks of the one that provisions.

    settle    bring a subscription that has just been written to its gateways; waits for the primary one for some
              seconds at most, and raises nothing: what is not done by then is done later
    observed  how subscriptions stand at gateways; without those that were never tried
    """

    settle: Callable[[str, str], Awaitable[None]]
    observed: Callable[[str, Collection[str]], Awaitable[Observed]]


async def _settle_nothing(tenant_id: str, subscription_id: str) -> None:
    del tenant_id, subscription_id


async def _observe_nothing(tenant_id: str, subscription_ids: Collection[str]) -> Observed:
    del tenant_id, subscription_ids
    return {}


NOWHERE: Final = AtGateways(_settle_nothing, _observe_nothing)
"""Nothing provisions."""


class Subscriptions:
    """A tenant's subscriptions."""

    def __init__(
        self, stores: Stores, plans: Plans, products_of: ProductsOf, clock: Clock, at_gateways: AtGateways = NOWHERE
    ) -> None:
        self._store = stores.subscriptions
        self._customers = stores.customers
        self._plan_store = stores.plans
        self._plans = plans
        self._products_of = products_of
        self._clock = clock
        self._at_gateways = at_gateways

    async def page(
        self,
        tenant_id: str,
        *,
        customer_id: str | None = None,
        plan_id: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
        system: bool = False,
    ) -> tuple[list[Placed], str | None]:
        """Newest first, and the cursor of the next page. Those of Aforo's own customers only with `system`."""
        found = await self._store.page(
            tenant_id, customer_id=customer_id, plan_id=plan_id, before=cursor, limit=limit + 1, system=system
        )
        following = found[limit - 1].id if len(found) > limit else None
        return await self._placed(tenant_id, found[:limit]), following

    async def find(self, tenant_id: str, words: str, limit: int) -> list[tuple[str, str, str]]:
        """(id, customer's name, plan's name), newest first."""
        return await self._store.find(tenant_id, words, limit)

    async def one(self, tenant_id: str, subscription_id: str) -> Placed:
        return (await self._placed(tenant_id, [await self._stored(tenant_id, subscription_id)]))[0]

    async def create(self, tenant_id: str, new: NewSubscription, *, also: OnChange = tell_nobody) -> Placed:
        """Write it, and bring it to its gateways; `also` writes what is to be there with it or not at all.

        Raises Invalid when customer, plan or primary gateway are not there to be subscribed.
        """
        if await self._customers.one(tenant_id, new.customer_id) is None:
            raise Invalid(
                "This customer does not exist.", (("/customerId", f"there is no customer {new.customer_id}"),)
            )
        plan = await self._published(tenant_id, new.plan_id, new.plan_version)
        now = self._clock.now()
        starts_at = new.starts_at or now
        subscription = Subscription(
            id=new_id("sub"),
            tenant_id=tenant_id,
            customer_id=new.customer_id,
            plan_id=plan.id,
            plan_version=plan.version,
            status=State.PENDING if starts_at > now else State.ACTIVE,
            mode=new.mode,
            starts_at=starts_at,
            primary_integration_id=await self._primary(plan, new.primary_integration_id),
            created_at=now,
            updated_at=now,
        )
        await self._store.add(subscription, also)
        await self._at_gateways.settle(tenant_id, subscription.id)
        return await self.one(tenant_id, subscription.id)

    async def move(self, tenant_id: str, subscription_id: str, patch: SubscriptionPatch) -> Placed:
        """Pin another plan or version, or name another primary gateway. Raises SubscriptionState when cancelled."""
        known = await self._stored(tenant_id, subscription_id)
        if known.status is State.CANCELLED:
            raise SubscriptionState("A cancelled subscription does not change.", next_step="Subscribe anew.")
        pin = (known.plan_id, known.plan_version)
        if patch.plan_id or patch.plan_version:
            plan = await self._published(tenant_id, patch.plan_id or known.plan_id, patch.plan_version)
        else:
            plan = (await self._plan_store.pinned(tenant_id, [pin]))[pin]
        kept = known.primary_integration_id if (plan.id, plan.version) == pin else None
        primary = await self._primary(plan, patch.primary_integration_id) if not kept or _names(patch) else kept
        wanted = replace(known, plan_id=plan.id, plan_version=plan.version, primary_integration_id=primary)
        return await self._store_change(known, wanted, "subscription.moved")

    async def apply(self, tenant_id: str, subscription_id: str, verb: Verb) -> Placed:
        """Suspend, reactivate or cancel. What is so already stays as it is. Raises SubscriptionState."""
        known = await self._stored(tenant_id, subscription_id)
        now = self._clock.now()
        state = states.seen_at(known.status, known.starts_at, now)
        following = states.after(state, verb)
        if following is None:
            possible = ", ".join(states.allowed(state)) or "nothing"
            raise SubscriptionState(
                f"A subscription that is {state} cannot be told to {verb}.", next_step=f"Possible now: {possible}."
            )
        if following is state:
            return await self.one(tenant_id, subscription_id)
        cancelled_at = now if following is State.CANCELLED else None
        return await self._store_change(
            known, replace(known, status=following, cancelled_at=cancelled_at), f"subscription.{following.lower()}"
        )

    async def grants(self, tenant_id: str) -> list[Grant]:
        """Every subscription that is not cancelled with its plan version, oldest first."""
        rows = await self._store.live(tenant_id)
        plans = await self._plan_store.pinned(tenant_id, {_pin(one) for one, _ in rows})
        now = self._clock.now()
        return [
            Grant(
                one.id,
                one.customer_id,
                external_id,
                states.seen_at(one.status, one.starts_at, now),
                one.starts_at,
                plans[_pin(one)],
            )
            for one, external_id in rows
        ]

    async def changes(self, tenant_id: str, since: int = 0, limit: int = 1_000) -> list[Change]:
        """What grants hang on and has changed after the version `since`, in order."""
        return await self._store.changes(tenant_id, since, limit)

    async def version(self, tenant_id: str) -> int:
        """Grows with every change of a grant; 0 while there was none."""
        return await self._store.version(tenant_id)

    async def impact(self, tenant_id: str, product_ids: Collection[str]) -> Mapping[str, Impact]:
        """What each product touches: live subscriptions, and the fees a month of their plans; empty before the first
        customer. A plan's fee counts whole for each of its products, so the figures of products do not add up.
        """
        if not product_ids or not await self._customers.any(tenant_id):
            return {}
        counts = await self._store.live_counts(tenant_id, product_ids)
        pins = {pin for pinned in counts.values() for pin in pinned}
        plans = await self._plan_store.pinned(tenant_id, pins)
        fees = {pin: fixed_fees(plan_rules.priced(plan.terms.rate_card)) for pin, plan in plans.items()}
        currency = await self._plan_store.currency(tenant_id)
        return {one: _impact(counts.get(one, {}), fees, currency) for one in product_ids}

    async def sums(self, tenant_id: str, product_ids: Collection[str], figures: Mapping[str, int]) -> Mapping[str, int]:
        """Of each product, the sum of a figure known by subscription, over its live subscriptions."""
        by_pin: Counter[tuple[str, int]] = Counter()
        for subscription_id, pin in (await self._store.live_pins(tenant_id)).items():
            by_pin[pin] += figures.get(subscription_id, 0)
        pinned = await self._store.live_counts(tenant_id, product_ids)
        return {one: sum(by_pin[pin] for pin in pinned.get(one, ())) for one in product_ids}

    async def _stored(self, tenant_id: str, subscription_id: str) -> Subscription:
        found = await self._store.one(tenant_id, subscription_id)
        if found is None:
            raise NotFound(
                f"There is no subscription {subscription_id}.", next_step="List them: GET /api/v1/subscriptions."
            )
        return found

    async def _store_change(self, before: Subscription, after: Subscription, kind: str) -> Placed:
        if not await self._store.change(before, replace(after, updated_at=self._clock.now()), kind):
            raise Conflict("Somebody else changed this subscription at the same moment.", next_step="Try again.")
        await self._at_gateways.settle(before.tenant_id, before.id)
        return await self.one(before.tenant_id, before.id)

    async def _published(self, tenant_id: str, plan_id: str, version: int | None) -> Plan:
        plan = await self._plans.newest_published(tenant_id, plan_id, version)
        if plan is None:
            raise no_published_version(plan_id, version)
        return plan

    async def _primary(self, plan: Plan, wanted: str | None) -> str | None:
        products = await self._products_of(plan.tenant_id, plan.terms.product_ids)
        possible = _integrations(plan, products)
        if wanted is None:
            return next(iter(possible), None)
        if wanted not in possible:
            raise Invalid(
                "The primary gateway must sell one of the plan's products.",
                (("/primaryIntegrationId", f"no product of {plan.key} belongs to {wanted}"),),
                next_step=f"Possible are: {', '.join(possible) or 'none'}.",
            )
        return wanted

    async def _placed(self, tenant_id: str, found: Sequence[Subscription]) -> list[Placed]:
        plans = await self._plan_store.pinned(tenant_id, {_pin(one) for one in found})
        ids = {product_id for plan in plans.values() for product_id in plan.terms.product_ids}
        products = await self._products_of(tenant_id, ids)
        seen = await self._at_gateways.observed(tenant_id, [one.id for one in found])
        now = self._clock.now()
        return [
            _place(
                one,
                states.seen_at(one.status, one.starts_at, now),
                _integrations(plans[_pin(one)], products),
                seen.get(one.id, {}),
            )
            for one in found
        ]


def _place(
    one: Subscription, status: State, wanted: Sequence[str], seen: Mapping[str, tuple[str, str | None]]
) -> Placed:
    """The plan's gateways, then those that the subscription has left and is not gone from yet."""
    left = [place for place, (observed, _) in seen.items() if place not in wanted and observed != "GONE"]
    return Placed(
        one,
        status,
        (
            *(GatewayStatus(place, status, *seen.get(place, ("PENDING", None))) for place in wanted),
            *(GatewayStatus(place, State.CANCELLED, *seen[place]) for place in left),
        ),
    )


def _integrations(plan: Plan, products: Mapping[str, ProductRef]) -> list[str]:
    """Of the plan's products, in their order, each once."""
    found = [products[one].integration_id for one in plan.terms.product_ids if one in products]
    return list(dict.fromkeys(found))


def _impact(
    pinned: Mapping[tuple[str, int], int], fees: Mapping[tuple[str, int], Decimal | None], currency: str | None
) -> Impact:
    known = [(fees[pin], count) for pin, count in pinned.items()]
    revenue = Decimal(0)
    for fee, count in known:
        revenue = EXACT.fma(fee or Decimal(0), Decimal(count), revenue)
    unpriced = bool(known) and all(fee is None for fee, _ in known)
    shown = None if unpriced or currency is None else f"{payable(revenue, currency):f}"
    return Impact(sum(pinned.values()), None, shown, currency if shown is not None else None)


def _pin(one: Subscription) -> tuple[str, int]:
    return one.plan_id, one.plan_version


def _names(patch: SubscriptionPatch) -> bool:
    return patch.primary_integration_id is not None
