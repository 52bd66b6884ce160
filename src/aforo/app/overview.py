"""`/`: does it run, and what needs me? Also what the shell shows on every page: counts and strips."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.app import live
from aforo.app.overview_figures import USUAL, lost_events, money_and_traffic
from aforo.app.web.nav import Count
from aforo.app.wiring import Rooms
from aforo.catalog import Impact
from aforo.integrations import Health, Integration
from aforo.integrations.pages.standing import last_scans, standing
from aforo.integrations.pages.words import badge, worst_first
from aforo.kit.clock import from_rfc3339
from aforo.kit.pages import PageRender

_ITEMS: Final = 20
_GATEWAYS: Final = 8


def router(rooms: Rooms, visitor: VisitorFor, render: PageRender) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get("/")
    async def overview(
        request: Request, session: Annotated[Session, Depends(visitor(Scope.CONTROL_READ))], span: str = USUAL
    ) -> Response:
        tenant_id = session.caller.tenant_id
        every = await rooms.integrations.all(tenant_id)
        counts = await rooms.catalog.counts(tenant_id)
        items = sorted(
            [
                *(await _drifted(rooms, tenant_id, every)),
                *(_unwell(one) for one in every if _needs_person(one)),
                *(await lost_events(rooms, session.caller)),
            ],
            key=lambda item: item["since"],
        )
        preview = await rooms.catalog.newest_preview(tenant_id)
        scans = await last_scans(rooms.schedules, tenant_id)
        shown = sorted(every, key=lambda one: worst_first(one, counts.get(one.id, (0, 0))[1]))[:_GATEWAYS]
        products = sum(total for total, _ in counts.values())
        return render(
            "shell/overview.html",
            request,
            items=items[:_ITEMS],
            hidden=max(0, len(items) - _ITEMS),
            integrations=every,
            gateways=[await _gateway(rooms, one, counts) | {"scan": scans.get(one.id)} for one in shown],
            healthy=sum(1 for one in every if one.vitals.health is Health.HEALTHY),
            counts=counts,
            products=products,
            preview=preview,
            alerts=await rooms.alerts.alerts.open_count(tenant_id),
            steps=_steps(every, preview, products),
            running=rooms.jobs.running(tenant_id),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
            **await money_and_traffic(rooms, tenant_id, span),
        )

    return pages


async def _gateway(rooms: Rooms, one: Integration, counts: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    products, drifting = counts.get(one.id, (0, 0))
    return {
        "id": one.id,
        "href": f"/integrations/{one.id}",
        "name": one.name,
        "emulated": one.emulated,
        "health": badge(one.vitals.health),
        "products": products,
        "drifting": drifting,
        **await standing(rooms.integrations, rooms.clock, one),
    }


def with_shell(rooms: Rooms, visitor: VisitorFor, pulse: live.Pulse) -> VisitorFor:
    """The same visitor, with what needs a person counted for the navigation, and open breakers as strips."""

    def of(scope: Scope) -> Callable[[Request], Awaitable[Session]]:
        known = visitor(scope)

        async def dependency(request: Request) -> Session:
            session = await known(request)
            if request.method == "GET":
                if request.url.path in live.LIVE_PAGES:
                    place = await pulse.place(session.caller.tenant_id)
                    request.state.live = f"{live.ADDRESS}?last_event_id={place}"
                await _tell_shell(rooms, request, session.caller.tenant_id)
            return session

        return dependency

    return of


async def _tell_shell(rooms: Rooms, request: Request, tenant_id: str) -> None:
    troubled = await rooms.integrations.troubled(tenant_id)
    drifting = sum(count for _, count in (await rooms.catalog.counts(tenant_id)).values())
    unwell = sum(1 for one in troubled if one.vitals.health is Health.ERROR)
    request.state.counts = {
        "/products": Count(drifting, "differ from their record", "drift"),
        "/integrations": Count(unwell, "in ERROR", "bad"),
        "/alerts": Count(await rooms.alerts.alerts.open_count(tenant_id), "hold", "warn"),
    }
    request.state.strips = [strip for one in troubled if (strip := _strip(rooms, one))]


def _strip(rooms: Rooms, one: Integration) -> dict[str, Any] | None:
    probe = rooms.integrations.probe_at(one)
    if probe is None:
        return None
    words = f"Breaker open for {one.name}: calls are held until {from_rfc3339(probe):%H:%M:%S} UTC."
    return {"tone": "bad", "icon": "line-broken", "words": words, "href": f"/integrations/{one.id}", "link": "See why"}


def _needs_person(one: Integration) -> bool:
    return one.vitals.health in (Health.DEGRADED, Health.ERROR)


def _unwell(one: Integration) -> dict[str, Any]:
    since: datetime = one.vitals.last_failed_at or one.created_at
    return {
        "state": one.vitals.health.value,
        "gloss": "",
        "title": one.name,
        "where": "",
        "detail": one.vitals.last_error or "",
        "since": since,
        "href": f"/integrations/{one.id}",
        "act": "See why",
        "emulated": one.emulated,
    }


async def _drifted(rooms: Rooms, tenant_id: str, every: list[Integration]) -> list[dict[str, Any]]:
    names = {one.id: one for one in every}
    drifting = await rooms.watch.drifting(tenant_id, _ITEMS + 1)
    touched = await rooms.catalog.impact(tenant_id, [row.id for row, _ in drifting])
    return [
        {
            "state": "STALE",
            "gloss": "gone from gateway" if episode.gone else "gateway differs",
            "title": row.name,
            "where": names[row.integration_id].name,
            "detail": "" if episode.gone else _fields(sum(1 for change in episode.changes if change.counts)),
            "since": episode.opened_at,
            "href": f"/products/{row.id}",
            "act": "Review",
            "impact": touched.get(row.id, Impact()),
            "emulated": names[row.integration_id].emulated,
        }
        for row, episode in drifting
    ]


def _fields(count: int) -> str:
    return f"{count:,} field{'' if count == 1 else 's'}"


def _steps(every: list[Integration], preview: str | None, products: int) -> list[dict[str, str]]:
    """Connect, preview, import; pricing and what follows are left out until they are built."""
    done = {"Connect": bool(every), "Preview": bool(preview or products), "Import": bool(products)}
    first = next((label for label, is_done in done.items() if not is_done), "")
    return [
        {"label": label, "state": "done" if is_done else "now" if label == first else "todo"}
        for label, is_done in done.items()
    ]
