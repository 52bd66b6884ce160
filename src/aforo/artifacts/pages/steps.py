"""What deploying and attaching would do, before the buttons that do it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.artifacts.pages.parts import Parts, here
from aforo.artifacts.views import preview_view, to_json
from aforo.gateway_sdk.artifact import Phase
from aforo.jobs import Report
from aforo.kit.jsontree import JsonObject


def add(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.post("/integrations/{integration_id}/enforcement/preview")
    async def preview(integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integration(session, integration_id)

        async def work(report: Report) -> JsonObject:
            del report
            told = await parts.room.artifacts.preview(who.tenant_id, one.id)
            return {"href": f"{here(one)}/steps?job={{job}}", "preview": to_json(preview_view(told))}

        return await parts.run(who, one, "preview", work)

    @pages.get("/integrations/{integration_id}/enforcement/steps")
    async def steps(request: Request, integration_id: str, session: writer, job: str = "") -> Response:
        one = await parts.integration(session, integration_id)
        found = await parts.jobs.get(session.caller.tenant_id, job) if job else None
        told = (found.result or {}).get("preview") if found else None
        if found is None or not isinstance(told, dict) or told.get("integrationId") != one.id:
            return RedirectResponse(here(one), 303)
        standing = await parts.room.switching.status(session.caller.tenant_id, one.id, ask=False)
        phase = standing.installed.phase if standing.installed else Phase.ABSENT
        return parts.render(
            "artifacts/steps.html", request, one=one, told=told, at=found.ended_at, phase=phase.value, here=here(one)
        )

    @pages.post("/integrations/{integration_id}/enforcement/deploy")
    async def deploy(integration_id: str, session: writer, attach: Annotated[str, Form()] = "") -> Response:
        who = session.caller
        one = await parts.integration(session, integration_id)

        async def work(report: Report) -> JsonObject:
            await parts.room.artifacts.deploy(who.tenant_id, one.id, who.actor_id, report)
            await parts.note(who, "deploy", one.id, {})
            if attach:
                await parts.room.artifacts.attach(who.tenant_id, one.id, who.actor_id, report)
                await parts.note(who, "attach", one.id, {})
            return {"href": here(one)}

        return await parts.run(who, one, "deploy", work)

    @pages.post("/integrations/{integration_id}/enforcement/attach")
    async def attach_(integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integration(session, integration_id)

        async def work(report: Report) -> JsonObject:
            await parts.room.artifacts.attach(who.tenant_id, one.id, who.actor_id, report)
            await parts.note(who, "attach", one.id, {})
            return {"href": here(one)}

        return await parts.run(who, one, "attach", work)
