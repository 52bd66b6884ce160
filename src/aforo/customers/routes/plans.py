"""Plans over HTTP: drafts, versions, and what usage would cost."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers.model import Plan
from aforo.customers.service import Plans
from aforo.customers.shapes import NewPlan, PlanPatch, RateRequest
from aforo.customers.views import PlanView, StatementView, plan_view, statement_view
from aforo.kit.wire import Page


def router(plans: Plans, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/plans`."""
    api = APIRouter(prefix="/api/v1/plans", tags=["plans"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    async def told(who: Caller, action: str, plan: Plan) -> PlanView:
        await accounts.note(who.tenant_id, who.actor_id, action, plan.id, {"key": plan.key, "version": plan.version})
        return plan_view(plan)

    @api.get("", summary="List plans, newest first, each in its newest version")
    async def page(
        who: reader, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> Page[PlanView]:
        found, following = await plans.page(who.tenant_id, cursor=cursor, limit=limit)
        return Page(data=[plan_view(one) for one in found], next_cursor=following)

    @api.post("", status_code=201, summary="Begin a plan, as a draft")
    async def create(new: NewPlan, who: writer) -> PlanView:
        return await told(who, "plan.create", await plans.create(who.tenant_id, new))

    @api.get("/{plan_id}", summary="A plan in its newest version, or the one named")
    async def show(plan_id: str, who: reader, version: Annotated[int | None, Query(ge=1)] = None) -> PlanView:
        return plan_view(await plans.one(who.tenant_id, plan_id, version))

    @api.patch("/{plan_id}", summary="Edit the draft; a published version is refused with `plan_published`")
    async def change(plan_id: str, patch: PlanPatch, who: writer) -> PlanView:
        return await told(who, "plan.change", await plans.change(who.tenant_id, plan_id, patch))

    @api.delete("/{plan_id}", status_code=204, summary="Remove a plan that nobody is or was subscribed to")
    async def remove(plan_id: str, who: writer) -> None:
        await plans.remove(who.tenant_id, plan_id)
        await accounts.note(who.tenant_id, who.actor_id, "plan.remove", plan_id, {})

    @api.get("/{plan_id}/versions", summary="All versions, newest first")
    async def versions(plan_id: str, who: reader) -> Page[PlanView]:
        return Page(data=[plan_view(one) for one in await plans.versions(who.tenant_id, plan_id)])

    @api.post("/{plan_id}/versions", status_code=201, summary="Begin the next version: the published one, changed")
    async def begin_version(plan_id: str, patch: PlanPatch, who: writer) -> PlanView:
        return await told(who, "plan.begin_version", await plans.begin_version(who.tenant_id, plan_id, patch))

    @api.post("/{plan_id}/publish", summary="Publish the draft: it can be subscribed to, and never changes again")
    async def publish(plan_id: str, who: writer) -> PlanView:
        return await told(who, "plan.publish", await plans.publish(who.tenant_id, plan_id))

    @api.delete("/{plan_id}/draft", status_code=204, summary="Drop the draft")
    async def remove_draft(plan_id: str, who: writer) -> None:
        draft = await plans.remove_draft(who.tenant_id, plan_id)
        await accounts.note(who.tenant_id, who.actor_id, "plan.remove_draft", plan_id, {"version": draft.version})

    @api.post("/{plan_id}/rate", summary="What usage would cost on this plan; nothing is stored")
    async def rate(plan_id: str, asked: RateRequest, who: reader) -> StatementView:
        plan, statement = await plans.rate(who.tenant_id, plan_id, asked)
        card = plan.terms.rate_card if asked.rate_card is None else asked.rate_card
        return statement_view(plan, card, statement)

    return api
