"""To the provider's page and back: a link, since a form must not lead away from here, and the page it comes back to."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.gateway_sdk.errors import GatewayError
from aforo.integrations.model import Integration
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.testing import TestRuns, tested
from aforo.kit.errors import AforoError, Forbidden, NotFound, Unauthenticated

_HEADERS: Final = {"referrer-policy": "no-referrer", "cache-control": "no-store"}
"""The address of the page that a provider comes back to holds the code, which nobody else is to see."""

_STATUS: Final = ((Unauthenticated, 401), (Forbidden, 403), (NotFound, 404), (GatewayError, 502))


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    visitor = parts.visitor(Scope.CONTROL_WRITE)

    async def begun(request: Request) -> Session | Response:
        """These two are pages, though their paths look like a machine's."""
        try:
            return await visitor(request)
        except AforoError as fault:
            return _failed(parts, request, fault, None)

    someone = Annotated[Session | Response, Depends(begun)]

    @pages.get("/api/v1/integrations/{integration_id}/oauth/start")
    async def start(request: Request, integration_id: str, session: someone) -> Response:
        if isinstance(session, Response):
            return session
        who, one = session.caller, None
        try:
            one = await parts.integrations.get(who.tenant_id, integration_id)
            where = await parts.integrations.start_consent(who.tenant_id, integration_id, who.actor_id)
        except AforoError as fault:
            return _failed(parts, request, fault, one)
        return RedirectResponse(where, 303, _HEADERS)

    @pages.get("/api/v1/oauth/callback")
    async def callback(request: Request, session: someone) -> Response:
        if isinstance(session, Response):
            return session
        who, one = session.caller, None
        query = dict(request.query_params)
        try:
            one, under_way = await parts.integrations.take_consent(who.tenant_id, who.actor_id, query.get("state", ""))
            after = await parts.integrations.finish_consent(one, under_way, query, session.person.name)
        except AforoError as fault:
            return _failed(parts, request, fault, one)
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.consent", one.id, {"name": one.name})
        answer = await tested(runs, session, after)
        answer.headers.update(_HEADERS)
        return answer


def _failed(parts: Parts, request: Request, fault: AforoError, one: Integration | None) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(fault, kind)), 409)
    page = parts.render("integrations/consent_failed.html", request, status=status, one=one, fault=fault)
    page.headers.update(_HEADERS)
    return page
