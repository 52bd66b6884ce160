"""Cost rules and margin guards: what calls cost, and what they must leave."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from aforo.customers.model import CostRule, MarginGuard, ScopeKind
from aforo.customers.service.metrics import Metrics
from aforo.customers.service.plans import ProductsOf
from aforo.customers.shapes import Floors, GuardPatch, GuardScope, NewCostRule, NewGuard
from aforo.customers.sql import CustomerStore, MarginStore, PlanStore
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid, NotFound
from aforo.kit.ids import new_id


class Scopes:
    """Looks up what a rule or guard may be about."""

    def __init__(self, metrics: Metrics, products_of: ProductsOf, customers: CustomerStore, plans: PlanStore) -> None:
        self._metrics = metrics
        self._products_of = products_of
        self._customers = customers
        self._plans = plans

    async def check_cost(self, tenant_id: str, new: NewCostRule) -> None:
        product, metric = new.scope.product_id, new.scope.metric
        faults = []
        if product is None and metric is None:
            faults.append(("/scope", "a product, a metric, or both are needed"))
        if product is not None and product not in await self._products_of(tenant_id, [product]):
            faults.append(("/scope/productId", f"there is no product {product}: import it first"))
        if metric is not None and metric not in await self._metrics.names(tenant_id):
            faults.append(("/scope/metric", f"there is no metric {metric}: create it first"))
        if faults:
            raise Invalid("This cost rule is about nothing that is there.", tuple(faults))

    async def ref(self, tenant_id: str, scope: GuardScope) -> str:
        """What the guard hangs on: a customer's id, a plan's key, or the tenant's id."""
        if scope.kind is ScopeKind.TENANT:
            if scope.ref in (None, tenant_id):
                return tenant_id
            raise _no_scope("a guard of the tenant needs no ref")
        if scope.ref is None:
            raise _no_scope("a customer's id" if scope.kind is ScopeKind.CUSTOMER else "a plan's key")
        if scope.kind is ScopeKind.CUSTOMER and await self._customers.one(tenant_id, scope.ref) is None:
            raise _no_scope(f"there is no customer {scope.ref}")
        if scope.kind is ScopeKind.TIER and not await self._plans.with_key(tenant_id, scope.ref):
            raise _no_scope(f"there is no plan with the key {scope.ref}")
        return scope.ref


class Margins:
    """A tenant's cost rules and margin guards: records for now, enforced later."""

    def __init__(self, store: MarginStore, scopes: Scopes, clock: Clock) -> None:
        self._store = store
        self._scopes = scopes
        self._clock = clock

    async def cost_rules(
        self, tenant_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[CostRule], str | None]:
        found = await self._store.cost_rules(tenant_id, before=cursor, limit=limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def cost_rule(self, tenant_id: str, rule_id: str) -> CostRule:
        found = await self._store.cost_rule(tenant_id, rule_id)
        if found is None:
            raise NotFound(f"There is no cost rule {rule_id}.", next_step="List them: GET /api/v1/cost-rules.")
        return found

    async def check_cost_rule(self, tenant_id: str, new: NewCostRule) -> None:
        """Raises Invalid when it is about nothing that is there."""
        await self._scopes.check_cost(tenant_id, new)

    async def create_cost_rule(self, tenant_id: str, new: NewCostRule) -> CostRule:
        """Without a date it holds from the quarter hour that has begun: usage is summed by these. Raises Invalid."""
        return (await self.create_cost_rules(tenant_id, [new]))[0]

    async def create_cost_rules(self, tenant_id: str, several: Sequence[NewCostRule]) -> list[CostRule]:
        """All of them, or none. Raises Invalid."""
        for one in {one.scope: one for one in several}.values():
            await self.check_cost_rule(tenant_id, one)
        now = self._clock.now()
        rules = [_rule(tenant_id, one, now) for one in several]
        await self._store.add_cost_rules(rules)
        return rules

    async def remove_cost_rule(self, tenant_id: str, rule_id: str) -> None:
        await self.cost_rule(tenant_id, rule_id)
        await self._store.remove_cost_rule(tenant_id, rule_id)

    async def guards(
        self, tenant_id: str, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[MarginGuard], str | None]:
        found = await self._store.guards(tenant_id, before=cursor, limit=limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def guard(self, tenant_id: str, guard_id: str) -> MarginGuard:
        found = await self._store.guard(tenant_id, guard_id)
        if found is None:
            raise NotFound(f"There is no margin guard {guard_id}.", next_step="List them: GET /api/v1/margin-guards.")
        return found

    async def create_guard(self, tenant_id: str, new: NewGuard) -> MarginGuard:
        """Raises GuardExists when the scope has one."""
        now = self._clock.now()
        guard = MarginGuard(
            id=new_id("guard"),
            tenant_id=tenant_id,
            scope_kind=new.scope.kind,
            scope_ref=await self._scopes.ref(tenant_id, new.scope),
            enforce=new.mode == "enforce",
            floors=_checked(new.floors),
            throttle_rate=new.throttle_rate,
            retry_after_seconds=new.retry_after_seconds,
            created_at=now,
            updated_at=now,
        )
        await self._store.add_guard(guard)
        return guard

    async def change_guard(self, tenant_id: str, guard_id: str, patch: GuardPatch) -> MarginGuard:
        known, given = await self.guard(tenant_id, guard_id), patch.model_fields_set
        guard = replace(
            known,
            enforce=patch.mode == "enforce" if "mode" in given else known.enforce,
            floors=_checked(patch.floors) if "floors" in given else known.floors,
            throttle_rate=patch.throttle_rate if "throttle_rate" in given else known.throttle_rate,
            retry_after_seconds=(
                patch.retry_after_seconds if "retry_after_seconds" in given else known.retry_after_seconds
            ),
            updated_at=self._clock.now(),
        )
        await self._store.change_guard(guard)
        return guard

    async def remove_guard(self, tenant_id: str, guard_id: str) -> None:
        await self.guard(tenant_id, guard_id)
        await self._store.remove_guard(tenant_id, guard_id)


def _quarter_of(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _rule(tenant_id: str, new: NewCostRule, now: datetime) -> CostRule:
    return CostRule(
        id=new_id("cost"),
        tenant_id=tenant_id,
        product_id=new.scope.product_id,
        metric=new.scope.metric,
        unit_cost=new.unit_cost,
        currency=new.currency,
        valid_from=new.valid_from or _quarter_of(now),
        created_at=now,
    )


def _checked(floors: Floors) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Levels come one after the other as the margin falls, so each floor is below the one before."""
    given = [(name, floor) for name, floor in zip(("L1", "L2", "L3"), floors.in_order(), strict=True)]
    used = [(name, floor) for name, floor in given if floor is not None]
    faults = [
        (f"/floors/{name}", f"not higher than {above}")
        for (above, high), (name, floor) in pairwise(used)
        if floor > high
    ]
    faults += [(f"/floors/{name}", "at most 1: a margin is a share of revenue") for name, floor in used if floor > 1]
    if not used:
        faults.append(("/floors", "at least one level is needed"))
    if faults:
        raise Invalid("These floors do not hold together.", tuple(faults), next_step="Correct the members named.")
    return floors.in_order()


def _no_scope(why: str) -> Invalid:
    return Invalid("This scope cannot be guarded.", (("/scope/ref", why),), next_step="Correct the scope.")
