"""`/credentials/orphans`: what carries Aforo's mark at a gateway, and no record explains."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.credentials.model import Orphan
from aforo.credentials.pages.parts import Parts
from aforo.jobs import PAGE_PATIENCE_SECONDS, Report, onward
from aforo.kit.errors import AforoError, NotFound
from aforo.kit.jsontree import JsonObject

_HERE = "/credentials/orphans"


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get(_HERE)
    async def list_(request: Request, session: reader, scan: str = "") -> Response:
        tenant_id = session.caller.tenant_id
        job = await parts.jobs.get(tenant_id, scan) if scan else None
        return parts.render(
            "credentials/orphans.html",
            request,
            rows=await parts.room.orphans.all(tenant_id),
            scanned_at=job.ended_at if job else None,
            incomplete=(job.result or {}).get("incomplete") or {} if job else {},
            gateways=await parts.gateways(tenant_id),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.post(f"{_HERE}/scan")
    async def scan_(session: writer) -> Response:
        tenant_id = session.caller.tenant_id
        places = list(await parts.gateways(tenant_id))

        async def work(report: Report) -> JsonObject:
            found = await parts.room.orphans.scan(tenant_id, places, report)
            return {"href": f"{_HERE}?scan={{job}}", "incomplete": dict(found.incomplete)}

        title = "Look for orphans"
        job = await parts.jobs.follow(tenant_id, "orphans", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        return onward(job, _HERE)

    @pages.get(f"{_HERE}/{{orphan_id}}/remove")
    async def ask(request: Request, orphan_id: str, session: writer) -> Response:
        return await _question(parts, request, session, await _one(parts, session, orphan_id))

    @pages.post(f"{_HERE}/{{orphan_id}}/remove")
    async def remove(
        request: Request, orphan_id: str, session: writer, reason: Annotated[str, Form()] = ""
    ) -> Response:
        who = session.caller
        one = await _one(parts, session, orphan_id)
        if not reason.strip():
            return await _question(parts, request, session, one, "Reason is required")
        try:
            await parts.room.orphans.remove(who.tenant_id, one.id)
        except AforoError as fault:
            return await _question(parts, request, session, one, f"{fault.detail} {fault.next_step or ''}".strip())
        await parts.note(who, "orphan.remove", one.id, {"name": one.name, "reason": reason.strip()[:500]})
        return RedirectResponse(_HERE, 303)


async def _one(parts: Parts, session: Session, orphan_id: str) -> Orphan:
    found = [one for one in await parts.room.orphans.all(session.caller.tenant_id) if one.id == orphan_id]
    if not found:
        raise NotFound(f"There is no orphan {orphan_id}.", next_step="Scan again: it may be gone already.")
    return found[0]


async def _question(parts: Parts, request: Request, session: Session, one: Orphan, error: str = "") -> Response:
    return parts.render(
        "credentials/orphan_remove.html",
        request,
        status=422 if error else 200,
        one=one,
        gateway=(await parts.gateways(session.caller.tenant_id)).get(one.integration_id),
        error=error,
    )
