"""`/subscriptions`: who is on which plan, and does that stand at every gateway?"""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

import aforo.customers.pages.statements as statements
from aforo.accounts import Scope, Session
from aforo.customers.model import PlanState
from aforo.customers.pages.parts import Faults, Parts, faults_of
from aforo.customers.rules import states
from aforo.customers.rules.states import Verb
from aforo.customers.shapes import NewSubscription, SubscriptionPatch
from aforo.kit.errors import AforoError, Conflict, Invalid

_ROWS: Final = 50


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/subscriptions")
    async def list_(request: Request, session: reader, plan: str = "", cursor: str = "") -> Response:
        tenant_id = session.caller.tenant_id
        found, following = await parts.room.subscriptions.page(
            tenant_id, plan_id=plan or None, cursor=cursor or None, limit=_ROWS
        )
        plans, _ = await parts.room.plans.page(tenant_id, limit=1_000)
        older = f"/subscriptions?{urlencode({'plan': plan, 'cursor': following})}" if following else ""
        names = {placed.subscription.customer_id: "" for placed in found}
        for customer_id in names:
            names[customer_id] = await _customer_name(parts, tenant_id, customer_id)
        return parts.render(
            "customers/subscriptions.html",
            request,
            rows=[{"href": f"/subscriptions/{one.subscription.id}", "placed": one} for one in found],
            names=names,
            plans={one.id: one for one in plans},
            plan=plan,
            older=older,
            first=not cursor,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/subscriptions/new")
    async def new(request: Request, session: writer, customer: str = "", plan: str = "") -> Response:
        return await _form_page(parts, request, session, {"customerId": customer, "planId": plan}, {})

    @pages.post("/subscriptions/new")
    async def create(request: Request, session: writer) -> Response:
        form = await request.form()
        typed = {name: str(form.get(name, "")).strip() for name in ("customerId", "planId", "mode")}
        try:
            wanted = NewSubscription.model_validate(typed)
            placed = await parts.room.subscriptions.create(session.caller.tenant_id, wanted)
        except (ValidationError, Invalid, Conflict) as fault:
            return await _form_page(parts, request, session, typed, faults_of(fault))
        one = placed.subscription
        await parts.note(session.caller, "subscription.create", one.id, {"planId": one.plan_id})
        return RedirectResponse(f"/subscriptions/{one.id}", 303)

    @pages.get("/subscriptions/{subscription_id}")
    async def show(request: Request, subscription_id: str, session: reader) -> Response:
        told = await _told(parts, session, subscription_id)
        keys = await parts.keys(session.caller.tenant_id, subscription_id)
        levels = await parts.levels(session.caller.tenant_id, subscription_id)
        bills = await statements.shown(parts, session.caller.tenant_id, subscription_id)
        return parts.render("customers/subscription.html", request, **told, keys=keys, levels=levels, **bills)

    _add_verbs(pages, parts)


def _add_verbs(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/subscriptions/{subscription_id}/{verb}")
    async def ask(request: Request, subscription_id: str, verb: Verb, session: writer) -> Response:
        told = await _told(parts, session, subscription_id)
        return parts.render("customers/subscription_verb.html", request, **told, verb=verb.value, error="")

    @pages.post("/subscriptions/{subscription_id}/move")
    async def move(subscription_id: str, session: writer, version: Annotated[int, Form(ge=1)]) -> RedirectResponse:
        placed = await parts.room.subscriptions.move(
            session.caller.tenant_id, subscription_id, SubscriptionPatch(plan_version=version)
        )
        detail = {"planVersion": placed.subscription.plan_version}
        await parts.note(session.caller, "subscription.move", subscription_id, detail)
        return RedirectResponse(f"/subscriptions/{subscription_id}", 303)

    @pages.post("/subscriptions/{subscription_id}/{verb}")
    async def apply(
        request: Request, subscription_id: str, verb: Verb, session: writer, reason: Annotated[str, Form()] = ""
    ) -> Response:
        told = await _told(parts, session, subscription_id)
        error = "" if reason.strip() else "Reason is required"
        if not error:
            try:
                await parts.room.subscriptions.apply(session.caller.tenant_id, subscription_id, verb)
            except AforoError as fault:
                error = str(fault)
        if error:
            page = "customers/subscription_verb.html"
            return parts.render(page, request, status=422, **told, verb=verb.value, error=error)
        await parts.note(session.caller, f"subscription.{verb}", subscription_id, {"reason": reason.strip()[:500]})
        return RedirectResponse(f"/subscriptions/{subscription_id}", 303)


async def _told(parts: Parts, session: Session, subscription_id: str) -> dict[str, Any]:
    """What every page of a subscription shows of it."""
    tenant_id = session.caller.tenant_id
    placed = await parts.room.subscriptions.one(tenant_id, subscription_id)
    plan = await parts.room.plans.one(tenant_id, placed.subscription.plan_id, placed.subscription.plan_version)
    newest = await parts.room.plans.newest_published(tenant_id, plan.id)
    return {
        "placed": placed,
        "plan": plan,
        "newest": newest,
        "customer_name": await _customer_name(parts, tenant_id, placed.subscription.customer_id),
        "places": await parts.places(tenant_id),
        "verbs": [str(verb) for verb in states.allowed(placed.status)],
        "may_write": session.caller.may(Scope.CONTROL_WRITE),
    }


async def _customer_name(parts: Parts, tenant_id: str, customer_id: str) -> str:
    """A customer that was removed keeps its id on what it had bought."""
    try:
        return (await parts.room.customers.one(tenant_id, customer_id)).name
    except AforoError:
        return customer_id


async def _form_page(
    parts: Parts, request: Request, session: Session, typed: dict[str, str], faults: Faults
) -> Response:
    tenant_id = session.caller.tenant_id
    customers, more = await parts.room.customers.page(tenant_id, limit=200)
    plans, _ = await parts.room.plans.page(tenant_id, limit=1_000)
    sold = [one for one in plans if one.state is PlanState.PUBLISHED or one.version > 1]
    return parts.render(
        "customers/subscription_form.html",
        request,
        status=422 if faults else 200,
        typed=typed,
        faults=faults,
        customers=[(one.id, f"{one.name} ({one.external_id})" if one.external_id else one.name) for one in customers],
        by_id=more is not None,
        plans=[(one.id, f"{one.name} ({one.key})") for one in sold],
    )
