"""`aforo serve` as a person runs it: real processes, real ports, a real data folder."""

import contextlib
import itertools
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

from aforo.gateway_sdk.registry import gateways

AFORO = str(Path(sys.executable).with_name("aforo"))


def free_ports(count: int) -> list[int]:
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
def served(folder: Path, *options: str, ends_by: signal.Signals = signal.SIGTERM) -> Iterator[Served]:
    port, edge_port = free_ports(2)
    command = [AFORO, "serve", "--port", str(port), "--edge-port", str(edge_port), *options]
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
        process.send_signal(ends_by)
        assert process.wait(30) == (-signal.SIGKILL if ends_by is signal.SIGKILL else 0)
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


@contextmanager
def _taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--port {taken}", "Port {taken} of 127.0.0.1 is in use."),
        ("--edge-port {taken}", "Port {taken} of 127.0.0.1 is in use."),
        ("--port 18080 --edge-port 18080", "--port and --edge-port are both 18080."),
        ("--port 99999", "--port 99999 is no port."),
        ("--edge-port 0", "--edge-port 0 is no port."),
        ("--host no..host", "'no..host' is no address of this machine."),
        ("--host 192.0.2.1", "192.0.2.1 is no address of this machine"),
    ],
)
def test_what_stands_in_the_way_is_told_before_anything_is_started(tmp_path: Path, options: str, told: str) -> None:
    with _taken_port() as taken:
        free = dict(zip(("--port", "--edge-port"), map(str, free_ports(2)), strict=True))
        words = options.format(taken=taken).split()
        chosen = free | dict(zip(words[::2], words[1::2], strict=True))
        ended = _serve_in_vain(tmp_path, *(word for option in chosen.items() for word in option))
    assert ended.returncode == 2
    assert told.format(taken=taken) in ended.stderr
    assert not (tmp_path / "var").exists()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    port, edge_port = free_ports(2)
    ended = _serve_in_vain(tmp_path, "--port", str(port), "--edge-port", str(edge_port))
    assert (ended.returncode, "cannot be used: File exists" in ended.stderr) == (2, True)


def test_one_data_folder_serves_one_aforo_at_a_time(tmp_path: Path) -> None:
    port, edge_port = free_ports(2)
    with served(tmp_path) as running:
        ended = _serve_in_vain(tmp_path, "--port", str(port), "--edge-port", str(edge_port))
        assert ended.returncode == 2
        assert f"in use by another Aforo (process {running.process.pid})" in ended.stderr


def test_both_origins_listen_on_an_address_of_the_newer_kind(tmp_path: Path) -> None:
    if not _has_loopback_of_the_newer_kind():
        pytest.skip("this machine has no IPv6")
    with served(tmp_path, "--host", "::1") as running:
        assert "ready in" in running.printed
        port, edge_port = (url.rpartition(":")[2] for url in (running.api, running.edge))
        assert f"api http://[::1]:{port}  edge http://[::1]:{edge_port}" in running.printed
        assert re.search(rf"http://\[::1\]:{port}/sign-in/\S+", running.printed)
        headers = {"Authorization": f"Bearer {running.admin_key}"}
        sent = httpx2.post(f"http://[::1]:{port}/v1/ingest", json=_event("a"), headers=headers, trust_env=False)
        assert sent.status_code == 202, "the api finds the edge"


@pytest.mark.parametrize("sent", [pytest.param(signal.SIGHUP, marks=pytest.mark.long), signal.SIGKILL])
def test_no_child_outlives_its_supervisor(tmp_path: Path, sent: signal.Signals) -> None:
    with served(tmp_path, ends_by=sent) as running:
        children = [running.child(f"aforo.app.{name}") for name in ("api", "edge")]
        running.process.send_signal(sent)
        running.process.wait(30)
        until = time.monotonic() + 20
        while living := [pid for pid in children if _lives(pid)]:
            assert time.monotonic() < until, living
            time.sleep(0.05)
    with served(tmp_path) as again:
        assert "ready in" in again.printed, "and they left the data folder free"


@pytest.mark.long
def test_a_child_that_crashes_again_and_again_ends_all_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "log").write_text("where the edge needs a folder")
    port, edge_port = free_ports(2)
    ended = _serve_in_vain(tmp_path, "--port", str(port), "--edge-port", str(edge_port))
    assert ended.returncode == 1
    assert "Aforo stops: edge crashed 5 times" in ended.stderr
    assert "the edge cannot start" in ended.stderr.partition("Its last words:")[2]


@pytest.mark.long
def test_emulators_that_cannot_run_are_left_out_and_aforo_goes_on(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        with contextlib.suppress(OSError):  # taken by somebody else does as well
            taken.bind(("127.0.0.1", gateways()["kong"].manifest.emulator_port))
            taken.listen()
        running = stack.enter_context(served(tmp_path, "--emulate"))
        assert running.process.stdout
        said = "".join(itertools.takewhile(lambda line: "Aforo goes on without" not in line, running.process.stdout))
        assert "emulators ended; restarting" in said
        assert httpx2.get(f"{running.edge}/readyz", trust_env=False).status_code == 200


def _serve_in_vain(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [AFORO, "serve", "--data-dir", str(folder / "var"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _has_loopback_of_the_newer_kind() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("path", ["var", "var/records.db", "var.key"])
def test_what_holds_secrets_is_readable_by_its_owner_alone(tmp_path: Path, path: str) -> None:
    with served(tmp_path):
        mode = (tmp_path / path).stat().st_mode & 0o077
    assert mode == 0
