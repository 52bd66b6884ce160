"""`/integrations/new`: connect a gateway in steps, each a page. Saving starts the test without a further click."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.gateway_sdk.manifest import Manifest, SignIn
from aforo.integrations.errors import UnknownGateway
from aforo.integrations.model import Integration
from aforo.integrations.pages import form, setup
from aforo.integrations.pages.drafts import Drafts
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.testing import TestRuns, tested
from aforo.kit.errors import AforoError, Conflict, Invalid


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    drafts = Drafts()

    @pages.get("/integrations/new")
    async def step(
        request: Request, session: writer, gateway: str = "", sign_in: str = "", draft: str = ""
    ) -> Response:
        if not gateway:
            return parts.render("integrations/new_gateway.html", request, manifests=parts.integrations.manifests())
        manifest = _manifest(parts, gateway)
        way = manifest.sign_in(sign_in)
        if way is None:
            return _way_page(parts, request, manifest, draft)
        kept = dict(drafts.of(session.person.id, draft))
        name = kept.pop("name", "") or await _free_name(parts, session.caller.tenant_id, gateway)
        return _form_page(parts, request, manifest, way, form.Typed(name, kept))

    @pages.post("/integrations/new/back")
    async def back(request: Request, session: writer) -> RedirectResponse:
        sent = await request.form()
        gateway, sign_in = str(sent.get("gateway", "")), str(sent.get("sign_in", ""))
        way = _manifest(parts, gateway).sign_in(sign_in)
        given = form.typed(sent)
        kept = form.without_secrets(way, given.settings) if way else {}
        draft = drafts.keep(session.person.id, {**kept, "name": given.name})
        return RedirectResponse(f"/integrations/new?{urlencode({'gateway': gateway, 'draft': draft})}", 303)

    @pages.post("/integrations/new")
    async def save(request: Request, session: writer) -> Response:
        sent = await request.form()
        manifest = _manifest(parts, str(sent.get("gateway", "")))
        way = manifest.sign_in(str(sent.get("sign_in", "")))
        if way is None:
            return RedirectResponse(f"/integrations/new?{urlencode({'gateway': manifest.key})}", 303)
        given = form.typed(sent)
        try:
            one = await _create(parts, session, manifest, way, given)
        except (Invalid, Conflict) as fault:
            return _form_page(parts, request, manifest, way, given, fault)
        if form.needs_setup(way, one):
            return RedirectResponse(f"/integrations/{one.id}/setup", 303)
        return await tested(runs, session, one)

    setup.add(pages, parts, runs)


def _way_page(parts: Parts, request: Request, manifest: Manifest, draft: str) -> Response:
    """The ways, one of them chosen already: the first recommended one that can be used now."""
    groups = form.groups(manifest)
    lacks = {way.key: parts.integrations.consents.clients.lack(way) for way in manifest.sign_ins if way.provider}
    usable = [way for group in groups for way in group["ways"] if not lacks.get(way.key)]
    first = next((way for way in usable if way.recommended), usable[0])
    return parts.render(
        "integrations/new_way.html", request, manifest=manifest, groups=groups, draft=draft, lacks=lacks, first=first
    )


async def _create(parts: Parts, session: Session, manifest: Manifest, way: SignIn, given: form.Typed) -> Integration:
    form.check_name(given.name)
    who = session.caller
    one = await parts.integrations.create(who.tenant_id, given.name, manifest.key, way.key, given.settings)
    detail = {"name": one.name, "gateway": one.gateway}
    await parts.accounts.note(who.tenant_id, who.actor_id, "integration.create", one.id, detail)
    return one


def _form_page(
    parts: Parts,
    request: Request,
    manifest: Manifest,
    way: SignIn,
    given: form.Typed,
    fault: AforoError | None = None,
) -> Response:
    errors = form.faults(fault) if fault else {}
    values: dict[str, Any] = {
        "manifest": manifest,
        "way": way,
        "given_name": given.name,
        "name_error": errors.get("name", ""),
        "summary": form.summary(errors, way),
        "inputs": form.inputs([f for f in way.fields if not f.later], given.settings, None, errors),
        "lack": parts.integrations.consents.clients.lack(way) if way.provider else None,
        "redirect_uri": parts.integrations.consents.clients.redirect_uri,
        "secrets_lost": bool(fault) and any(field.secret for field in way.fields),
    }
    return parts.render("integrations/new_form.html", request, status=422 if fault else 200, **values)


def _manifest(parts: Parts, gateway: str) -> Manifest:
    found = next((manifest for manifest in parts.integrations.manifests() if manifest.key == gateway), None)
    if found is None:
        raise UnknownGateway(f"There is no gateway {gateway!r}.", next_step="Choose one at New Integration.")
    return found


async def _free_name(parts: Parts, tenant_id: str, gateway: str) -> str:
    taken = {one.name for one in await parts.integrations.all(tenant_id)}
    names = (gateway, *(f"{gateway}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
