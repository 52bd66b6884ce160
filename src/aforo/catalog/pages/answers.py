"""The answers to drift: restore and accept. Each is asked first, over a fresh read; a race is refused."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.catalog import views
from aforo.catalog.drift import RestoreResult
from aforo.catalog.model import ProductRow
from aforo.catalog.pages import fields
from aforo.catalog.pages.parts import Parts
from aforo.catalog.pages.product import heading
from aforo.gateway_sdk.contract import Step
from aforo.gateway_sdk.errors import GatewayError
from aforo.jobs import PAGE_PATIENCE_SECONDS, Job, JobState, Report, onward
from aforo.kit.errors import AforoError, Conflict
from aforo.kit.jsontree import Absent, Json, JsonObject, at

_LONGEST_REASON = 500
_GONE = "gone"
_WRITES: Final = 20


Version = Annotated[int | None, Query(ge=1, le=views.HIGHEST_VERSION)]


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/products/{product_id}/restore")
    async def ask_restore(request: Request, product_id: str, session: writer, version: Version = None) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        return await _ask_restore(parts, request, session, row, version)

    @pages.post("/products/{product_id}/restore")
    async def restore(request: Request, product_id: str, session: writer, version: Version = None) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        sent = await request.form()
        remove = frozenset(str(path) for path in sent.getlist("remove"))
        observed, reason = str(sent.get("observed", "")), str(sent.get("reason", ""))[:_LONGEST_REASON]
        job = await _restore(parts, session, row, version, remove, observed, reason)
        if _is_stale(job):
            return await _ask_restore(parts, request, session, row, version, moved=True)
        if job.state is JobState.FAILED:
            return RedirectResponse(f"/products/{row.id}/restores/{job.id}", 303)
        return onward(job, f"/products/{row.id}")

    @pages.get("/products/{product_id}/restores/{job_id}")
    async def outcome(request: Request, product_id: str, job_id: str, session: reader) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        job = await parts.jobs.get(session.caller.tenant_id, job_id)
        told = await heading(parts, session, row)
        steps = _steps(job)
        done = sum(1 for step in steps if step["state"] == "DONE")
        return parts.render("catalog/restored.html", request, **told, job=job, steps=steps, done=done)

    @pages.get("/products/{product_id}/accept")
    async def ask_accept(request: Request, product_id: str, session: writer) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        return await _ask_accept(parts, request, session, row)

    @pages.post("/products/{product_id}/accept")
    async def accept(request: Request, product_id: str, session: writer) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        sent = await request.form()
        job = await _accept(parts, session, row, str(sent.get("observed", "")), str(sent.get("reason", "")))
        if _is_stale(job):
            return await _ask_accept(parts, request, session, row, moved=True)
        if job.state is JobState.FAILED:
            return RedirectResponse(f"/products/{row.id}?failed={job.id}", 303)
        return onward(job, f"/products/{row.id}")


async def _ask_restore(
    parts: Parts, request: Request, session: Session, row: ProductRow, version: int | None, *, moved: bool = False
) -> Response:
    told = await heading(parts, session, row)
    plan: RestoreResult | None = None
    lack: AforoError | None = None
    try:
        plan = await parts.watch.restore(
            session.caller.tenant_id, row.id, session.caller.actor_id, dry_run=True, version=version
        )
    except (GatewayError, Conflict) as fault:
        lack = fault
    return parts.render(
        "catalog/restore.html",
        request,
        status=409 if moved else 200,
        **told,
        version=version,
        plan=plan.plan if plan else None,
        observed=(plan.observed or _GONE) if plan else "",
        steps=[_planned(step) for step in plan.plan.steps[:100]] if plan else [],
        left_alone=[fields.shown(change) for change in plan.plan.left_alone] if plan else [],
        lack=lack,
        moved=moved,
    )


def _planned(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "title": f"{step.kind} {step.key}",
        "lines": [_write(step, pointer, value) for pointer, value in list(step.changed.items())[:_WRITES]],
        "hidden": max(0, len(step.changed) - _WRITES),
    }


def _write(step: Step, pointer: str, value: Json | Absent) -> dict[str, Any]:
    """One field that a step sets, for `field_line`. The steps hold real secrets: none may reach a page."""
    ours, theirs = step.target, step.live
    secret = any(entity is not None and pointer in entity.secrets for entity in (ours, theirs))
    return {
        "path": fields.dotted(pointer),
        "record": None if secret else fields.side(value),
        "gateway": None if secret or theirs is None else fields.side(at(theirs.fields, pointer)),
        "secret": secret,
    }


async def _restore(
    parts: Parts,
    session: Session,
    row: ProductRow,
    version: int | None,
    remove: frozenset[str],
    observed: str,
    reason: str,
) -> Job:
    who = session.caller

    async def work(report: Report) -> JsonObject:
        done = await parts.watch.restore(
            who.tenant_id,
            row.id,
            who.actor_id,
            version=version,
            remove=remove,
            observed=observed or None,
            progress=report,
        )
        told: dict[str, Json] = {"steps": len(done.steps), "reason": reason}
        await parts.accounts.note(who.tenant_id, who.actor_id, "product.restore", row.id, told)
        steps = [views.to_json(views.step_view(step)) for step in done.steps]
        return {"href": f"/products/{row.id}/restores/{{job}}", "steps": steps}

    title = f"Restore {row.name} to its gateway"
    return await parts.jobs.follow(who.tenant_id, "restore", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)


async def _ask_accept(
    parts: Parts, request: Request, session: Session, row: ProductRow, *, moved: bool = False
) -> Response:
    told = await heading(parts, session, row)
    view, lack = None, None
    try:
        view = await parts.watch.look(session.caller.tenant_id, row.id)
    except (GatewayError, Conflict) as fault:
        lack = fault
    changes = view.difference.changes if view else ()
    return parts.render(
        "catalog/accept.html",
        request,
        status=409 if moved else 200,
        **told,
        gone=view is not None and view.live is None,
        lines=[fields.shown(change) for change in changes[:50]],
        count=len(changes),
        observed=view.observed if view and view.observed else "",
        lack=lack,
        moved=moved,
    )


async def _accept(parts: Parts, session: Session, row: ProductRow, observed: str, reason: str) -> Job:
    who = session.caller

    async def work(report: Report) -> JsonObject:
        del report
        after = await parts.watch.accept(who.tenant_id, row.id, who.actor_id, observed or None)
        told: dict[str, Json] = {"version": after.record_version, "reason": reason[:_LONGEST_REASON]}
        await parts.accounts.note(who.tenant_id, who.actor_id, "product.accept", row.id, told)
        return {"href": f"/products/{row.id}"}

    title = f"Accept the gateway's version of {row.name}"
    return await parts.jobs.follow(who.tenant_id, "accept", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)


def _is_stale(job: Job) -> bool:
    return job.error is not None and job.error.get("code") == "plan_stale"


def _steps(job: Job) -> list[dict[str, str]]:
    """Done, failed with its reason, or not tried; told by the result, or by the failure."""
    kept = (job.result or job.error or {}).get("steps", [])
    if not isinstance(kept, list):
        return []
    return [
        {"state": str(step["outcome"]), "title": str(step["title"]), "detail": str(step["detail"])}
        for step in kept
        if isinstance(step, dict)
    ]
