"""`/products/{id}`: one product, whether it still matches, and its versions. The record is shown; no call is made."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.alerts import Kind
from aforo.catalog.model import Impact, ProductRow
from aforo.catalog.pages import fields
from aforo.catalog.pages.parts import Parts
from aforo.jobs import PAGE_PATIENCE_SECONDS, JobState, Report, onward
from aforo.kit.errors import AforoError, NotFound
from aforo.kit.jsontree import Json, JsonObject

_LINES: Final = 50
_VERSIONS: Final = 100


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/products/{product_id}")
    async def show(request: Request, product_id: str, session: reader, failed: str = "") -> Response:
        tenant_id = session.caller.tenant_id
        row = await parts.catalog.product(tenant_id, product_id)
        episode = await parts.watch.episode(tenant_id, row)
        versions = await parts.catalog.versions(tenant_id, product_id)
        past = [one for one in await parts.watch.episodes(tenant_id, product_id) if one.closed_at]
        return parts.render(
            "catalog/product.html",
            request,
            **await heading(parts, session, row),
            episode=episode,
            told=await parts.told(tenant_id, row.id, Kind.DRIFT) if episode else None,
            lines=[fields.shown(change) for change in episode.changes[:_LINES]] if episode else [],
            counted=sum(1 for change in episode.changes if change.counts) if episode else 0,
            hidden=max(0, len(episode.changes) - _LINES) if episode else 0,
            versions=versions[:5],
            past=past[:5],
            failure=await _failure(parts, tenant_id, failed),
            exportable=await _is_exportable(parts, tenant_id, row),
        )

    @pages.get("/products/{product_id}/versions")
    async def versions(request: Request, product_id: str, session: reader) -> Response:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        every = await parts.catalog.versions(session.caller.tenant_id, product_id)
        told = await heading(parts, session, row)
        return parts.render("catalog/versions.html", request, **told, versions=every[:_VERSIONS], total=len(every))

    @pages.post("/products/{product_id}/check")
    async def check(product_id: str, session: writer) -> RedirectResponse:
        row = await parts.catalog.product(session.caller.tenant_id, product_id)
        return await _look(parts, session, row)

    @pages.post("/products/{product_id}/ignore")
    async def ignore(
        product_id: str,
        session: writer,
        path: Annotated[str, Form()],
        ignored: Annotated[str, Form()] = "yes",
    ) -> RedirectResponse:
        who = session.caller
        row = await parts.catalog.product(who.tenant_id, product_id)

        async def work(report: Report) -> JsonObject:
            del report
            await parts.watch.ignore(who.tenant_id, product_id, path, ignored=ignored == "yes")
            told: dict[str, Json] = {"path": path, "ignored": ignored == "yes"}
            await parts.accounts.note(who.tenant_id, who.actor_id, "product.ignore", product_id, told)
            return {"href": f"/products/{product_id}"}

        return await _done(parts, session, row, "ignore", f"Compare {row.name} again", work)

    @pages.get("/products/{product_id}/export")
    async def export(product_id: str, session: reader) -> Response:
        document = await parts.catalog.export(session.caller.tenant_id, product_id)
        if document is None:
            raise NotFound(
                "This gateway has no file that its own tools apply.", next_step="Restore to Gateway writes directly."
            )
        named = {"content-disposition": f'attachment; filename="{document.filename}"', "cache-control": "no-store"}
        return Response(document.text, media_type=document.media_type, headers=named)


async def heading(parts: Parts, session: Session, row: ProductRow) -> dict[str, Any]:
    """What every page of a product shows of it."""
    one = await parts.integrations.get(session.caller.tenant_id, row.integration_id)
    touched = await parts.catalog.impact(session.caller.tenant_id, [row.id])
    return {
        "row": row,
        "impact": touched.get(row.id, Impact()),
        "named": row.name if not row.version or row.name.endswith(row.version) else f"{row.name} {row.version}",
        "one": one,
        "may_write": session.caller.may(Scope.CONTROL_WRITE),
    }


async def _look(parts: Parts, session: Session, row: ProductRow) -> RedirectResponse:
    async def work(report: Report) -> JsonObject:
        del report
        await parts.watch.look(session.caller.tenant_id, row.id)
        return {"href": f"/products/{row.id}"}

    return await _done(parts, session, row, "drift", f"Read {row.name} at its gateway", work)


async def _done(parts: Parts, session: Session, row: ProductRow, kind: str, title: str, work: Any) -> RedirectResponse:
    """Back to the product, which tells a failure beside the last good data; or to the job while it runs."""
    job = await parts.jobs.follow(session.caller.tenant_id, kind, title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
    here = f"/products/{row.id}"
    if job.state is JobState.FAILED:
        return RedirectResponse(f"{here}?failed={job.id}", 303)
    return onward(job, here)


async def _failure(parts: Parts, tenant_id: str, job_id: str) -> JsonObject | None:
    """Why the last look failed; nothing for a job that is not known, or did not fail."""
    if not job_id:
        return None
    try:
        return (await parts.jobs.get(tenant_id, job_id)).error
    except NotFound:
        return None


async def _is_exportable(parts: Parts, tenant_id: str, row: ProductRow) -> bool:
    try:
        return await parts.catalog.export(tenant_id, row.id) is not None
    except AforoError:
        return False
