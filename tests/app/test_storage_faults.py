"""A disk that takes no more is told as such, and no rule of the database surfaces as a failure of ours."""

from pathlib import Path

import httpx2
import pytest

from aforo.accounts import Scope
from aforo.app.api import create
from aforo.app.readiness import Readiness
from aforo.kit.clock import HandClock
from tests.live import Aforo, aforo

KEY = {"name": "n" * 200, "scopes": ["usage:ingest"]}


async def test_a_full_disk_is_told_with_a_time_to_try_again_and_readers_go_on(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        await _pragma(running, f"max_page_count = {await _pragma(running, 'page_count')}")
        for _ in range(200):
            answer = await running.http.post("/api/v1/api-keys", json=KEY)
            if answer.status_code != 201:
                break
        _is_told(answer, "full")
        assert (await running.http.get("/api/v1/api-keys")).status_code == 200
        await _pragma(running, "max_page_count = 100000")
        assert (await running.http.post("/api/v1/api-keys", json=KEY)).status_code == 201


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
async def test_records_that_cannot_be_written_are_told_and_the_probe_says_so(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    clock = HandClock()
    async with aforo(tmp_path, clock) as running:
        assert (await running.http.get("/readyz")).json() == {"status": "ready"}
        await _pragma(running, "query_only = ON")
        clock.forward(2)
        _is_told(await running.http.post("/api/v1/api-keys", json=KEY, headers=headers), "readonly")
        probe = await running.http.get("/readyz")
        assert (probe.status_code, "readonly" in probe.json()["reason"]) == (503, True)
        await _pragma(running, "query_only = OFF")
        assert (await running.http.get("/readyz")).status_code == 503, "it is tried once a second"
        clock.forward(1)
        assert (await running.http.get("/readyz")).status_code == 200


async def test_a_disk_with_little_room_is_not_ready_before_a_write_fails(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        told = await Readiness(running.rooms.db, HandClock(), least_free_bytes=2**62).in_the_way()
        assert told is not None
        assert told.startswith("The disk of the data folder is full")


async def test_a_broken_rule_of_the_records_is_a_conflict_and_never_a_failure_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with aforo(tmp_path) as running:
        app = create(running.rooms)

        @app.post("/api/v1/broken")
        async def broken() -> None:
            await running.rooms.accounts.create_key("ten_nobody", "k", [Scope.USAGE_READ])

        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://aforo.test") as http:
            answer = await http.post("/api/v1/broken")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "a rule of the records was about to be broken" in caplog.text


def _is_told(answer: httpx2.Response, word: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert word in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) >= 1


async def _pragma(running: Aforo, words: str) -> object:
    """Set or read a pragma of the one connection that writes; no transaction is begun, which it could refuse."""
    async with running.rooms.db._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver
        row = await (await driver.execute(f"PRAGMA {words}")).fetchone()
        return row and row[0]
