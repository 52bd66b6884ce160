"""What is to stand at one gateway, from what is sold, who is subscribed, and what was synced before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aforo.customers import CustomersRoom, Plan, PlanState
from aforo.gateway_sdk import pricing as sdk
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.pricing.model import SoldPlan, Subject, Synced, Wish
from aforo.pricing.rules.impact import impact
from aforo.pricing.rules.merging import merged
from aforo.pricing.rules.offers import sold_here
from aforo.pricing.sql import PricingStore

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Sellable:
    """A recorded product of a gateway, and whether it is sold."""

    scoped: ScopedProduct
    version: str | None
    monetized: bool


SellableAt = Callable[[str, str], Awaitable[Sequence[Sellable]]]
"""All products of a tenant's integration. Comes from the catalog."""

LiveCredentials = Callable[[str], Awaitable[Mapping[str, int]]]
"""How many live credentials each subscription of a tenant has."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the wishes for one gateway follow from, read at one moment; tags need no more than this."""

    sold: tuple[SoldPlan, ...]
    gone: tuple[Synced, ...]
    tags: tuple[Wish, ...]
    last: Mapping[str, Synced]
    live_credentials: Mapping[str, int]


class Wishes:
    """Reads Aforo's own records alone; only `of_plan` asks the gateway what it can hold."""

    def __init__(
        self, store: PricingStore, customers: CustomersRoom, sellable: SellableAt, live_credentials: LiveCredentials
    ) -> None:
        self._store = store
        self._customers = customers
        self._sellable = sellable
        self._live_credentials = live_credentials

    async def scene(self, tenant_id: str, integration_id: str) -> Scene:
        products = await self._sellable(tenant_id, integration_id)
        scoped = {one.scoped.id: one.scoped for one in products}
        grants = await self._customers.subscriptions.grants(tenant_id)
        published = [plan async for plan in self._published(tenant_id)]
        sold = sorted(sold_here(published, grants, scoped), key=lambda one: one.plan.key)
        last = await self._store.synced(tenant_id, integration_id)
        wanted = {plan_key(one.plan.key) for one in sold}
        gone = [one for one in last.values() if one.subject is Subject.PLAN and one.key not in wanted]
        live = await self._live_credentials(tenant_id)
        return Scene(tuple(sold), tuple(gone), tuple(_tags(products, last)), last, live)

    async def of_plan(self, sold: SoldPlan, scene: Scene, gateway: sdk.Pricing) -> Wish:
        """Raises GatewayError."""
        carried = merged(sold.offers, [await gateway.carry(offer) for offer in sold.offers])
        key = plan_key(sold.plan.key)
        before = scene.last.get(key)
        return Wish(
            key=key,
            subject=Subject.PLAN,
            subject_id=sold.plan.id,
            name=sold.plan.name,
            wanted=carried.wanted,
            last=before.product if before else None,
            versions=tuple(offer.version for offer in sold.offers),
            subscription_ids=tuple(grant.subscription_id for grant in sold.grants),
            left_out=carried.left_out,
            dangers=carried.dangers,
            impact=impact(sold.grants, sold.plan.terms.currency, scene.live_credentials),
        )

    async def _published(self, tenant_id: str) -> AsyncIterator[Plan]:
        """The newest published version of each plan that has one."""
        cursor: str | None = None
        while True:
            plans, cursor = await self._customers.plans.page(tenant_id, cursor=cursor, limit=_PAGE)
            for plan in plans:
                known = plan if plan.state is PlanState.PUBLISHED else await self._older(plan)
                if known:
                    yield known
            if cursor is None:
                return

    async def _older(self, draft: Plan) -> Plan | None:
        return await self._customers.plans.newest_published(draft.tenant_id, draft.id)


def plan_key(key: str) -> str:
    return f"plan:{key}"


def gone(one: Synced) -> Wish:
    """Nothing is to stand any more of what was synced."""
    was = one.product
    nothing = Product(was.ref, was.native_id, was.name, was.version, ())
    return Wish(one.key, one.subject, one.subject_id, one.name, nothing, was, is_gone=True, versions=one.versions)


def _tags(products: Sequence[Sellable], last: Mapping[str, Synced]) -> list[Wish]:
    """Of products that are sold, and of those that bear a tag from when they were."""
    wishes = {}
    for one in products:
        key = f"tag:{one.scoped.id}"
        if one.monetized or key in last:
            product = Product(one.scoped.ref, one.scoped.native_id, one.scoped.name, one.version, ())
            before = last[key].product if key in last else None
            wishes[key] = Wish(
                key, Subject.TAG, one.scoped.id, one.scoped.name, product, before, is_gone=not one.monetized
            )
    forgotten = [one for one in last.values() if one.subject is Subject.TAG and one.key not in wishes]
    return [*wishes.values(), *(gone(one) for one in forgotten)]
