"""`/decisions`: what was refused, or would have been, and why; each one explained from its own id."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Accounts, Scope, Session, VisitorFor
from aforo.enforcement.desk import EnforcementDesk, Seen
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.views import decision_view
from aforo.kit.pages import PageRender

_ROWS: Final = 100


class Names(NamedTuple):
    """What customers and products are called, by id."""

    customers: Mapping[str, str]
    products: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages of this room are given."""

    desk: EnforcementDesk
    accounts: Accounts
    names: Callable[[str], Awaitable[Names]]
    visitor: VisitorFor
    render: PageRender


def router(parts: Parts) -> APIRouter:
    """`/decisions`, `/decisions/{id}`, and the red button."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/decisions")
    async def list_(
        request: Request,
        session: reader,
        show: str = "denied",
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> Response:
        tenant_id, denied = session.caller.tenant_id, show != "allowed"
        found = await parts.desk.decisions(tenant_id, test=False, denied=denied, before=cursor, limit=_ROWS + 1)
        names = await parts.names(tenant_id)
        rows = found[:_ROWS]
        return parts.render(
            "enforcement/decisions.html",
            request,
            rows=[_row(one, names) for one in rows],
            reasons=Counter(one.reason for one in rows).most_common(),
            refused=sum(1 for one in rows if one.enforced and one.reason != Reason.OK),
            show="denied" if denied else "allowed",
            is_first=cursor is None,
            older=f"/decisions?show={show}&cursor={rows[-1].number}" if len(found) > _ROWS else "",
            paused_since=_moment_of(await parts.desk.paused_since(tenant_id)),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/decisions/{decision_id}")
    async def explain(request: Request, decision_id: str, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        told = decision_view(decision_id, *await parts.desk.decision(tenant_id, decision_id))
        return parts.render("enforcement/decision.html", request, told=told, names=await parts.names(tenant_id))

    @pages.get("/enforcement/pause")
    async def ask(request: Request, session: writer) -> Response:
        paused_since = _moment_of(await parts.desk.paused_since(session.caller.tenant_id))
        return parts.render("enforcement/pause.html", request, paused_since=paused_since, error="")

    @pages.post("/enforcement/pause")
    async def pause(request: Request, session: writer) -> Response:
        who = session.caller
        reason = str((await request.form()).get("reason", "")).strip()[:500]
        if not reason:
            error = "Say why: it stands in the audit trail."
            return parts.render("enforcement/pause.html", request, status=422, paused_since=None, error=error)
        if await parts.desk.pause(who.tenant_id, who.actor_id):
            await parts.accounts.note(
                who.tenant_id, who.actor_id, "enforcement.pause", who.tenant_id, {"reason": reason}
            )
        return RedirectResponse("/decisions", 303)

    @pages.post("/enforcement/resume")
    async def resume(session: writer) -> RedirectResponse:
        who = session.caller
        if await parts.desk.resume(who.tenant_id):
            await parts.accounts.note(who.tenant_id, who.actor_id, "enforcement.resume", who.tenant_id, {})
        return RedirectResponse("/decisions", 303)

    return pages


def _row(one: Seen, names: Names) -> dict[str, Any]:
    return {
        "id": str(one.number),
        "at": datetime.fromtimestamp(one.at_ms / 1000, UTC),
        "customer": names.customers.get(one.customer_id, one.customer_id),
        "product": names.products.get(one.product, one.product),
        "metric": one.metric,
        "units": one.units,
        "reason": one.reason,
        "denied": one.reason != Reason.OK,
        "enforced": bool(one.enforced),
        "href": f"/decisions/{one.token}",
    }


def _moment_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
