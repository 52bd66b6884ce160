"""Verify, enforce, observe, pause, resume and detach. What touches callers is asked first, with whom it touches."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from aforo.accounts import Caller, Scope, Session
from aforo.artifacts.pages.parts import LONGEST_REASON, Parts, here
from aforo.integrations import Integration
from aforo.jobs import Report
from aforo.kit.jsontree import JsonObject

Asked = Literal["enforce", "pause", "detach"]
Verb = Literal["enforce", "pause", "detach", "observe", "resume"]


def add(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.post("/integrations/{integration_id}/enforcement/verify")
    async def verify(integration_id: str, session: writer, url: Annotated[str, Form()] = "") -> Response:
        who = session.caller
        one = await parts.integration(session, integration_id)

        async def work(report: Report) -> JsonObject:
            told = await parts.room.verifying.verify(who.tenant_id, one.id, who.actor_id, report, url.strip() or None)
            await parts.note(who, "verify", one.id, {"passed": told.passed, "called": told.url is not None})
            return {"href": f"{here(one)}#proof"}

        return await parts.run(who, one, "verify", work)

    @pages.get("/integrations/{integration_id}/enforcement/ask/{verb}")
    async def ask(request: Request, integration_id: str, verb: Asked, session: writer) -> Response:
        return await _question(parts, request, session, await parts.integration(session, integration_id), verb)

    @pages.post("/integrations/{integration_id}/enforcement/do/{verb}")
    async def act(
        request: Request, integration_id: str, verb: Verb, session: writer, reason: Annotated[str, Form()] = ""
    ) -> Response:
        who = session.caller
        one = await parts.integration(session, integration_id)
        why = reason.strip()[:LONGEST_REASON]
        if verb in ("enforce", "pause", "detach") and not why:
            return await _question(parts, request, session, one, verb, "Reason is required")
        does = _verbs(parts, who, one, why)[verb]

        async def work(report: Report) -> JsonObject:
            await does(report)
            await parts.note(who, verb, one.id, {"reason": why} if why else {})
            return {"href": here(one)}

        return await parts.run(who, one, verb, work)


def _verbs(parts: Parts, who: Caller, one: Integration, why: str) -> dict[Verb, Callable[[Report], Awaitable[object]]]:
    place = (who.tenant_id, one.id, who.actor_id)
    room = parts.room
    return {
        "enforce": lambda _: room.switching.enforce(*place),
        "observe": lambda _: room.switching.observe(*place),
        "pause": lambda _: room.switching.pause(*place, why),
        "resume": lambda _: room.switching.resume(*place),
        "detach": lambda report: room.artifacts.detach(*place, report),
    }


async def _question(
    parts: Parts, request: Request, session: Session, one: Integration, verb: str, error: str = ""
) -> Response:
    standing = await parts.room.switching.status(session.caller.tenant_id, one.id, ask=False)
    return parts.render(
        "artifacts/question.html",
        request,
        status=422 if error else 200,
        one=one,
        verb=verb,
        standing=standing,
        refusals=standing.refusals,
        here=here(one),
        error=error,
    )
