"""The effect of cost rules, and many of them at once, over HTTP. The rules themselves are the customers room's."""

from typing import Annotated

from fastapi import APIRouter, Depends

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers import NewCostRule
from aforo.enforcement.costs.desk import CostDesk, Fate
from aforo.enforcement.costs.views import CostSheet, EffectView, SheetReport, effect_view, sheet_report


def router(desk: CostDesk, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/cost-rules/effect`, `…/import` and `…/{id}/effect`."""
    api = APIRouter(prefix="/api/v1/cost-rules", tags=["margin"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.post("/effect", summary="What the last 30 days would have cost under a cost rule; nothing is changed")
    async def effect(new: NewCostRule, who: reader) -> EffectView:
        """As if the rule had held for all of them, in place of others for the same product and metric."""
        return effect_view(await desk.effect_of_new(who.tenant_id, new))

    @api.get("/{rule_id}/effect", summary="What the last 30 days would have cost without a cost rule")
    async def effect_of_removal(rule_id: str, who: reader) -> EffectView:
        return effect_view(await desk.effect_of_removal(who.tenant_id, rule_id))

    @api.post("/import", summary="Add the cost rules of a CSV sheet, and tell what came of every line")
    async def take(sheet: CostSheet, who: writer) -> SheetReport:
        """What could be read is added in one transaction; the same sheet sent again adds nothing twice."""
        taken = await desk.take(who.tenant_id, sheet.csv, dry=sheet.dry_run)
        for one in taken:
            if one.fate is Fate.ADDED and one.rule_id:
                await accounts.note(who.tenant_id, who.actor_id, "cost_rule.create", one.rule_id, {"line": one.number})
        return sheet_report(taken, dry=sheet.dry_run)

    return api
