"""The room's routes over real records, without the rest of the app, which takes most of a second to build."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

import aforo.accounts.routes
import aforo.alerts.routes
from aforo.accounts import Scope
from aforo.app import problems
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.kit.clock import Clock
from tests.live import Aforo, AtFirstCall, migrated


@contextlib.asynccontextmanager
async def desk(folder: Path, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Aforo]:
    """As `tests.live.aforo`, with the routes of alerts and accounts alone."""
    chosen = Settings(data_dir=folder / "var", **settings)
    migrated(chosen.records_path)
    rooms = open_rooms(chosen, clock)
    await rooms.accounts.ensure_first()
    tenant = (await rooms.accounts.tenants())[0]
    _, key = await rooms.accounts.create_key(tenant.id, "desk", {Scope.ADMIN})
    app = FastAPI()
    problems.install(app, lambda request, fault: problems.answer(fault, request.url.path))
    caller = rooms.door.caller
    app.include_router(aforo.accounts.routes.router(rooms.accounts, rooms.people, caller, home=chosen.base_url))
    app.include_router(aforo.alerts.routes.router(rooms.alerts, rooms.accounts, chosen.base_url, caller))
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers) as http:
        yield Aforo(rooms, http, key, tenant.id, AtFirstCall(rooms))
    await rooms.aclose()
