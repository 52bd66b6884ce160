"""Plans: what is sold, at what price. A draft is edited, a published version never is."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from decimal import Decimal

from aforo.customers.errors import PlanDraftExists
from aforo.customers.model import Plan, PlanState, ProductRef
from aforo.customers.rules import plan as plan_rules
from aforo.customers.rules.statement import Statement, statement
from aforo.customers.service.metrics import Metrics
from aforo.customers.shapes import NewPlan, PlanPatch, RateRequest
from aforo.customers.sql import PlanStore
from aforo.customers.sql.plans import published
from aforo.customers.terms import Terms
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid, NotFound
from aforo.kit.ids import new_id

ProductsOf = Callable[[str, Collection[str]], Awaitable[Mapping[str, ProductRef]]]
"""Given a tenant and product ids, those that exist. Comes from the catalog."""


class Plans:
    """A tenant's plans and their versions."""

    def __init__(self, store: PlanStore, metrics: Metrics, products_of: ProductsOf, clock: Clock) -> None:
        self._store = store
        self._metrics = metrics
        self._products_of = products_of
        self._clock = clock

    async def page(
        self, tenant_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Plan], str | None]:
        """The newest version of each plan, newest plan first, and the cursor of the next page."""
        found = await self._store.page(tenant_id, before=cursor, limit=limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def find(self, tenant_id: str, words: str, limit: int) -> list[tuple[str, str, str]]:
        """(id, name, key), newest first."""
        return await self._store.find(tenant_id, words, limit)

    async def names(self, tenant_id: str) -> dict[str, str]:
        """What plans are called, by id."""
        return await self._store.names(tenant_id)

    async def versions(self, tenant_id: str, plan_id: str) -> list[Plan]:
        """Newest first."""
        found = await self._store.versions(tenant_id, plan_id)
        if not found:
            raise NotFound(f"There is no plan {plan_id}.", next_step="List them: GET /api/v1/plans.")
        return found

    async def one(self, tenant_id: str, plan_id: str, version: int | None = None) -> Plan:
        """The newest version, or the one named."""
        for plan in await self.versions(tenant_id, plan_id):
            if version in (None, plan.version):
                return plan
        raise NotFound(f"The plan {plan_id} has no version {version}.", next_step="List its versions.")

    async def newest_published(self, tenant_id: str, plan_id: str, version: int | None = None) -> Plan | None:
        """The newest published version, or the one named if it is published."""
        for plan in await self._store.versions(tenant_id, plan_id):
            if plan.state is PlanState.PUBLISHED and version in (None, plan.version):
                return plan
        return None

    async def own(self, tenant_id: str, key: str) -> Plan | None:
        """The newest version of one of Aforo's own, which no list shows."""
        return next(iter(await self._store.own(tenant_id, key)), None)

    async def currency(self, tenant_id: str) -> str | None:
        """The one currency of the tenant's plans; None while there is no plan."""
        return await self._store.currency(tenant_id)

    async def create(self, tenant_id: str, new: NewPlan, *, system: bool = False) -> Plan:
        """A first draft. Raises PlanKeyTaken, and Invalid with all faults. `system` makes one of Aforo's own."""
        terms = Terms.model_construct(**{name: getattr(new, name) for name in Terms.model_fields})
        await self._check(tenant_id, terms)
        now = self._clock.now()
        plan = Plan(
            new_id("plan"), tenant_id, new.key, new.name or new.key, 1, PlanState.DRAFT, terms, now, None, system
        )
        await self._store.add(plan)
        return plan

    async def change(self, tenant_id: str, plan_id: str, patch: PlanPatch) -> Plan:
        """Edit the draft. Raises PlanPublished where the newest version is none."""
        newest = await self.one(tenant_id, plan_id)
        if newest.state is PlanState.PUBLISHED:
            raise published(newest)
        plan = await self._patched(newest, patch)
        await self._store.change_draft(plan)
        return plan

    async def begin_version(self, tenant_id: str, plan_id: str, patch: PlanPatch) -> Plan:
        """A draft of the next version: the published one with these changes. Raises PlanDraftExists."""
        newest = await self.one(tenant_id, plan_id)
        if newest.state is PlanState.DRAFT:
            raise PlanDraftExists(
                f"Version {newest.version} of {newest.key} is a draft already.",
                next_step=f"Edit it (PATCH /api/v1/plans/{plan_id}), publish it, or drop it.",
            )
        plan = await self._patched(newest, patch)
        plan = replace(
            plan,
            version=newest.version + 1,
            state=PlanState.DRAFT,
            created_at=self._clock.now(),
            published_at=None,
        )
        await self._store.add_version(plan)
        return plan

    async def publish(self, tenant_id: str, plan_id: str) -> Plan:
        """From now on this version can be subscribed to, and never changes. Raises PlanPublished when it is already."""
        draft = await self.one(tenant_id, plan_id)
        await self._check(tenant_id, draft.terms)
        await self._store.publish(draft, self._clock.now())
        return await self.one(tenant_id, plan_id, draft.version)

    async def remove(self, tenant_id: str, plan_id: str) -> None:
        """Forget a plan that nobody is or was subscribed to. Raises PlanInUse."""
        await self.one(tenant_id, plan_id)
        await self._store.remove(plan_id)

    async def remove_draft(self, tenant_id: str, plan_id: str) -> Plan:
        """Drop the draft, and with the first version the plan. Raises PlanPublished where there is no draft."""
        draft = await self.one(tenant_id, plan_id)
        await self._store.remove_draft(draft)
        return draft

    async def rate(self, tenant_id: str, plan_id: str, asked: RateRequest) -> tuple[Plan, Statement]:
        """What usage would cost: on this plan, or on a rate card that is still being written."""
        plan = await self.one(tenant_id, plan_id, asked.version)
        card = plan.terms.rate_card if asked.rate_card is None else asked.rate_card
        known = await self._metrics.names(tenant_id)
        faults = [(f"/usage/{name}", f"there is no metric {name}") for name in asked.usage if name not in known]
        faults += plan_rules.rate_card_faults(card, known)
        if faults:
            raise Invalid("This usage cannot be rated.", tuple(faults), next_step="Correct the members named.")
        usage: Mapping[str, Decimal] = asked.usage
        return plan, statement(plan_rules.priced(card), usage, plan.terms.currency)

    async def _patched(self, plan: Plan, patch: PlanPatch) -> Plan:
        wanted = {member: getattr(patch, member) for member in patch.model_fields_set - {"name"}}
        terms = plan.terms.model_copy(update=wanted)
        await self._check(plan.tenant_id, terms)
        return replace(plan, terms=terms, name=patch.name if "name" in patch.model_fields_set else plan.name)

    async def _check(self, tenant_id: str, terms: Terms) -> None:
        products = await self._products_of(tenant_id, terms.product_ids)
        faults = plan_rules.faults(terms, await self._metrics.names(tenant_id), products)
        if faults:
            raise Invalid("This plan does not hold together.", tuple(faults), next_step="Correct the members named.")


def no_published_version(plan_id: str, version: int | None) -> Conflict | Invalid:
    """What is said of a plan, or a version, that cannot be subscribed to."""
    if version is None:
        return Invalid(
            "This plan cannot be subscribed to.",
            (("/planId", f"there is no plan {plan_id} with a published version"),),
            next_step="Publish it first, or choose another plan.",
        )
    return Invalid(
        "This version cannot be subscribed to.",
        (("/planVersion", f"the plan {plan_id} has no published version {version}"),),
        next_step="Leave it out to take the newest published version.",
    )
