"""The api process: records, console, usage queries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response

import aforo
import aforo.accounts.oidc.routes
import aforo.accounts.routes
import aforo.alerts.routes
import aforo.artifacts.routes
import aforo.catalog.drift_routes
import aforo.catalog.routes
import aforo.credentials.routes
import aforo.customers.routes
import aforo.enforcement.costs.routes
import aforo.enforcement.earnings.routes
import aforo.enforcement.routes
import aforo.integrations.health_routes
import aforo.integrations.routes
import aforo.jobs.routes
import aforo.jobs.schedules.routes
import aforo.pricing.routes
import aforo.usage.routes
import aforo.usage.routes.keeping
import aforo.usage.routes.reconciliation
from aforo.app import console, forward, logs, oauth_emulated, problems, tracing, tryout
from aforo.app.body_limit import BodyLimit
from aforo.app.idempotency import IdempotentPosts
from aforo.app.metrics import ApiMetrics
from aforo.app.openapi import describe
from aforo.app.readiness import Readiness
from aforo.app.requests import Requests
from aforo.app.settings import Settings
from aforo.app.wiring import Rooms, open_rooms, uses_of
from aforo.app.wiring_artifacts import leaves
from aforo.credentials.routes.existing import IntegrationsOf
from aforo.integrations import Integrations

_LAST_WORDS_SECONDS: Final = 5
"""How long a stop waits for answers that have begun: a page's live stream never ends by itself."""


def create(rooms: Rooms) -> FastAPI:
    """The whole ASGI app over wired rooms."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await rooms.jobs.recover()
        await rooms.schedules.recover()
        workers = (
            rooms.credentials.start(),
            rooms.alerts.start(),
            rooms.telling.start(),
            asyncio.create_task(rooms.schedules.run(), name="schedules"),
        )
        yield
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await rooms.aclose()

    app = FastAPI(
        title="Aforo",
        version=aforo.__version__,
        description="Monetization control plane for APIs behind API gateways.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(IdempotentPosts, answers=rooms.first_answers, door=rooms.door)
    app.add_middleware(BodyLimit)  # nobody reads a body before it is measured
    metrics = ApiMetrics(rooms.settings.data_dir, rooms.settings.records_path, rooms.clock)
    rooms.integrations.listeners.on_call.append(metrics.called)
    app.add_middleware(Requests, metrics=metrics)
    render = console.mount(app, rooms)
    problems.install(app, lambda request, fault: console.fail(render, request, fault))
    _mount_api(app, rooms)
    _mount_probes(app, Readiness(rooms.db, rooms.clock), metrics)
    app.openapi = describe(app)  # type: ignore[method-assign]  # FastAPI documents this as the way to extend it
    return app


def _mount_api(app: FastAPI, rooms: Rooms) -> None:
    caller = rooms.door.caller
    catalog, watch, integrations = rooms.catalog, rooms.watch, rooms.integrations
    app.include_router(aforo.accounts.routes.router(rooms.accounts, rooms.people, caller, home=rooms.settings.base_url))
    app.include_router(
        aforo.accounts.oidc.routes.router(
            rooms.company, rooms.accounts, caller, passwords=rooms.people.passwords, home=rooms.settings.base_url
        )
    )
    app.include_router(
        aforo.integrations.routes.router(
            integrations, rooms.accounts, uses_of(rooms), caller, rooms.jobs, leaves(rooms)
        )
    )
    app.include_router(aforo.integrations.health_routes.router(integrations, rooms.accounts, caller, rooms.clock))
    app.include_router(aforo.catalog.routes.router(catalog, rooms.accounts, rooms.jobs, caller))
    app.include_router(aforo.catalog.drift_routes.router(catalog, watch, rooms.accounts, rooms.jobs, caller))
    app.include_router(aforo.customers.routes.router(rooms.customers, rooms.accounts, caller))
    app.include_router(
        aforo.credentials.routes.router(rooms.credentials, rooms.accounts, rooms.jobs, _ids_of(integrations), caller)
    )
    app.include_router(aforo.pricing.routes.router(rooms.pricing, integrations, rooms.accounts, rooms.jobs, caller))
    app.include_router(aforo.artifacts.routes.router(rooms.artifacts, rooms.accounts, rooms.jobs, caller))
    app.include_router(aforo.enforcement.routes.router(rooms.desk, rooms.accounts, caller))
    app.include_router(aforo.enforcement.earnings.routes.router(rooms.margin, rooms.customer_margins, caller))
    app.include_router(aforo.enforcement.costs.routes.router(rooms.costs, rooms.accounts, caller))
    app.include_router(aforo.jobs.routes.router(rooms.jobs, caller))
    app.include_router(aforo.alerts.routes.router(rooms.alerts, rooms.accounts, rooms.settings.base_url, caller))
    app.include_router(aforo.jobs.schedules.routes.router(rooms.schedules, rooms.accounts, rooms.jobs, caller))
    app.include_router(tryout.router(rooms))
    app.include_router(forward.router(rooms.settings))
    app.include_router(oauth_emulated.router(rooms.settings))
    _mount_usage(app, rooms)
    app.include_router(aforo.usage.routes.keeping.router(rooms.keeping, rooms.jobs, caller))
    app.include_router(aforo.usage.routes.reconciliation.router(rooms.pulling, rooms.reconciling, rooms.jobs, caller))


def _mount_usage(app: FastAPI, rooms: Rooms) -> None:
    app.include_router(
        aforo.usage.routes.router(
            rooms.events, rooms.door.caller, jobs=rooms.jobs, aggregations=rooms.customers.metrics.aggregations
        )
    )


def _ids_of(integrations: Integrations) -> IntegrationsOf:
    async def ids_of(tenant_id: str) -> list[str]:
        return [one.id for one in await integrations.all(tenant_id)]

    return ids_of


def _mount_probes(app: FastAPI, readiness: Readiness, metrics: ApiMetrics) -> None:
    @app.get("/healthz", tags=["probes"], summary="The process runs")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["probes"],
        summary="The process can do its work: the records take writes",
        responses={503: {"description": "Not now; `reason` says why"}},
    )
    async def readyz() -> JSONResponse:
        in_the_way = await readiness.in_the_way()
        if in_the_way is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": in_the_way}, 503)

    @app.get("/metrics", tags=["probes"], summary="Prometheus metrics", response_class=PlainTextResponse)
    async def told() -> Response:
        from prometheus_client import CONTENT_TYPE_LATEST

        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE_LATEST)


def main() -> None:
    """Serve until stopped. Settings come from the environment."""
    import uvicorn

    from aforo.app.asking import wait_for_start
    from aforo.app.http_protocol import AforoHttpProtocol

    settings = Settings()
    wait_for_start()
    logs.begin("api")
    tracing.begin("api")
    uvicorn.run(
        create(open_rooms(settings)),
        host=settings.host,
        port=settings.port,
        http=AforoHttpProtocol,
        loop="uvloop",
        ws="none",
        log_level="warning",
        log_config=None,
        timeout_graceful_shutdown=_LAST_WORDS_SECONDS,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )


if __name__ == "__main__":
    main()
