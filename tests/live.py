"""Real parts for tests: rooms on a real data folder, and emulators on real sockets of this machine."""

import asyncio
import contextlib
import functools
import socket
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from aforo.accounts import Scope
from aforo.app.api import create
from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.wiring import Rooms, open_rooms
from aforo.gateway_sdk.emulator import AsgiApp, StateFile, Switchboard
from aforo.gateway_sdk.registry import gateways
from aforo.kit.clock import Clock


@contextlib.contextmanager
def serving(app: AsgiApp) -> Iterator[str]:
    """Serve an ASGI app on a free loopback port in a thread; gives its base URL."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio then sets TCP_NODELAY
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_level="error",
        lifespan="off",
        http="httptools",
        timeout_graceful_shutdown=1,  # pages may still listen
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@dataclass
class Emulated:
    """One running emulator: its switchboard, and how to connect to it."""

    gateway: str
    url: str
    board: Switchboard
    sign_in: str
    settings: dict[str, str]


@contextlib.contextmanager
def emulated(gateway: str, products: int = 12, **options: Any) -> Iterator[Emulated]:
    """Start a gateway's emulator with some products in it; `options` go to its `create`."""
    module = gateways()[gateway].emulator()
    state = StateFile()
    module.seed(state, products)
    board = Switchboard(module.create(state, **options))
    with serving(board) as url:
        sign_in, settings = module.sample_connection(url)
        yield Emulated(gateway, url, board, sign_in, settings)


class AtFirstCall:
    """The app over these rooms, made when it is first called: 320 routes take 0.6 s, and many tests call none."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    @functools.cached_property
    def app(self) -> FastAPI:
        return create(self._rooms)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@dataclass
class Aforo:
    """A wired api over a fresh data folder, with a client that holds an admin key."""

    rooms: Rooms
    http: httpx2.AsyncClient
    admin_key: str
    tenant_id: str
    app: AtFirstCall

    async def connect(self, gateway: Emulated, name: str = "gw") -> str:
        """Connect an emulator; gives the integration's id."""
        body = {
            "name": name,
            "gateway": gateway.gateway,
            "signIn": gateway.sign_in,
            "settings": gateway.settings,
        }
        answer = await self.http.post("/api/v1/integrations", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """One call that must answer `status`; its JSON."""
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    async def preview(self, integration_id: str) -> Any:
        return await self.call("POST", "/api/v1/products/preview", {"integrationId": integration_id})

    async def import_all(self, integration_id: str) -> list[Any]:
        """Preview, and import every NEW row; gives the products."""
        plan = await self.preview(integration_id)
        new = [row["ref"] for row in plan["changes"] if row["status"] == "NEW"]
        done = await self.call("POST", "/api/v1/products/import", {"planId": plan["planId"], "select": new})
        products: list[Any] = done["created"]
        return products


def migrated(path: Path) -> None:
    """Records with the newest schema: a copy of an empty file that was migrated once; Alembic takes 0.3 s each time."""
    if path.exists():
        upgrade(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_empty_records())
    path.chmod(0o600)


@functools.cache
def _empty_records() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.db"
        upgrade(path)
        with contextlib.closing(sqlite3.connect(path)) as records:
            records.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


@contextlib.asynccontextmanager
async def aforo(folder: Path, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Aforo]:
    """A wired api over `folder`, called in process through the real ASGI app."""
    chosen = Settings(data_dir=folder / "var", **settings)
    migrated(chosen.records_path)
    rooms = open_rooms(chosen, clock)
    key = await rooms.accounts.ensure_first()
    if key is None:
        tenant = (await rooms.accounts.tenants())[0]
        _, key = await rooms.accounts.create_key(tenant.id, "again", {Scope.ADMIN})
    tenant = (await rooms.accounts.tenants())[0]
    transport = httpx2.ASGITransport(app := AtFirstCall(rooms))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers) as http:
        yield Aforo(rooms, http, key, tenant.id, app)
    await rooms.aclose()
