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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.app.bench import Figure

_BATCH: Final = 1000
_BATCHES: Final = 60
_CLIENTS: Final = 2
_BAR_OF_DISK: Final = 0.2


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        bodies = [_body(number) for number in range(_BATCHES)]
        disk = _append_and_sync(Path(folder, "reference"), bodies)
        served = _through_the_edge(Path(folder, "var"), bodies)
    ratio = served / disk
    bar = f"≥ {_BAR_OF_DISK:.0%} of the disk's own rate"
    return [Figure("durable ingest", served, "events/s", "append + fdatasync", disk, ratio, bar, ratio >= _BAR_OF_DISK)]


def _body(batch: int) -> bytes:
    now = datetime.now(UTC).isoformat()
    events = [_event(f"{batch}-{number}", now) for number in range(_BATCH)]
    return json.dumps({"events": events}).encode()


def _event(key: str, now: str) -> dict[str, Any]:
    return {
        "customerId": "cust_bench_0001",
        "metricName": "api_calls",
        "quantity": 1,
        "occurredAt": now,
        "idempotencyKey": f"bench-{key}",
        "endpointPath": "/v2/payments",
        "httpMethod": "POST",
        "statusCode": 200,
        "responseTimeMs": 12,
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
    command = [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(data_dir), "--port", "0"]
    edge = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        return _send(f"http://127.0.0.1:{_port(edge)}", str(told["adminKey"]), bodies)
    finally:
        edge.terminate()
        edge.communicate()


def _port(edge: subprocess.Popen[str]) -> int:
    assert edge.stderr  # noqa: S101  it was asked for above
    for line in edge.stderr:
        if line.startswith("{") and "port" in (said := json.loads(line)):
            return int(said["port"])
    raise RuntimeError("the edge ended before it listened")


def _send(edge: str, key: str, bodies: list[bytes]) -> float:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    shares = [bodies[number::_CLIENTS] for number in range(_CLIENTS)]
    threads = [threading.Thread(target=_send_all, args=(edge, headers, share)) for share in shares]
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
