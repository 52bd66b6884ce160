"""What the benches of check, lease and decision stand on: a data folder with a customer, a real edge, a bare client."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.customers.shapes import NewCustomer, NewPlan, NewSubscription

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PLAN: Final = {
    "key": "bench",
    "currency": "EUR",
    "quotas": [{"metric": "api_calls", "units": "900000000", "period": "month", "mode": "HARD"}],
    "rateLimits": [{"metric": "api_calls", "perSeconds": 1, "units": "1000000"}],
    "rateCard": [{"metric": "api_calls", "model": "per_unit", "unitPrice": "0.001"}],
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A prepared data folder; the key may do everything."""

    folder: Path
    key: str
    tenant_id: str
    customer_id: str

    def body(self, **more: Any) -> bytes:
        return json.dumps({"customerId": self.customer_id, "metric": "api_calls", "units": 1, **more}).encode()

    def request(self, path: str, body: bytes, method: str = "POST") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def prepare(folder: Path) -> Stage:
    """A tenant with one customer on a plan with a HARD quota, a rate limit and a price."""
    return asyncio.run(_prepare(folder / "var"))


async def _prepare(folder: Path) -> Stage:
    settings = Settings(data_dir=folder)
    upgrade(settings.records_path)
    rooms = open_rooms(settings)
    key = await rooms.accounts.ensure_first()
    tenant_id = (await rooms.accounts.tenants())[0].id
    plan = await rooms.customers.plans.create(tenant_id, NewPlan.model_validate(_PLAN))
    await rooms.customers.plans.publish(tenant_id, plan.id)
    customer = await rooms.customers.customers.create(tenant_id, NewCustomer(name="bench"))
    wanted = NewSubscription(customer_id=customer.id, plan_id=plan.id)
    await rooms.customers.subscriptions.create(tenant_id, wanted)
    await rooms.aclose()
    return Stage(folder, str(key), tenant_id, customer.id)


@contextlib.contextmanager
def reference(stage: Stage) -> Iterator[tuple[int, int]]:
    """The same check in FastAPI; its process id and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "aforo.app.bench.check_reference", str(port), stage.key, stage.customer_id]
    child = subprocess.Popen(command)
    try:
        yield child.pid, port
    finally:
        child.terminate()
        child.wait()


def cpu_micros(pid: int, port: int, request: bytes, count: int) -> float:
    """CPU microseconds of the server per request: one connection, one request after the other, after a warm-up."""
    with _connected(port) as connection:
        _exchange(connection, request, count // 5)
        before = _cpu_seconds(pid)
        _exchange(connection, request, count)
        return (_cpu_seconds(pid) - before) / count * 1e6


def _exchange(connection: socket.socket, request: bytes, count: int) -> None:
    for _ in range(count):
        connection.sendall(request)
        answer = connection.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server answered {answer[:200]!r}")
        head, _, body = answer.partition(b"\r\n\r\n")
        wanted = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < wanted:
            body += connection.recv(65536)


@contextlib.contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    until = time.monotonic() + 20
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            break
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
