"""`/alerts`: who was told what, and did it arrive?"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.alerts.model import Alert, Delivery, DeliveryState, Event, Kind
from aforo.alerts.pages.parts import Parts
from aforo.alerts.pages.told import in_words
from aforo.alerts.rules.schedule import MOST_TRIES
from aforo.kit.errors import Conflict

_ROWS: Final = 50


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/alerts")
    async def list_(request: Request, session: reader, kind: str = "", cursor: str = "") -> Response:
        tenant_id = session.caller.tenant_id
        chosen = Kind(kind) if kind in list(Kind) else None
        holding, more = await parts.room.alerts.page(tenant_id, holds=True, kind=chosen, limit=_ROWS)
        over, following = await parts.room.alerts.page(
            tenant_id, holds=False, kind=chosen, cursor=cursor or None, limit=_ROWS
        )
        sent = await parts.room.alerts.deliveries([*holding, *over])
        return parts.render(
            "alerts/list.html",
            request,
            holding=_rows(holding, sent),
            more=more is not None,
            open_count=await parts.room.alerts.open_count(tenant_id),
            over=_rows(over, sent),
            older=f"/alerts?{urlencode({'kind': kind, 'cursor': following})}" if following else "",
            first=not cursor,
            kind=chosen.value if chosen else "",
            kinds=[(one.value, one.value.replace("_", " ").capitalize()) for one in Kind],
            channels=await parts.room.channels.all(tenant_id),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/alerts/{alert_id}")
    async def show(request: Request, alert_id: str, session: reader) -> Response:
        return await _detail(parts, request, session, alert_id, "")

    @pages.post("/alerts/{alert_id}/replay")
    async def replay(request: Request, alert_id: str, session: writer, delivery_id: Annotated[str, Form()]) -> Response:
        who = session.caller
        try:
            again = await parts.room.alerts.replay(who.tenant_id, alert_id, delivery_id)
        except Conflict as fault:
            return await _detail(parts, request, session, alert_id, str(fault))
        await parts.note(who, "alert.replay", alert_id, {"delivery": delivery_id, "again": again.id})
        return RedirectResponse(f"/alerts/{alert_id}", 303)


async def _detail(parts: Parts, request: Request, session: Session, alert_id: str, error: str) -> Response:
    one = await parts.room.alerts.one(session.caller.tenant_id, alert_id)
    told = await parts.room.alerts.told(one)
    return parts.render(
        "alerts/alert.html",
        request,
        status=409 if error else 200,
        one=one,
        notice=one.notice,
        told=list(reversed(told)),
        arrived=len({each.delivery.channel_id for each in told if each.delivery.state is DeliveryState.DELIVERED}),
        channels=len({each.delivery.channel_id for each in told}),
        most_tries=MOST_TRIES,
        error=error,
        may_write=session.caller.may(Scope.CONTROL_WRITE),
    )


def _rows(found: Sequence[Alert], sent: Mapping[str, Sequence[Delivery]]) -> list[dict[str, Any]]:
    """The worst of those that hold first."""
    ordered = sorted(found, key=lambda one: (one.ended_at is not None, -one.notice.severity.rank))
    return [
        {
            "href": f"/alerts/{one.id}",
            "one": one,
            "told": in_words(sent[one.id]),
            "heard": in_words(sent[one.id], Event.RESOLVED) if one.ended_at and one.notice.lasts else "",
        }
        for one in ordered
    ]
