"""The console: pages of the rooms in one shell, static files, and failures as pages for people."""

from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

import aforo.accounts.pages
import aforo.accounts.settings_pages
import aforo.alerts.pages
import aforo.artifacts.pages
import aforo.catalog.pages
import aforo.credentials.pages
import aforo.customers.pages
import aforo.enforcement.costs.pages
import aforo.enforcement.earnings.pages
import aforo.enforcement.pages
import aforo.integrations.pages
import aforo.jobs.pages
import aforo.jobs.schedules.pages
import aforo.pricing.pages
import aforo.usage.pages
import aforo.usage.pages.keeping
import aforo.usage.pages.reconciliation
from aforo.accounts import SignInNeeded, VisitorFor
from aforo.app import live, overview, search, tour
from aforo.app.problems import answer, problem
from aforo.app.web import look
from aforo.app.web.nav import navigation
from aforo.app.web.render import Render
from aforo.app.web.styleguide import routes as styleguide
from aforo.app.wiring import Rooms, uses_of
from aforo.customers.pages import Key, Place, QuotaLevel, Sellable

_SOURCE: Final = Path(aforo.__file__).parent
_ROOMS_WITH_PAGES: Final = (
    "accounts",
    "integrations",
    "catalog",
    "customers",
    "credentials",
    "pricing",
    "usage",
    "enforcement",
    "jobs",
    "alerts",
    "artifacts",
)
_BUILT: Final = (
    *("/", "/integrations", "/products", "/schedules"),
    *("/plans", "/customers", "/subscriptions", "/credentials"),
    *("/margin", "/costs", "/usage", "/statements", "/events", "/dead-letters", "/alerts"),
    *("/audit", "/settings"),
)
_MACHINE_PATHS: Final = (
    "/api/",
    "/v1/",
    "/internal/",
    "/emulated/",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
)


def mount(app: FastAPI, rooms: Rooms) -> Render:
    """Add all pages to the app."""
    templates = [(room, _SOURCE / room / "templates") for room in _ROOMS_WITH_PAGES]
    render = Render(templates, navigation=navigation(_BUILT), search_address="/search", clock=rooms.clock)
    app.include_router(render.assets.routes())
    app.include_router(look.routes())
    app.include_router(
        aforo.accounts.pages.router(
            rooms.accounts, rooms.people, rooms.company, rooms.door, render.page, home=rooms.settings.base_url
        )
    )
    _mount_rooms(app, rooms, render)
    if rooms.settings.development:
        app.include_router(styleguide(render))
    return render


def _mount_rooms(app: FastAPI, rooms: Rooms, render: Render) -> None:
    pulse = live.Pulse(live.sources(rooms))
    visitor = overview.with_shell(rooms, rooms.door.visitor, pulse)
    gateways = aforo.integrations.pages.Parts(
        rooms.integrations,
        rooms.accounts,
        rooms.jobs,
        rooms.schedules,
        rooms.catalog.counts,
        uses_of(rooms),
        visitor,
        render.page,
        rooms.clock,
        partial(aforo.alerts.pages.told_of, rooms.alerts),
    )
    products = aforo.catalog.pages.Parts(
        rooms.catalog,
        rooms.watch,
        rooms.integrations,
        rooms.accounts,
        rooms.jobs,
        visitor,
        render.page,
        partial(aforo.alerts.pages.told_of, rooms.alerts),
    )
    app.include_router(overview.router(rooms, visitor, render.page))
    app.include_router(search.router(rooms, visitor, render.page))
    app.include_router(tour.router(tour.Tour(rooms), rooms, visitor, render.page))
    app.include_router(live.router(pulse, rooms.door.visitor, rooms.door.session))
    who = aforo.accounts.settings_pages.Parts(
        rooms.accounts, rooms.people, rooms.company, visitor, render.page, rooms.settings.base_url, rooms.clock
    )
    app.include_router(aforo.accounts.settings_pages.router(who))
    app.include_router(aforo.integrations.pages.router(gateways))
    app.include_router(
        aforo.pricing.pages.router(
            aforo.pricing.pages.Parts(
                rooms.pricing, rooms.integrations, rooms.accounts, rooms.jobs, visitor, render.page
            )
        )
    )
    app.include_router(aforo.catalog.pages.router(products))
    keys = aforo.credentials.pages.Parts(
        rooms.credentials, rooms.accounts, rooms.jobs, rooms.integrations, rooms.clock, visitor, render.page
    )
    app.include_router(aforo.credentials.pages.router(keys))  # before the customers', whose verbs would take its paths
    app.include_router(aforo.customers.pages.router(_selling(rooms, keys)))
    app.include_router(aforo.usage.pages.router(_usage(rooms, visitor, render)))
    kept = aforo.usage.pages.keeping.KeepingParts(rooms.keeping, rooms.jobs, visitor, render.page)
    app.include_router(aforo.usage.pages.keeping.router(kept))
    app.include_router(aforo.usage.pages.reconciliation.router(_reconciliation(rooms, visitor, render)))
    app.include_router(aforo.enforcement.pages.router(_decisions(rooms, visitor, render)))
    money = aforo.enforcement.earnings.pages.Parts(rooms.margin, rooms.customer_margins, visitor, render.page)
    app.include_router(aforo.enforcement.earnings.pages.router(money))
    costs = aforo.enforcement.costs.pages.Parts(rooms.costs, rooms.accounts, visitor, render.page)
    app.include_router(aforo.enforcement.costs.pages.router(costs))
    inside = aforo.artifacts.pages.Parts(
        rooms.artifacts, rooms.integrations, rooms.accounts, rooms.jobs, visitor, render.page
    )
    app.include_router(aforo.artifacts.pages.router(inside))
    app.include_router(aforo.jobs.pages.router(rooms.jobs, visitor, render.page))
    app.include_router(
        aforo.jobs.schedules.pages.router(
            rooms.schedules, rooms.accounts, rooms.jobs, rooms.clock, visitor, render.page
        )
    )
    alerts = aforo.alerts.pages.Parts(rooms.alerts, rooms.accounts, visitor, render.page)
    app.include_router(aforo.alerts.pages.router(alerts))


def _decisions(rooms: Rooms, visitor: VisitorFor, render: Render) -> aforo.enforcement.pages.Parts:
    async def names(tenant_id: str) -> aforo.enforcement.pages.Names:
        customers = await rooms.customers.customers.names(tenant_id)
        return aforo.enforcement.pages.Names(customers, await rooms.catalog.names(tenant_id))

    return aforo.enforcement.pages.Parts(rooms.desk, rooms.accounts, names, visitor, render.page)


def _usage(rooms: Rooms, visitor: VisitorFor, render: Render) -> aforo.usage.pages.Parts:
    async def names(tenant_id: str) -> aforo.usage.pages.Names:
        customers = await rooms.customers.customers.names(tenant_id)
        return aforo.usage.pages.Names(customers, await rooms.catalog.names(tenant_id))

    return aforo.usage.pages.Parts(
        rooms.settings.data_dir,
        rooms.events,
        rooms.accounts,
        names,
        rooms.customers.metrics.aggregations,
        visitor,
        render.page,
        lambda request: look.look_of(request.cookies).tz,
        rooms.clock,
    )


def _reconciliation(
    rooms: Rooms, visitor: VisitorFor, render: Render
) -> aforo.usage.pages.reconciliation.ReconciliationParts:
    async def sources(tenant_id: str) -> list[tuple[str, str]]:
        every = await rooms.integrations.all(tenant_id)
        return [(one.id, one.name) for one in every if rooms.integrations.manifest(one).usage]

    return aforo.usage.pages.reconciliation.ReconciliationParts(
        rooms.pulling, rooms.reconciling, sources, rooms.jobs, visitor, render.page, rooms.clock
    )


def _selling(rooms: Rooms, credentials: aforo.credentials.pages.Parts) -> aforo.customers.pages.Parts:
    async def sellable(tenant_id: str) -> list[Sellable]:
        names = {one.id: one.name for one in await rooms.integrations.all(tenant_id)}
        rows, _ = await rooms.catalog.products(tenant_id, limit=5_000)
        return sorted((Sellable(row.id, row.name, names[row.integration_id]) for row in rows), key=lambda one: one.name)

    async def places(tenant_id: str) -> dict[str, Place]:
        return {one.id: Place(one.name, one.emulated) for one in await rooms.integrations.all(tenant_id)}

    async def keys(tenant_id: str, subscription_id: str) -> list[Key]:
        found = await aforo.credentials.pages.of_subscription(credentials, tenant_id, subscription_id)
        return [
            Key(one.one.id, one.hint, one.one.state.value, one.working, len(one.wheres), one.last_used)
            for one in reversed(found)
        ]

    async def levels(tenant_id: str, subscription_id: str) -> list[QuotaLevel]:
        return [
            QuotaLevel(q.metric, q.mode, one.used, q.limit, one.stranded, q.resets_at, q.time_zone)
            for one in await rooms.desk.levels(tenant_id, subscription_id)
            for q in (one.quota,)
        ]

    return aforo.customers.pages.Parts(
        rooms.customers, rooms.accounts, sellable, places, keys, levels, credentials.visitor, credentials.render
    )


def fail(render: Render, request: Request, fault: Exception) -> Response:
    """A failure in the form that the caller reads: a problem for machines, a page for people."""
    if not wants_page(request):
        return answer(fault, request.url.path)
    if isinstance(fault, SignInNeeded):
        return RedirectResponse(f"/sign-in?next={quote(_where(request))}", 303)
    told = problem(fault, request.url.path)
    return render.page(
        "shell/error.html",
        request,
        status=told["status"],
        title=told["title"],
        detail=getattr(fault, "detail", told["detail"]),
        next_step=getattr(fault, "next_step", None),
        code=told["code"],
        back_href="/integrations",
        back_label="Back to Integrations",
    )


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page."""
    return not request.url.path.startswith(_MACHINE_PATHS) and "text/html" in request.headers.get("accept", "")


def _where(request: Request) -> str:
    return request.url.path if request.method != "GET" else str(request.url).removeprefix(str(request.base_url)[:-1])
