"""`/integrations/{id}/pricing`: what this gateway holds of the plans, what a sync would write, and the sync itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Accounts, Scope, Session, VisitorFor
from aforo.catalog import Status
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integration, Integrations
from aforo.jobs import PAGE_PATIENCE_SECONDS, Job, Jobs, JobState, Report, onward
from aforo.kit.errors import NotFound
from aforo.kit.jsontree import Json, JsonObject
from aforo.kit.pages import PageRender
from aforo.pricing import views
from aforo.pricing.service import Pricing

_GROUPS: Final = (Status.CHANGED, Status.STALE, Status.NEW, Status.UNCHANGED)
_TICKED: Final = {Status.CHANGED.value, Status.NEW.value}
"""What a preview proposes; what is gone goes only when somebody ticks it."""
_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages of this room are given."""

    pricing: Pricing
    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender


def router(parts: Parts) -> APIRouter:
    """The pricing pages of an integration."""
    pages = APIRouter(include_in_schema=False, prefix="/integrations/{integration_id}/pricing")
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("")
    async def show(request: Request, integration_id: str, session: reader, job: str = "") -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        read = await parts.jobs.get(session.caller.tenant_id, job) if job else None
        return await _page(parts, request, session, one, read)

    @pages.post("/preview")
    async def preview(integration_id: str, session: writer) -> RedirectResponse:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return onward(await _compare(parts, session, one), f"/integrations/{one.id}/pricing")

    @pages.post("/sync")
    async def sync(request: Request, integration_id: str, session: writer) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        sent = await request.form()
        read = await parts.jobs.get(session.caller.tenant_id, str(sent.get("read", "")))
        select = tuple(str(key) for key in sent.getlist("select"))
        confirm = tuple(str(key) for key in sent.getlist("confirm"))
        if not select:
            told = {"title": "Nothing is ticked.", "detail": "Tick a plan first.", "code": "nothing_selected"}
            return await _page(parts, request, session, one, read, failed=told, status=422)
        job = await _sync(parts, session, one, read, select, confirm)
        if job.state is JobState.FAILED and job.error:
            known = job.error.get("status")
            status = known if isinstance(known, int) else 500
            return await _page(
                parts, request, session, one, read, failed=job.error, status=status, ticked=frozenset(select)
            )
        return onward(job, f"/integrations/{one.id}/pricing")

    @pages.get("/syncs/{job_id}")
    async def outcome(request: Request, integration_id: str, job_id: str, session: reader) -> Response:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        job = await parts.jobs.get(session.caller.tenant_id, job_id)
        results = _objects((job.result or {}).get("results"))
        return parts.render(
            "pricing/synced.html",
            request,
            one=one,
            job=job,
            rows=[
                {"state": row["outcome"], "title": row["name"], "detail": row["detail"] or _writes(row)}
                for row in results
            ],
            done=sum(1 for row in results if row["outcome"] == "DONE"),
        )

    return pages


async def _compare(parts: Parts, session: Session, one: Integration) -> Job:
    tenant_id = session.caller.tenant_id

    async def work(report: Report) -> JsonObject:
        told = views.to_json(views.preview_view(await parts.pricing.preview(tenant_id, one.id, report)))
        return {"href": f"/integrations/{one.id}/pricing?job={{job}}", "preview": told}

    title = f"Compare plans with {one.name}"
    return await parts.jobs.follow(tenant_id, "pricing.preview", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)


async def _sync(
    parts: Parts, session: Session, one: Integration, read: Job, select: tuple[str, ...], confirm: tuple[str, ...]
) -> Job:
    who, plan_id = session.caller, str(_preview(read).get("planId", ""))

    async def work(report: Report) -> JsonObject:
        result = await parts.pricing.sync(who.tenant_id, one.id, plan_id, select, confirm, who.actor_id, report)
        detail: dict[str, Json] = {row.key: row.outcome.value for row in result.results}
        await parts.accounts.note(who.tenant_id, who.actor_id, "pricing.sync", one.id, detail)
        shown = views.to_json(views.sync_view(result))
        return {"href": f"/integrations/{one.id}/pricing/syncs/{{job}}", **shown}

    title = f"Sync {len(select)} plan{'' if len(select) == 1 else 's'} to {one.name}"
    return await parts.jobs.follow(who.tenant_id, "pricing.sync", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)


async def _page(
    parts: Parts,
    request: Request,
    session: Session,
    one: Integration,
    read: Job | None,
    *,
    failed: JsonObject | None = None,
    status: int = 200,
    ticked: frozenset[str] | None = None,
) -> Response:
    preview = _preview(read) if read else None
    changes = _objects(preview["changes"]) if preview else []
    synced = await parts.pricing.synced(session.caller.tenant_id, one.id)
    picked = ticked if ticked is not None else {str(row["key"]) for row in changes if row["status"] in _TICKED}
    return parts.render(
        "pricing/pricing.html",
        request,
        status=status,
        one=one,
        synced=sorted(synced.values(), key=lambda kept: kept.key),
        preview=preview,
        read=read,
        groups=_groups(changes, picked),
        dangers=[(row["key"], row["name"], danger) for row in changes for danger in row["dangers"]],
        left_out=[(row["name"], words) for row in changes for words in row["leftOut"]],
        removes=[(row["name"], path) for row in changes for path in row["removes"]],
        impact=_impact(row for row in changes if row["key"] in picked),
        selected=len(picked),
        pickable=len(changes),
        may_write=session.caller.may(Scope.CONTROL_WRITE),
        failed=failed,
        has_guard=gateways()[one.gateway].has("guard"),
    )


def _preview(read: Job) -> dict[str, Any]:
    found = (read.result or {}).get("preview")
    if not isinstance(found, dict):
        raise NotFound("This comparison is not kept any more.", next_step="Compare the plans with the gateway again.")
    return dict(found)


def _groups(changes: list[dict[str, Any]], picked: Iterable[str]) -> list[dict[str, Any]]:
    chosen = frozenset(picked)
    found = []
    for status in _GROUPS:
        rows = [_row(row, chosen) for row in changes if row["status"] == status.value]
        if rows:
            is_open = status is not Status.UNCHANGED
            found.append({"status": status.value, "count": len(rows), "open": is_open, "rows": rows})
    return found


def _row(row: dict[str, Any], picked: frozenset[str]) -> dict[str, Any]:
    fields = [_line(field) for field in row["fields"][:_LINES]]
    hidden = len(row["fields"]) - len(fields)
    impact = row["impact"]
    return {
        "ref": row["key"],
        "name": f"{row['subject'].lower()} {row['name']}",
        "version": ", ".join(f"v{version}" for version in row["versions"]) or None,
        "reason": row["reason"] + (f", {hidden} more fields" if hidden else ""),
        "changes": fields,
        "subscriptions": impact["subscriptions"],
        "credentials": impact["credentials"],
        "revenue": impact["monthlyRevenue"],
        "picked": row["key"] in picked,
        "open": row["status"] == Status.CHANGED.value,
    }


def _line(field: dict[str, Any]) -> dict[str, Any]:
    kind, _, pointer = field["path"].lstrip("/").partition("/")
    return {
        "path": f"{kind} {pointer.replace('/', '.')}" if pointer else kind,
        "record": _side(field["before"]),
        "gateway": _side(field["after"]),
        "secret": field["secret"],
        "effect": "",
    }


def _side(value: Any) -> str | None:
    """One line of a value; None where there is nothing."""
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 160 else f"{text[:160]}…"


def _impact(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Summed; a plan's subscribers are nobody else's, so nothing is counted twice."""
    known = [row["impact"] for row in rows if row["impact"]["subscriptions"] is not None]
    money = [Decimal(one["monthlyRevenue"]) for one in known if one["monthlyRevenue"]]
    return {
        "subscriptions": sum(one["subscriptions"] for one in known),
        "credentials": sum(one["credentials"] or 0 for one in known),
        "revenue": str(sum(money)) if money else None,
        "currency": next((one["currency"] for one in known if one["currency"]), "") or "",
    }


def _writes(row: dict[str, Any]) -> str:
    done = [step for step in _objects(row["steps"]) if step["outcome"] == "DONE"]
    return f"{len(done)} write{'' if len(done) == 1 else 's'}, read back" if done else "stood already"


def _objects(value: Json) -> list[dict[str, Any]]:
    return [dict(one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []
