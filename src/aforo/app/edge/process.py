"""The edge's one process: joins the parts, serves, and drains."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import uvicorn
import uvloop

from aforo.accounts.keyring import KeyRing
from aforo.app import logs
from aforo.app.edge import forwarded
from aforo.app.edge.asgi import EdgeApp
from aforo.app.edge.checks import CheckRoutes, Networks
from aforo.app.edge.commands import CommandSocket
from aforo.app.edge.door import EdgeDoor
from aforo.app.edge.enforcement import OpenEnforcement
from aforo.app.edge.handlers import Handlers, Served
from aforo.app.edge.ingest import INGEST_PATHS, IngestRoute
from aforo.app.edge.known_metrics import KnownMetrics
from aforo.app.edge.metrics import EdgeMetrics
from aforo.app.http_protocol import AforoHttpProtocol
from aforo.enforcement.ledger.copies import applied_in
from aforo.kit.clock import SystemClock
from aforo.kit.errors import AforoError
from aforo.usage import Ingests

_POLL_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 20


class Durability(NamedTuple):
    """How log and ledger reach the disk. Another one than this serves to prove that its lack would be noticed."""

    log: Callable[[int], None] = os.fdatasync
    ledger: str = "FULL"


_DURABLE: Final = Durability()


def run(
    data_dir: Path, host: str, port: int, margin_networks: Networks = (), trusted_proxies: str = "",
    durability: Durability = _DURABLE,
) -> None:  # fmt: skip
    """Serve until SIGTERM or SIGINT; then stop accepting, finish what was begun, sync, and return.

    Ends with status 1 and one log line when the usage log cannot be opened.
    """
    logs.begin("edge")
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it once more after draining: the logs close first
        signal.signal(number, lambda *_: None)
    try:
        uvloop.run(_serve(data_dir, host, port, margin_networks, trusted_proxies, durability))
    except (AforoError, OSError, sqlite3.Error) as fault:
        structlog.get_logger().error("the edge cannot start", reason=str(fault))
        sys.exit(1)


async def _serve(
    data_dir: Path, host: str, port: int, margin_networks: Networks, trusted_proxies: str, durability: Durability
) -> None:
    clock = SystemClock()
    keys = KeyRing(data_dir / "records.db", clock)
    keys.refresh()
    enforcement = OpenEnforcement(data_dir, clock, synchronous=durability.ledger)
    known = KnownMetrics(data_dir / "records.db")
    known.refresh()
    ingests = Ingests(
        data_dir / "log", clock, metrics=known.of, settle=lambda _: enforcement.logged(), sync=durability.log,
        counted=partial(applied_in, data_dir / "ledger.db"),
    )  # fmt: skip
    await enforcement.start(ingests.logs)
    commands = CommandSocket(data_dir / "edge.sock", {"changed": enforcement.poke})
    await commands.start()
    metrics, door = EdgeMetrics(ingests.logs), EdgeDoor(keys)
    metrics.watch(enforcement.room)
    ingest = IngestRoute(door, ingests, metrics)
    checks = CheckRoutes(door, enforcement.room, margin_networks, metrics.decided)
    served = [*(Served("POST", path, ingest.post) for path in sorted(INGEST_PATHS)), *checks.served()]

    def waits_for() -> str | None:
        return None if keys.ready and enforcement.room.ready else "the API keys" if not keys.ready else "the grants"

    handlers = Handlers(served, metrics, waits_for)
    _calm_the_collector()
    app = EdgeApp(handlers.answer, forward_secret=forwarded.begin(data_dir))
    server = _Server(_config(app, host, port, trusted_proxies), handlers, enforcement.room.changes.release)
    polling = asyncio.create_task(_poll(keys, known))
    try:
        await server.serve()
    finally:
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling
        await commands.aclose()
        await ingests.aclose()
        await enforcement.aclose()
        keys.close()
        known.close()


def _calm_the_collector() -> None:
    """What is loaded now stays; requests make no cycles worth looking for as often as by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class _Server(uvicorn.Server):
    """uvicorn, saying not-ready as soon as it is asked to stop."""

    def __init__(self, config: uvicorn.Config, handlers: Handlers, release: Callable[[], None]) -> None:
        """`release` lets go whoever waits for news, so that nobody holds up the end."""
        super().__init__(config)
        self._handlers = handlers
        self._release = release

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            address = self.servers[0].sockets[0].getsockname()
            structlog.get_logger().info("edge listens", host=address[0], port=address[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._handlers.draining = True
        self._release()
        await super().shutdown(sockets)


async def _poll(keys: KeyRing, known: KnownMetrics) -> None:
    log = structlog.get_logger()
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        try:
            await asyncio.to_thread(keys.refresh)
            await asyncio.to_thread(known.refresh)
        except Exception:
            log.exception("keys or metrics could not be read; the last ones known stay in force")


def _config(app: EdgeApp, host: str, port: int, trusted_proxies: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=AforoHttpProtocol,
        ws="none",
        lifespan="off",
        loop="uvloop",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        backlog=1024,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
