"""`/customers`: who pays for what."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

import aforo.customers.pages.statements as statements
from aforo.accounts import Scope, Session
from aforo.customers.model import Customer
from aforo.customers.pages.parts import Faults, Parts, faults_of
from aforo.customers.shapes import CustomerPatch, NewCustomer
from aforo.kit.errors import AforoError, Conflict, Invalid

_ROWS: Final = 50
_FIELDS: Final = ("name", "externalId", "email", "tier")


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/customers")
    async def list_(request: Request, session: reader, q: str = "", cursor: str = "") -> Response:
        words = q.strip()
        rows, following = await parts.room.customers.page(
            session.caller.tenant_id, words=words or None, cursor=cursor or None, limit=_ROWS
        )
        older = f"/customers?{urlencode({'q': words, 'cursor': following})}" if following else ""
        return parts.render(
            "customers/customers.html",
            request,
            rows=[{"href": f"/customers/{one.id}", "one": one} for one in rows],
            q=words,
            older=older,
            first=not cursor,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/customers/new")
    async def new(request: Request, session: writer) -> Response:
        del session
        return _form_page(parts, request, None, {}, {})

    @pages.post("/customers/new")
    async def create(request: Request, session: writer) -> Response:
        typed = _typed(await request.form())
        try:
            made = await parts.room.customers.create(
                session.caller.tenant_id, NewCustomer.model_validate(_given(typed))
            )
        except (ValidationError, Invalid, Conflict) as fault:
            return _form_page(parts, request, None, typed, faults_of(fault))
        await parts.note(session.caller, "customer.create", made.id, {"name": made.name})
        return RedirectResponse(f"/customers/{made.id}", 303)

    @pages.get("/customers/{customer_id}")
    async def show(request: Request, customer_id: str, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        one = await parts.room.customers.one(tenant_id, customer_id)
        held, _ = await parts.room.subscriptions.page(tenant_id, customer_id=customer_id, limit=_ROWS)
        plans, _ = await parts.room.plans.page(tenant_id, limit=1_000)
        return parts.render(
            "customers/customer.html",
            request,
            one=one,
            held=held,
            plans={plan.id: plan for plan in plans},
            **await statements.shown_of_customer(parts, tenant_id, customer_id),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/customers/{customer_id}/edit")
    async def edit(request: Request, customer_id: str, session: writer) -> Response:
        one = await parts.room.customers.one(session.caller.tenant_id, customer_id)
        return _form_page(parts, request, one, _shown(one), {})

    @pages.post("/customers/{customer_id}/edit")
    async def change(request: Request, customer_id: str, session: writer) -> Response:
        one = await parts.room.customers.one(session.caller.tenant_id, customer_id)
        typed = _typed(await request.form())
        try:
            patch = CustomerPatch.model_validate({name: typed[name] or None for name in _FIELDS})
            await parts.room.customers.change(session.caller.tenant_id, one.id, patch)
        except (ValidationError, Invalid, Conflict) as fault:
            return _form_page(parts, request, one, typed, faults_of(fault))
        await parts.note(session.caller, "customer.change", one.id)
        return RedirectResponse(f"/customers/{one.id}", 303)

    _add_removal(pages, parts)


def _add_removal(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/customers/{customer_id}/remove")
    async def ask(request: Request, customer_id: str, session: writer) -> Response:
        one = await parts.room.customers.one(session.caller.tenant_id, customer_id)
        return parts.render("customers/customer_remove.html", request, one=one, error="")

    @pages.post("/customers/{customer_id}/remove")
    async def remove(request: Request, customer_id: str, session: writer) -> Response:
        one = await parts.room.customers.one(session.caller.tenant_id, customer_id)
        reason = str((await request.form()).get("reason", "")).strip()
        if not reason:
            return parts.render(
                "customers/customer_remove.html", request, status=422, one=one, error="Reason is required"
            )
        try:
            await parts.room.customers.remove(session.caller.tenant_id, one.id)
        except AforoError as fault:
            return parts.render("customers/customer_remove.html", request, status=409, one=one, error=str(fault))
        await parts.note(session.caller, "customer.remove", one.id, {"reason": reason[:500]})
        return RedirectResponse("/customers", 303)


def _typed(form: FormData) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip() for name in _FIELDS}


def _given(typed: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in typed.items() if value}


def _shown(one: Customer) -> dict[str, str]:
    return {
        "name": one.name,
        "externalId": one.external_id or "",
        "email": one.email or "",
        "tier": one.tier or "",
    }


def _form_page(parts: Parts, request: Request, one: Customer | None, typed: dict[str, str], faults: Faults) -> Response:
    return parts.render(
        "customers/customer_form.html",
        request,
        status=422 if faults else 200,
        one=one,
        typed=typed,
        faults=faults,
    )
