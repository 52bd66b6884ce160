"""The edge process over real sockets: answers, bounds, crash and drain."""

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.accounts import Caller
from aforo.kit.clock import rfc3339
from aforo.usage import EventLog, EventQuery
from tests.enforcement.parts import Shop

KEY = "sk_live_edge_test"


class Edge:
    """A real edge process on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(folder), "--port", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.port = next(int(said["port"]) for line in self.process.stderr if "port" in (said := json.loads(line)))
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def post(self, content: bytes, key: str = KEY, path: str = "/v1/ingest", **headers: str) -> httpx2.Response:
        return self.client.post(path, content=content, headers={"Authorization": f"Bearer {key}", **headers})

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self) -> tuple[int, str]:
        """SIGTERM; gives the exit status and what was logged since the start."""
        self.client.close()
        self.process.terminate()
        out, err = self.process.communicate(timeout=30)
        assert out == ""
        return self.process.returncode, err


def events(folder: Path) -> list[str]:
    """Idempotency keys of all stored events of the tenant, newest first."""
    log, who = EventLog(folder / "log"), Caller("ten_1", "acme", "key_1", frozenset())
    found, cursor = [], None
    while True:
        page = log.page(who, EventQuery(limit=1000, cursor=cursor))
        found += [str(shown["idempotencyKey"]) for shown in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


def body(*keys: str) -> bytes:
    now = rfc3339(datetime.now(UTC))
    return json.dumps(
        {
            "events": [
                {"customerId": "c", "metricName": "api_calls", "quantity": 1, "occurredAt": now, "idempotencyKey": key}
                for key in keys
            ]
        }
    ).encode()


def add_key(folder: Path, key: str, **columns: Any) -> None:
    row = {
        "id": f"key_{key}", "tenant_id": "ten_1", "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "scopes": '["usage:ingest"]', "test": 0, "customer_id": None, "expires_at": None, "revoked_at": None,
        "networks": None, "name": "test", "last4": key[-4:], "created_at": "2026-01-01T00:00:00.000Z", **columns,
    }  # fmt: skip
    with sqlite3.connect(folder / "records.db") as records:
        marks = ",".join("?" * len(row))
        records.execute(f"INSERT INTO api_keys ({','.join(row)}) VALUES ({marks})", list(row.values()))
    records.close()


def make_records(folder: Path) -> None:
    Shop(folder)
    add_key(folder, KEY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_records(tmp_path)
    return tmp_path


@pytest.fixture
def edge(folder: Path) -> Iterator[Edge]:
    running = Edge(folder)
    yield running
    status, logged = running.stop()
    assert status == 0
    assert "Traceback" not in logged
    assert KEY not in logged


def is_problem(answer: httpx2.Response, status: int, code: str) -> bool:
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == answer.status_code
    return (answer.status_code, document["code"]) == (status, code)


def eventually(true: Any, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_an_accepted_event_can_be_read_at_once_and_a_retry_is_a_duplicate(edge: Edge) -> None:
    sent = body("a", "b")
    for path, outcome in (("/v1/ingest", (2, 0)), ("/v1/ingest/batch", (0, 2)), ("/v1/ingest/events", (0, 2))):
        answer = edge.post(sent, path=path)
        assert answer.status_code == 202
        assert (answer.json()["accepted"], answer.json()["duplicates"]) == outcome
        assert answer.json()["errors"] == []
        assert events(edge.folder) == ["b", "a"]
    assert 'aforo_ingest_events_total{outcome="duplicate"} 4.0' in edge.client.get("/metrics").text
    assert edge.client.get("/healthz").json() == {"status": "ok"}
    assert edge.client.get("/readyz").json() == {"status": "ready"}


def test_other_paths_and_methods_are_problems(edge: Edge) -> None:
    assert is_problem(edge.client.get("/v1/nothing"), 404, "not_found")
    assert is_problem(edge.client.get("/v1/check"), 405, "method_not_allowed")
    refused = edge.client.get("/v1/ingest")
    assert is_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"
    assert is_problem(edge.client.delete("/healthz"), 405, "method_not_allowed")
    assert edge.client.head("/healthz").status_code == 200


def test_who_calls_is_settled_before_the_body_and_each_refusal_has_its_code(edge: Edge) -> None:
    past, future = (rfc3339(datetime.now(UTC) + timedelta(hours=hours)) for hours in (-1, 1))
    add_key(edge.folder, "revoked", revoked_at=past)
    add_key(edge.folder, "expired", expires_at=past)
    add_key(edge.folder, "reader", scopes='["usage:read", "later:invented"]')
    add_key(edge.folder, "elsewhere", networks='["10.0.0.0/8"]')
    add_key(edge.folder, "current", expires_at=future, networks='["127.0.0.0/8"]')
    assert eventually(lambda: edge.post(body("a"), "current").status_code == 202)
    assert is_problem(edge.post(body("a"), "unknown"), 401, "unauthenticated")
    assert is_problem(edge.client.post("/v1/ingest", content=body("a")), 401, "unauthenticated")
    assert is_problem(edge.post(body("a"), "revoked"), 401, "key_revoked")
    assert is_problem(edge.post(body("a"), "expired"), 401, "key_revoked")
    assert is_problem(edge.post(body("a"), "reader"), 403, "missing_scope")
    assert is_problem(edge.post(body("a"), "elsewhere"), 403, "network_not_allowed")
    assert is_problem(edge.post(body("a"), **{"X-Tenant-Id": "rival"}), 403, "tenant_mismatch")
    assert is_problem(edge.post(body("a"), path="/v1/ingest?tenant_id=ten_2"), 403, "tenant_mismatch")
    assert edge.post(body("a"), path="/v1/ingest?tenant_id=ten_1", **{"X-Tenant-Id": "acme"}).status_code == 202
    for name in ("X-API-Key", "x-aforo-key"):
        assert edge.client.post("/v1/ingest", content=body("a"), headers={name: KEY}).status_code == 202


def test_a_revocation_is_obeyed_within_a_second_or_so_without_a_restart(edge: Edge) -> None:
    assert edge.post(body("a")).status_code == 202
    with sqlite3.connect(edge.folder / "records.db") as records:
        records.execute("UPDATE api_keys SET revoked_at = '2026-01-01T00:00:00.000Z'")
    records.close()
    assert eventually(lambda: edge.post(body("b")).status_code == 401, seconds=3)


def test_without_records_the_edge_says_that_it_is_not_ready_and_becomes_ready(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    assert is_problem(edge.client.get("/readyz"), 503, "not_ready")
    waiting = edge.post(body("a"))
    assert is_problem(waiting, 503, "overloaded")
    assert int(waiting.headers["retry-after"]) >= 1
    make_records(tmp_path)
    assert eventually(lambda: edge.client.get("/readyz").status_code == 200)
    assert edge.post(body("a")).status_code == 202
    assert edge.stop()[0] == 0


def test_an_event_of_an_unknown_metric_is_refused_until_that_metric_is_defined(folder: Path, edge: Edge) -> None:
    def sent(key: str, metric: str) -> dict[str, Any]:
        answer = edge.post(body(key).replace(b"api_calls", metric.encode()))
        assert answer.status_code == 202
        found: dict[str, Any] = answer.json()
        return found

    refused = sent("a", "tokens")
    assert (refused["accepted"], [one["code"] for one in refused["errors"]]) == (0, ["unknown_metric"])
    assert sent("b", "system.heartbeat")["accepted"] == 1
    define = "INSERT INTO metrics VALUES ('ten_1', 'tokens', 'token', 'sum', '')"
    with sqlite3.connect(folder / "records.db") as records:
        records.execute(define)
    records.close()
    assert sent("c", "tokens")["accepted"] == 1, "known as soon as it is defined"
    assert sent("d", "api_calls")["accepted"] == 1


def test_bodies_over_10_mib_are_too_large_however_they_come(edge: Edge) -> None:
    full = body("a").ljust(10 * 1024 * 1024)
    assert edge.post(full).status_code == 202
    assert is_problem(edge.post(full + b" "), 413, "too_large")
    pieces = (full[:1_000_000] for _ in range(12))
    headers = {"Authorization": f"Bearer {KEY}"}
    assert is_problem(edge.client.post("/v1/ingest", content=pieces, headers=headers), 413, "too_large")
    assert is_problem(edge.post(b"", **{"Content-Type": "application/json"}), 400, "unreadable")
    assert is_problem(edge.post(body("a"), **{"Content-Encoding": "br"}), 415, "unsupported_media_type")
    assert is_problem(edge.post(body(*map(str, range(1001)))), 413, "too_many_events")
    assert events(edge.folder) == ["a"]


def test_a_body_that_ends_half_way_keeps_nothing(edge: Edge) -> None:
    sent = body("a")
    head = f"POST /v1/ingest HTTP/1.1\r\nHost: e\r\nX-API-Key: {KEY}\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
    with edge.raw() as connection:
        connection.sendall(head + sent[: len(sent) // 2])
    assert edge.post(body("b")).status_code == 202
    assert events(edge.folder) == ["b"]


def test_a_killed_edge_has_every_acknowledged_event_exactly_once(folder: Path) -> None:
    acknowledged: set[str] = set()
    for life in range(3):
        edge = Edge(folder)
        senders = [
            threading.Thread(target=_send_until_killed, args=(edge, f"{life}-{n}", acknowledged)) for n in range(8)
        ]
        for sender in senders:
            sender.start()
        time.sleep(0.4 + 0.2 * life)
        os.kill(edge.process.pid, signal.SIGKILL)
        for sender in senders:
            sender.join()
        edge.process.communicate()
        edge.client.close()
    running = Edge(folder)
    stored = events(folder)
    assert len(acknowledged) > 100
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    retried = running.post(body("after", stored[0])).json()
    assert (retried["accepted"], running.stop()[0]) == (1, 0)


def _send_until_killed(edge: Edge, name: str, acknowledged: set[str]) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{edge.port}", timeout=10) as client:
        for number in range(100_000):
            keys = [f"{name}-{number}-{row}" for row in range(5)]
            try:
                answer = client.post("/v1/ingest", content=body(*keys), headers={"X-API-Key": KEY})
            except httpx2.HTTPError:
                return
            if answer.status_code == 202 and answer.json()["accepted"] == 5:
                acknowledged.update(keys)


def test_a_stopping_edge_finishes_what_was_begun_and_accepts_nothing_new(folder: Path) -> None:
    edge = Edge(folder)
    sent = body("slow")
    head = f"POST /v1/ingest HTTP/1.1\r\nHost: e\r\nX-API-Key: {KEY}\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
    with edge.raw() as begun:
        begun.sendall(head + sent[:20])
        time.sleep(0.3)
        edge.process.terminate()
        assert eventually(lambda: not _connects(edge))
        begun.sendall(sent[20:])
        assert begun.recv(65536).startswith(b"HTTP/1.1 202")
    assert edge.stop()[0] == 0
    assert events(folder) == ["slow"]


def _connects(edge: Edge) -> bool:
    try:
        edge.raw().close()
    except OSError:
        return False
    return True


def test_a_second_edge_on_the_same_folder_does_not_start(edge: Edge) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(edge.folder), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "Another process writes" in json.loads(second.stderr)["reason"]


def test_the_edge_imports_nothing_heavy() -> None:
    code = "import sys, aforo.app.edge.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "fastapi",
        "starlette",
        "pydantic",
        "sqlalchemy",
        "boto3",
        "botocore",
        "moto",
        "pyarrow",
        "duckdb",
        "jinja2",
    }
    assert "uvicorn" in loaded
    assert heavy & set(loaded) == set()
