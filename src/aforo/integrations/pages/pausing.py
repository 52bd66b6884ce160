"""The maintenance pause: asked for with its length and reason, ended by one button."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.integrations.model import Integration
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.testing import TestRuns
from aforo.kit.clock import rfc3339

_LONGEST_REASON: Final = 500
_HOURS: Final = [
    ("1", "1 hour"),
    ("2", "2 hours"),
    ("8", "8 hours"),
    ("24", "1 day"),
    ("72", "3 days"),
    ("168", "7 days"),
]


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    del runs
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    reason_field = Annotated[str, Form()]

    @pages.get("/integrations/{integration_id}/pause")
    async def ask_pause(request: Request, integration_id: str, session: writer) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return await _pause_page(parts, request, one)

    @pages.post("/integrations/{integration_id}/pause")
    async def pause(
        request: Request,
        integration_id: str,
        session: writer,
        hours: Annotated[int, Form(ge=1, le=720)],
        reason: reason_field = "",
    ) -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        if not reason.strip():
            return await _pause_page(parts, request, one, "Reason is required")
        until = parts.clock.now() + timedelta(hours=hours)
        await parts.integrations.pause(who.tenant_id, one.id, until, reason.strip()[:_LONGEST_REASON])
        told: dict[str, Any] = {"until": rfc3339(until), "reason": reason.strip()[:_LONGEST_REASON]}
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.pause", one.id, told)
        return RedirectResponse(f"/integrations/{one.id}", 303)

    @pages.post("/integrations/{integration_id}/resume")
    async def resume(integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integrations.resume(who.tenant_id, integration_id)
        await parts.accounts.note(who.tenant_id, who.actor_id, "integration.resume", one.id, {})
        return RedirectResponse(f"/integrations/{one.id}", 303)


async def _pause_page(parts: Parts, request: Request, one: Integration, error: str = "") -> Response:
    there = await parts.schedules.all(one.tenant_id, subject_id=one.id)
    return parts.render(
        "integrations/pause.html",
        request,
        status=422 if error else 200,
        one=one,
        error=error,
        schedules=len(there),
        hours=_HOURS,
    )
