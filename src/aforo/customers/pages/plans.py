"""`/plans`: what is sold at what price."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.customers.model import Plan
from aforo.customers.pages import words
from aforo.customers.pages.parts import Parts
from aforo.customers.shapes import RateRequest
from aforo.customers.views import StatementView, statement_view
from aforo.kit.errors import AforoError

_ROWS: Final = 100


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/plans")
    async def list_(request: Request, session: reader, cursor: str = "") -> Response:
        found, following = await parts.room.plans.page(session.caller.tenant_id, cursor=cursor or None, limit=_ROWS)
        return parts.render(
            "customers/plans.html",
            request,
            rows=[_row(plan) for plan in found],
            published=sum(1 for plan in found if plan.published_at),
            older=f"/plans?cursor={following}" if following else "",
            first=not cursor,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/plans/{plan_id}")
    async def show(request: Request, plan_id: str, session: reader, version: int | None = None) -> Response:
        tenant_id = session.caller.tenant_id
        plan = await parts.room.plans.one(tenant_id, plan_id, version)
        usage = {name.removeprefix("use."): value for name, value in request.query_params.items() if value}
        told, lack = await _rated(parts, plan, usage)
        return parts.render(
            "customers/plan.html",
            request,
            plan=plan,
            products=await _products(parts, plan),
            quotas=[words.quota(one) for one in plan.terms.quotas],
            rates=[words.rate_limit(one) for one in plan.terms.rate_limits],
            card=[words.priced(entry, plan.terms.currency) for entry in plan.terms.rate_card],
            versions=await parts.room.plans.versions(tenant_id, plan_id),
            metrics=words.metrics_of(plan),
            usage=usage,
            told=told,
            lack=lack,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/plans/{plan_id}/publish")
    async def ask_publish(request: Request, plan_id: str, session: writer) -> Response:
        plan = await parts.room.plans.one(session.caller.tenant_id, plan_id)
        return parts.render("customers/plan_publish.html", request, plan=plan, error="")

    @pages.post("/plans/{plan_id}/publish")
    async def publish(request: Request, plan_id: str, session: writer) -> Response:
        plan = await parts.room.plans.one(session.caller.tenant_id, plan_id)
        try:
            done = await parts.room.plans.publish(session.caller.tenant_id, plan_id)
        except AforoError as fault:
            return parts.render("customers/plan_publish.html", request, status=409, plan=plan, error=str(fault))
        await parts.note(session.caller, "plan.publish", plan_id, {"version": done.version})
        return RedirectResponse(f"/plans/{plan_id}", 303)

    @pages.post("/plans/{plan_id}/drop")
    async def drop(plan_id: str, session: writer) -> RedirectResponse:
        draft = await parts.room.plans.remove_draft(session.caller.tenant_id, plan_id)
        await parts.note(session.caller, "plan.remove_draft", plan_id, {"version": draft.version})
        return RedirectResponse("/plans" if draft.version == 1 else f"/plans/{plan_id}", 303)


def _row(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan,
        "href": f"/plans/{plan.id}",
        "quotas": ", ".join(words.quota(one) for one in plan.terms.quotas) or "none",
        "prices": ", ".join(words.priced(one, plan.terms.currency)["price"] for one in plan.terms.rate_card[:2]),
        "more": max(0, len(plan.terms.rate_card) - 2),
    }


async def _products(parts: Parts, plan: Plan) -> list[tuple[str, str]]:
    """Names and addresses of the plan's products; one that is gone from the catalog keeps its id."""
    known = {one.id: one for one in await parts.sellable(plan.tenant_id)}
    return [
        (f"{known[one].name}, {known[one].integration}" if one in known else one, f"/products/{one}")
        for one in plan.terms.product_ids
    ]


async def _rated(parts: Parts, plan: Plan, usage: dict[str, str]) -> tuple[StatementView | None, str]:
    """What the typed usage would cost, or why that cannot be told."""
    figures: dict[str, Decimal] = {}
    for name, value in usage.items():
        if name not in words.metrics_of(plan):
            continue
        try:
            figures[name] = Decimal(value.replace(",", ""))
        except InvalidOperation:
            return None, f"{value} is no number of {name}."
    if not figures:
        return None, ""
    try:
        asked = RateRequest.model_validate({"usage": {name: str(n) for name, n in figures.items()}})
        rated, statement = await parts.room.plans.rate(
            plan.tenant_id, plan.id, asked.model_copy(update={"version": plan.version})
        )
    except (AforoError, ValueError) as fault:
        return None, str(fault).partition("\n")[0]
    return statement_view(rated, rated.terms.rate_card, statement), ""
