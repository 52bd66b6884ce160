"""Cost rules and margin guards over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers.service import Margins
from aforo.customers.shapes import GuardPatch, NewCostRule, NewGuard
from aforo.customers.views import CostRuleView, GuardView, cost_rule_view, guard_view
from aforo.kit.wire import Page

Limit = Annotated[int, Query(ge=1, le=1000)]


def router(margins: Margins, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/cost-rules` and `/api/v1/margin-guards`."""
    api = APIRouter(prefix="/api/v1", tags=["margin"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("/cost-rules", summary="List cost rules, newest first")
    async def cost_rules(who: reader, cursor: str | None = None, limit: Limit = 100) -> Page[CostRuleView]:
        found, following = await margins.cost_rules(who.tenant_id, cursor=cursor, limit=limit)
        return Page(data=[cost_rule_view(one) for one in found], next_cursor=following)

    @api.post("/cost-rules", status_code=201, summary="Say what a unit costs from a moment on")
    async def create_cost_rule(new: NewCostRule, who: writer) -> CostRuleView:
        rule = await margins.create_cost_rule(who.tenant_id, new)
        await accounts.note(who.tenant_id, who.actor_id, "cost_rule.create", rule.id, {})
        return cost_rule_view(rule)

    @api.get("/cost-rules/{rule_id}", summary="One cost rule")
    async def cost_rule(rule_id: str, who: reader) -> CostRuleView:
        return cost_rule_view(await margins.cost_rule(who.tenant_id, rule_id))

    @api.delete("/cost-rules/{rule_id}", status_code=204, summary="Remove a cost rule")
    async def remove_cost_rule(rule_id: str, who: writer) -> None:
        await margins.remove_cost_rule(who.tenant_id, rule_id)
        await accounts.note(who.tenant_id, who.actor_id, "cost_rule.remove", rule_id, {})

    @api.get("/margin-guards", summary="List margin guards, newest first")
    async def guards(who: reader, cursor: str | None = None, limit: Limit = 100) -> Page[GuardView]:
        found, following = await margins.guards(who.tenant_id, cursor=cursor, limit=limit)
        return Page(data=[guard_view(one) for one in found], next_cursor=following)

    @api.post("/margin-guards", status_code=201, summary="Guard the margin of a customer, a plan or the tenant")
    async def create_guard(new: NewGuard, who: writer) -> GuardView:
        guard = await margins.create_guard(who.tenant_id, new)
        await accounts.note(who.tenant_id, who.actor_id, "margin_guard.create", guard.id, {})
        return guard_view(guard)

    @api.get("/margin-guards/{guard_id}", summary="One margin guard")
    async def guard(guard_id: str, who: reader) -> GuardView:
        return guard_view(await margins.guard(who.tenant_id, guard_id))

    @api.patch("/margin-guards/{guard_id}", summary="Change a margin guard; its scope stays")
    async def change_guard(guard_id: str, patch: GuardPatch, who: writer) -> GuardView:
        guard = await margins.change_guard(who.tenant_id, guard_id, patch)
        await accounts.note(who.tenant_id, who.actor_id, "margin_guard.change", guard_id, {})
        return guard_view(guard)

    @api.delete("/margin-guards/{guard_id}", status_code=204, summary="Remove a margin guard")
    async def remove_guard(guard_id: str, who: writer) -> None:
        await margins.remove_guard(who.tenant_id, guard_id)
        await accounts.note(who.tenant_id, who.actor_id, "margin_guard.remove", guard_id, {})

    return api
