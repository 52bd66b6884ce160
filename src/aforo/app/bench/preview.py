"""Preview of 1,000 products at an emulated Kong: Aforo's own CPU time, beside that of decoding the same answers once.

The emulator runs in a process of its own, so that only ours is counted. Every product has a service, a route and a
plugin. The number of calls is compared with the pages that Kong makes unavoidable at 1,000 entities a page.
"""

import asyncio
import json
import math
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.app.bench import Figure
from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.wiring import Rooms, open_rooms

_PRODUCTS: Final = 1000
_PRODUCTS_SMALL: Final = 200
_PAGE: Final = 1000
_LISTS: Final = ("services", "routes", "plugins", "upstreams")
_OWN_SECONDS: Final = 0.5
_OWN_PER_DECODING: Final = 100.0
"""What a small run is held to instead: measured 35, and a busy machine slows both sides."""
_CALLS: Final = 1.1


def measure(*, small: bool = False) -> list[Figure]:
    """Small: a fifth of the products, for a quick look whether the order of magnitude holds."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [sys.executable, "-m", "aforo.app.emulate", "kong", "--port", str(port), "--products", "0"]
        emulator = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            return asyncio.run(_measure(Path(folder), f"http://127.0.0.1:{port}", small=small))
        finally:
            emulator.terminate()
            emulator.wait()


async def _measure(folder: Path, kong: str, *, small: bool) -> list[Figure]:
    products = _PRODUCTS_SMALL if small else _PRODUCTS
    await _fill(kong, products)
    settings = Settings(data_dir=folder / "var")
    upgrade(settings.records_path)
    rooms = open_rooms(settings)
    await rooms.accounts.ensure_first()
    tenant_id = (await rooms.accounts.tenants())[0].id
    made = await rooms.integrations.create(tenant_id, "bench", "kong", "none", {"admin_url": kong})
    async for _ in rooms.integrations.test(tenant_id, made.id):
        pass
    first = await rooms.catalog.preview(tenant_id, made.id, "bench", _quiet)
    refs = [row.ref for row in first.preview.rows]
    await rooms.catalog.import_(tenant_id, first.id, refs, "bench")
    before = rooms.integrations.budget(made).calls
    own = min([await _own_seconds(rooms, tenant_id, made.id) for _ in range(3)])
    calls = (rooms.integrations.budget(made).calls - before) / 3
    decoding = await _decoding_seconds(kong)
    await rooms.aclose()
    return [_own_time(own, decoding, products, small=small), _call_count(calls, products)]


def _own_time(own: float, decoding: float, products: int, *, small: bool) -> Figure:
    ratio = own / decoding
    if small:
        bar, holds = f"at most {_OWN_PER_DECODING:.0f} times the reference", ratio <= _OWN_PER_DECODING
    else:
        bar, holds = f"own CPU ≤ {_OWN_SECONDS} s", own <= _OWN_SECONDS
    name, reference = f"preview of {products:,} products, own CPU", "JSON decoding of the same answers, s"
    return Figure(name, own, "s", reference, decoding, ratio, bar, holds)


def _call_count(calls: float, products: int) -> Figure:
    pages = 3 * math.ceil(products / _PAGE) + 1
    schemas = 4  # the plugin in use, the list of plugins, services and routes
    ratio = calls / (pages + schemas)
    bar = f"calls at most {_CALLS} times the least"
    return Figure("preview, gateway calls", calls, "calls", "least", pages + schemas, ratio, bar, ratio <= _CALLS)


async def _own_seconds(rooms: Rooms, tenant_id: str, integration_id: str) -> float:
    started = time.thread_time()
    await rooms.catalog.preview(tenant_id, integration_id, "bench", _quiet)
    return time.thread_time() - started


async def _decoding_seconds(kong: str) -> float:
    async with httpx2.AsyncClient(base_url=kong, trust_env=False, timeout=60) as http:
        bodies = [(await http.get(f"/{name}?size={_PAGE}")).content for name in _LISTS]
    started = time.thread_time()
    for body in bodies:
        json.loads(body)
    return time.thread_time() - started


async def _fill(kong: str, products: int) -> None:
    async with httpx2.AsyncClient(base_url=kong, trust_env=False, timeout=60) as http:
        await _until_there(http)
        for number in range(products):
            name = f"product-{number:04}"
            await _post(http, "/services", {"name": name, "host": "backend.example", "path": "/v1"})
            await _post(http, f"/services/{name}/routes", {"name": name, "paths": [f"/{name}"]})
            plugin = {"name": "rate-limiting", "config": {"minute": 60}}
            await _post(http, f"/services/{name}/plugins", plugin)


async def _until_there(http: httpx2.AsyncClient) -> None:
    for _ in range(200):
        try:
            await http.get("/")
        except httpx2.TransportError:
            await asyncio.sleep(0.1)
        else:
            return


async def _post(http: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> None:
    (await http.post(path, json=body)).raise_for_status()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quiet(done: int, about: int | None, what: str) -> None:
    del done, about, what
