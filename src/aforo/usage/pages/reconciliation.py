"""`/reconciliation`: does what gateways counted agree with what their artifacts pushed, and if not, why?"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.jobs import PAGE_PATIENCE_SECONDS, Jobs, Report, onward
from aforo.kit.clock import Clock
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender
from aforo.usage.pulled import Pulling, Reconciled, Reconciling
from aforo.usage.rules.reconcile import Row, Why

_MOST_ROWS: Final = 200
_DAYS: Final = (1, 7, 31)


@dataclass(frozen=True, slots=True)
class ReconciliationParts:
    """`sources` are a tenant's integrations, (id, name), whose gateways tell figures of their own."""

    pulling: Pulling
    reconciling: Reconciling
    sources: Callable[[str], Awaitable[Sequence[tuple[str, str]]]]
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender
    clock: Clock


def router(parts: ReconciliationParts) -> APIRouter:
    """`/reconciliation`, and reading the figures anew."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(parts.visitor(Scope.USAGE_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/reconciliation")
    async def show(request: Request, session: reader, integration: str = "", days: int = 7) -> Response:
        tenant_id = session.caller.tenant_id
        sources = await parts.sources(tenant_id)
        chosen = integration or (sources[0][0] if sources else "")
        days = days if days in _DAYS else 7
        told = await _of(parts, tenant_id, chosen, days) if chosen else None
        return parts.render(
            "usage/reconciliation.html",
            request,
            sources=sources,
            chosen=chosen,
            days=days,
            spans=[(str(one), "today" if one == 1 else f"last {one} days") for one in _DAYS],
            told=told,
            answer=_answer(told),
            rows=[_shown(told, row) for row in told.rows[:_MOST_ROWS]] if told else [],
            hidden=max(0, len(told.rows) - _MOST_ROWS) if told else 0,
            missing=told is not None and any(one.why is Why.EVENTS_MISSING for row in told.rows for one in row.reasons),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.post("/reconciliation/pull")
    async def pull(session: writer, integration: Annotated[str, Form()]) -> RedirectResponse:
        tenant_id = session.caller.tenant_id
        where = f"/reconciliation?integration={quote(integration, safe='')}"
        name = await parts.pulling.name(tenant_id, integration)

        async def work(report: Report) -> JsonObject:
            del report
            await parts.pulling.pull(tenant_id, integration)
            return {"href": where}

        title = f"Read usage figures of {name}"
        job = await parts.jobs.follow(tenant_id, "usage-pull", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        return onward(job, where)

    return pages


async def _of(parts: ReconciliationParts, tenant_id: str, integration_id: str, days: int) -> Reconciled:
    today = parts.clock.now().date()
    return await parts.reconciling.of(tenant_id, integration_id, today - timedelta(days=days - 1), today)


def _answer(told: Reconciled | None) -> str:
    if told is None:
        return "No integration whose gateway tells usage figures of its own."
    if told.read_at is None:
        return f"Nothing was read from {told.place.name} yet."
    if told.attached_at is None:
        calls = sum(row.pulled or 0 for row in told.rows)
        return f"No artifact is attached: that {told.place.name} counted {calls:,} calls is all that is known."
    differ = sum(1 for row in told.rows if row.difference)
    if not differ:
        return f"What {told.place.name} counted and what was pushed agree."
    return f"{differ:,} of {len(told.rows):,} figures of {told.place.name} differ from what was pushed."


def _shown(told: Reconciled, row: Row) -> dict[str, Any]:
    return {
        "id": f"{row.day} {' '.join(row.products)}",
        "product": ", ".join(told.named(row)) or "no product",
        "day": row.day.isoformat(),
        "pulled": row.pulled,
        "pushed": row.pushed,
        "difference": row.difference,
        "percent": None if row.percent is None else row.percent / Decimal(100),
        "note": " ".join(reason.words for reason in row.reasons),
    }
