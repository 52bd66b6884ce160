"""`/integrations/{id}/setup`: what to do at the gateway first, and the answer that comes back from there."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.gateway_sdk.manifest import SignIn
from aforo.integrations.model import Integration
from aforo.integrations.pages import form
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.testing import TestRuns, tested
from aforo.kit.errors import AforoError, Conflict, Invalid, NotFound

Variant = Literal["read_only", "full"]


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/integrations/{integration_id}/setup")
    async def show(request: Request, integration_id: str, session: writer, variant: Variant = "full") -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        if way_of(parts, one).provider:
            return _consent_page(parts, request, one)
        return await _page(parts, request, one, variant)

    @pages.get("/integrations/{integration_id}/setup/file")
    async def file(integration_id: str, session: writer, variant: Variant = "full") -> Response:
        kit = await parts.integrations.setup(session.caller.tenant_id, integration_id, variant)
        named = {"content-disposition": f'attachment; filename="{kit.document.filename}"', "cache-control": "no-store"}
        return Response(kit.document.text, media_type=kit.document.media_type, headers=named)

    @pages.post("/integrations/{integration_id}/setup")
    async def complete(request: Request, integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        given = form.typed(await request.form())
        try:
            _check_given(way_of(parts, one), given)
            after = await parts.integrations.change(who.tenant_id, one.id, values=given.settings)
        except (Invalid, Conflict) as fault:
            return await _page(parts, request, one, "full", given, fault)
        fields: dict[str, Any] = {"fields": sorted(given.settings)}
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.change", one.id, fields)
        return await tested(runs, session, after)


async def _page(
    parts: Parts,
    request: Request,
    one: Integration,
    variant: Variant,
    given: form.Typed | None = None,
    fault: AforoError | None = None,
) -> Response:
    way = way_of(parts, one)
    errors = form.faults(fault) if fault else {}
    settings = {**one.settings, **(given.settings if given else {})}
    kit, lack = None, None
    try:
        kit = await parts.integrations.setup(one.tenant_id, one.id, variant)
    except (Conflict, NotFound) as missing:
        lack = missing
    return parts.render(
        "integrations/setup.html",
        request,
        status=422 if fault else 200,
        one=one,
        way=way,
        kit=kit,
        lack=lack,
        variant=variant,
        inputs=form.inputs([field for field in way.fields if field.later], settings, one.secret_hints, errors),
        summary=form.summary(errors, way),
    )


def _consent_page(parts: Parts, request: Request, one: Integration) -> Response:
    way, clients = way_of(parts, one), parts.integrations.consents.clients
    return parts.render(
        "integrations/consent.html",
        request,
        one=one,
        way=way,
        lack=clients.lack(way),
        redirect_uri=clients.redirect_uri,
        given=not form.needs_setup(way, one),
    )


def _check_given(way: SignIn, given: form.Typed) -> None:
    lacking = [field for field in way.fields if field.later and field.required and not given.settings.get(field.name)]
    if lacking:
        faults = tuple((f"/settings/{field.name}", f"{field.label} is required") for field in lacking)
        raise Invalid("The connection is not complete.", faults, next_step="Paste it from the gateway.")


def way_of(parts: Parts, one: Integration) -> SignIn:
    way = parts.integrations.manifest(one).sign_in(one.sign_in)
    if way is None:
        raise NotFound(f"{one.name} signs in by {one.sign_in}, which this version of Aforo does not know.")
    return way
