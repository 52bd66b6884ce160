"""The api is killed in the middle of a restore: the job tells how far it was, and the next restore finishes it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from aforo.gateway_sdk.emulator import Fault
from tests.catalog.admin import ask, make, remove
from tests.live import Emulated, aforo, emulated, migrated

PLUGINS = ("correlation-id", "key-auth", "rate-limiting")


@contextmanager
def api(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The api as a process of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "AFORO_DATA_DIR": str(folder / "var"), "AFORO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "aforo.app.api"], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(address))
        yield address, process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize(
    "stands", [pytest.param(0, marks=pytest.mark.long), 2, pytest.param(4, marks=pytest.mark.long)]
)
async def test_after_a_kill_at_the_first_a_middle_and_the_last_step_the_job_says_so_and_the_next_restore_finishes(
    tmp_path: Path, stands: int
) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            _make(kong)
            integration_id = await mine.connect(kong)
            (product,) = await mine.import_all(integration_id)
        remove(kong, "orders")
        job_id = _killed_after(stands, kong, tmp_path, mine.admin_key, product["id"])
        async with aforo(tmp_path) as mine:
            await mine.rooms.jobs.recover()
            job = await mine.call("GET", f"/api/v1/jobs/{job_id}")
            assert (job["state"], job["error"]["code"]) == ("FAILED", "interrupted")
            assert f"{stands} of about 5 steps" in job["error"]["detail"]
            done = await mine.call("POST", f"/api/v1/products/{product['id']}/restore", {})
            assert {step["outcome"] for step in done["steps"]} == {"DONE"}
            assert (await mine.preview(integration_id))["summary"]["UNCHANGED"] == 1
            assert (await mine.call("GET", f"/api/v1/products/{product['id']}"))["driftId"] is None


def _killed_after(stands: int, kong: Emulated, folder: Path, key: str, product_id: str) -> str:
    """Start a restore of five steps, and kill the api once so many stand and that is stored; the job's id."""
    migrated(folder / "var" / "records.db")
    with api(folder) as (address, process):
        kong.board.faults.append(Fault(503, after=stands, method="PUT", delay_ms=3000))
        headers = {"Authorization": f"Bearer {key}", "Prefer": "respond-async"}
        answer = httpx2.post(
            f"{address}/api/v1/products/{product_id}/restore", json={}, headers=headers, trust_env=False
        )
        job_id = str(answer.json()["jobId"])
        _until(lambda: _writes(kong) > stands)
        _until(lambda: _stored(folder, job_id) == (stands, 5))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    kong.board.faults.clear()
    return job_id


def _make(kong: Emulated) -> None:
    make(kong, "orders")
    for name in PLUGINS:
        config = {"minute": 5, "policy": "local"} if name == "rate-limiting" else {}
        ask(kong, "POST", "/services/orders/plugins", {"name": name, "config": config})


def _writes(kong: Emulated) -> int:
    return sum(1 for method, _ in kong.board.log if method == "PUT")


def _stored(folder: Path, job_id: str) -> tuple[int, int]:
    """How far the job is, as it would be found after a crash."""
    with closing(sqlite3.connect(folder / "var" / "records.db")) as records:
        found: tuple[int, int] = records.execute("SELECT done, about FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return found


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _until(told: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not told():
        assert time.monotonic() < end
        time.sleep(0.01)
