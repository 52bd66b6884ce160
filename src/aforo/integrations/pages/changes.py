"""Settings, removal, and the breaker's reset. What cannot be taken back is asked first, on a page of its own."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.integrations.model import Integration
from aforo.integrations.pages import form, words
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.setup import way_of
from aforo.integrations.pages.testing import TestRuns, tested
from aforo.kit.errors import AforoError, Conflict, Invalid

_LONGEST_REASON = 500


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    reason_field = Annotated[str, Form()]

    @pages.get("/integrations/{integration_id}/settings")
    async def settings(request: Request, integration_id: str, session: writer) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return _settings_page(parts, request, one, form.Typed(one.name, one.settings))

    @pages.post("/integrations/{integration_id}/settings")
    async def change(request: Request, integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        sent = await request.form()
        given = form.typed(sent)
        try:
            form.check_name(given.name)
            after = await parts.integrations.change(
                who.tenant_id, one.id, name=given.name, values=_changed(one, given, form.names(sent))
            )
        except (Invalid, Conflict) as fault:
            return _settings_page(parts, request, one, given, fault)
        fields: dict[str, Any] = {"fields": sorted(given.settings)}
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.change", one.id, fields)
        if form.needs_setup(way_of(parts, after), after):
            return RedirectResponse(f"/integrations/{after.id}/setup", 303)
        return await tested(runs, session, after)

    @pages.get("/integrations/{integration_id}/remove")
    async def ask_remove(request: Request, integration_id: str, session: writer) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return await _remove_page(parts, request, one)

    @pages.post("/integrations/{integration_id}/remove")
    async def remove(
        request: Request, integration_id: str, session: writer, products: int = 0, reason: reason_field = ""
    ) -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        used = await parts.in_use_by(who.tenant_id, one.id)
        if not reason.strip():
            return await _remove_page(parts, request, one, "Reason is required")
        if len(used) != products:
            return await _remove_page(parts, request, one, "What hangs on it has changed: look again")
        await parts.integrations.remove(who.tenant_id, one.id, parts.in_use_by, force=True)
        lost = {"products": len(used.products), "credentials": len(used.credentials)}
        detail: dict[str, Any] = {"name": one.name, **lost, "reason": reason.strip()[:_LONGEST_REASON]}
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.remove", one.id, detail)
        return RedirectResponse("/integrations", 303)

    @pages.get("/integrations/{integration_id}/breaker")
    async def ask_reset(request: Request, integration_id: str, session: writer) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return parts.render("integrations/breaker.html", request, one=one, error="")

    @pages.post("/integrations/{integration_id}/breaker")
    async def reset(request: Request, integration_id: str, session: writer, reason: reason_field = "") -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        if not reason.strip():
            return parts.render("integrations/breaker.html", request, status=422, one=one, error="Reason is required")
        await parts.integrations.reset_breaker(who.tenant_id, one.id)
        told: dict[str, Any] = {"reason": reason.strip()[:_LONGEST_REASON]}
        await parts.accounts.note(who.tenant_id, who.actor_id, "breaker.reset", one.id, told)
        return RedirectResponse(f"/integrations/{one.id}", 303)


def _changed(one: Integration, given: form.Typed, shown: frozenset[str]) -> dict[str, str]:
    """Every field that stood in the form: one that was emptied is cleared, but an empty secret stays as it is."""
    cleared = {name: "" for name in shown if name not in given.settings and name not in one.secret_hints}
    return {**cleared, **given.settings}


def _settings_page(
    parts: Parts, request: Request, one: Integration, given: form.Typed, fault: AforoError | None = None
) -> Response:
    way = way_of(parts, one)
    errors = form.faults(fault) if fault else {}
    return parts.render(
        "integrations/settings.html",
        request,
        status=422 if fault else 200,
        one=one,
        proof=words.way_there(one, parts.integrations.manifest(one)),
        given_name=given.name,
        name_error=errors.get("name", ""),
        summary=form.summary(errors, way),
        inputs=form.inputs(way.fields, given.settings, one.secret_hints, errors),
    )


async def _remove_page(parts: Parts, request: Request, one: Integration, error: str = "") -> Response:
    used = await parts.in_use_by(one.tenant_id, one.id)
    return parts.render(
        "integrations/remove.html", request, status=422 if error else 200, one=one, used=used, error=error
    )
