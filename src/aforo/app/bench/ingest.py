"""Durable ingest through a real edge: 1,000 events of about 300 B a request, 202 only after the disk has them.

The reference is the disk itself: the same bytes appended to a file, one fdatasync a batch, in the same run. Two clients
send over their own connections, as threads of this process, so that the edge's core is the one that is measured.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.app.bench import Figure, magnitude
from aforo.app.bench.edge_process import edge

_BATCH: Final = 1000
_BATCHES: Final = 300
_BATCHES_SMALL: Final = 20
_CLIENTS: Final = 2
_BAR_OF_DISK: Final = 0.2
_BAR_OF_DISK_SMALL: Final = 0.01
_BAR_RATE: Final = 250_000


def measure(*, small: bool = False) -> list[Figure]:
    """Small: a few batches, for a quick look whether the order of magnitude holds."""
    batches = _BATCHES_SMALL if small else _BATCHES
    with tempfile.TemporaryDirectory() as folder:
        bodies = [_body(number) for number in range(batches)]
        disk = _append_and_sync(Path(folder, "reference"), bodies)
        served = _through_the_edge(Path(folder, "var"), bodies)
    ratio = served / disk
    bar = f"≥ {_BAR_RATE:,} events/s, ≥ {_BAR_OF_DISK:.0%} of the disk's own rate"
    holds = served >= _BAR_RATE and ratio >= _BAR_OF_DISK
    if small:
        bar, holds = magnitude(f"≥ {_BAR_OF_DISK_SMALL:.0%} of the disk's own rate"), ratio >= _BAR_OF_DISK_SMALL
    return [Figure("durable ingest", served, "events/s", "append + fdatasync", disk, ratio, bar, holds)]


def _body(batch: int) -> bytes:
    now = datetime.now(UTC)
    events = [_event(batch, number, now + timedelta(milliseconds=number)) for number in range(_BATCH)]
    return json.dumps({"events": events}).encode()


def _event(batch: int, number: int, at: datetime) -> dict[str, Any]:
    """As a gateway's node sends it: many customers, a few paths, its own time for each."""
    return {
        "customerId": f"cust_bench_{number % 97:04d}",
        "metricName": "api_calls",
        "quantity": 1,
        "occurredAt": at.isoformat(timespec="microseconds"),
        "idempotencyKey": f"bench-{batch}-{number}",
        "endpointPath": f"/v2/payments/{number % 11}",
        "httpMethod": "POST",
        "statusCode": 200 if number % 50 else 429,
        "responseTimeMs": 12 + number % 17,
        "metadata": {"region": "eu-west-1", "node": "kong-1"},
    }


def _append_and_sync(path: Path, bodies: list[bytes]) -> float:
    """Events a second that the disk takes when each batch is synced."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    started = time.perf_counter()
    for body in bodies:
        os.write(handle, body)
        os.fdatasync(handle)
    took = time.perf_counter() - started
    os.close(handle)
    return _BATCH * len(bodies) / took


def _through_the_edge(data_dir: Path, bodies: list[bytes]) -> float:
    environment = {**os.environ, "AFORO_DATA_DIR": str(data_dir)}
    prepare = [sys.executable, "-m", "aforo.app.prepare"]
    told = json.loads(subprocess.run(prepare, env=environment, capture_output=True, check=True).stdout)
    with edge(data_dir) as (_, port):
        return _send(f"http://127.0.0.1:{port}", str(told["adminKey"]), bodies)


def _send(place: str, key: str, bodies: list[bytes]) -> float:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    shares = [bodies[number::_CLIENTS] for number in range(_CLIENTS)]
    threads = [threading.Thread(target=_send_all, args=(place, headers, share)) for share in shares]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _BATCH * len(bodies) / (time.perf_counter() - started)


def _send_all(edge: str, headers: dict[str, str], bodies: list[bytes]) -> None:
    with httpx2.Client(base_url=edge, headers=headers, trust_env=False, timeout=60) as http:
        for body in bodies:
            answer = http.post("/v1/ingest", content=body)
            if answer.status_code != 202 or answer.json()["accepted"] != _BATCH:
                raise RuntimeError(f"the edge answered {answer.status_code}: {answer.text[:200]}")
