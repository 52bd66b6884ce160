"""`aforo serve` as a person runs it: real processes, real ports, a real data folder."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

AFORO = str(Path(sys.executable).with_name("aforo"))


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Served:
    """A running Aforo: its origins, what it printed, and its children's pids."""

    def __init__(self, process: subprocess.Popen[str], port: int, edge_port: int, printed: str) -> None:
        self.process = process
        self.api, self.edge = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{edge_port}"
        self.printed = printed

    @property
    def admin_key(self) -> str:
        found = re.search(r"sk_live_\w{40}", self.printed)
        assert found, self.printed
        return found[0]

    def child(self, module: str) -> int:
        """The pid of the child that runs a module."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        return next(int(line.split()[0]) for line in listed.stdout.splitlines() if module in line)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    port, edge_port = _free_ports(2)
    command = [AFORO, "serve", "--port", str(port), "--edge-port", str(edge_port)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder / "var")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        yield Served(process, port, edge_port, _until_greeted(process))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stdout
        process.stdout.close()


def _until_greeted(process: subprocess.Popen[str]) -> str:
    lines: list[str] = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if "Stop with Ctrl-C" in line:
            return "".join(lines)
    raise AssertionError("it ended before it was ready:\n" + "".join(lines))


def _wait_for(url: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if httpx2.get(url, trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def _event(key: str) -> dict[str, object]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"customerId": "acme", "metricName": "api_calls", "quantity": 1, "occurredAt": now, "idempotencyKey": key}


def test_the_first_start_shows_key_and_link_and_both_origins_work(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        assert "ready in" in running.printed
        headers = {"Authorization": f"Bearer {running.admin_key}"}
        sent = httpx2.post(f"{running.edge}/v1/ingest", json=_event("a"), headers=headers, trust_env=False)
        assert (sent.status_code, sent.json()["accepted"]) == (202, 1)
        through = httpx2.post(f"{running.api}/v1/ingest", json=_event("b"), headers=headers, trust_env=False)
        assert (through.status_code, through.json()["accepted"]) == (202, 1)
        seen = httpx2.get(f"{running.api}/v1/events", headers=headers, trust_env=False).json()["data"]
        assert [event["idempotencyKey"] for event in seen] == ["b", "a"]
        link = re.search(r"http://\S+/sign-in/\S+", running.printed)
        assert link
        entered = httpx2.get(link[0], trust_env=False)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert httpx2.get(link[0], trust_env=False).status_code == 401, "a link is good once"


def test_a_child_that_dies_is_started_again_and_the_other_is_not_touched(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        edge = running.child("aforo.app.edge")
        os.kill(running.child("aforo.app.api"), signal.SIGKILL)
        headers = {"Authorization": f"Bearer {running.admin_key}"}
        sent = httpx2.post(f"{running.edge}/v1/ingest", json=_event("a"), headers=headers, trust_env=False)
        assert sent.status_code == 202, "the edge does not notice"
        _wait_for(f"{running.api}/readyz")
        assert running.child("aforo.app.edge") == edge


def test_a_restart_keeps_everything_and_shows_no_key_again(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        key = running.admin_key
    with served(tmp_path) as again:
        assert "sk_live_" not in again.printed
        answer = httpx2.get(f"{again.api}/api/v1/me", headers={"X-API-Key": key}, trust_env=False)
        assert answer.status_code == 200


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [AFORO, "serve", "--port", str(port), "--data-dir", str(tmp_path / "var")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 2
    assert f"Port {port}" in ended.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("path", ["var", "var/records.db", "var.key"])
def test_what_holds_secrets_is_readable_by_its_owner_alone(tmp_path: Path, path: str) -> None:
    with served(tmp_path):
        mode = (tmp_path / path).stat().st_mode & 0o077
    assert mode == 0
