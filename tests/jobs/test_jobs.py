"""A job always ends, says how, and is found again for a day; its result is at rest only sealed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aforo.app.problems import problem
from aforo.app.records import upgrade
from aforo.jobs import Job, Jobs, JobState, JobStore, Report
from aforo.kit.clock import HandClock
from aforo.kit.db import Database
from aforo.kit.jsontree import JsonObject
from tests.live import migrated

TENANT = "ten_1"


def _mirrored(tenant_id: str, job_id: str, text: bytes) -> bytes:
    del tenant_id, job_id
    return text[::-1]


@asynccontextmanager
async def jobs_in(folder: Path, clock: HandClock | None = None) -> AsyncIterator[tuple[Jobs, Database]]:
    """The jobs of one process over a real file; sealing is seen by its text being turned round."""
    migrated(folder / "records.db")
    db = Database(folder / "records.db")
    jobs = Jobs(JobStore(db), clock or HandClock(), problem)
    jobs.seal_results(_mirrored, _mirrored)
    yield jobs, db
    await jobs.stop()
    await db.aclose()


async def _quick(report: Report) -> JsonObject:
    report(2, 2, "steps")
    return {"planId": "prev_1"}


async def _endless(report: Report) -> JsonObject:
    report(2, 5, "steps")
    await asyncio.Event().wait()
    raise AssertionError


async def _until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not told():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.005)


async def test_a_cancel_while_the_end_is_being_stored_leaves_the_end_alone(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, db):
        job = await jobs.start(TENANT, "import", "Import", _quick)
        async with db.write():  # the store of the job's end waits behind this
            await _until(lambda: not jobs.running(TENANT))
            stopping = asyncio.create_task(jobs.cancel(TENANT, job.id))
            await asyncio.sleep(0.05)
        assert (await stopping).state is JobState.DONE
        found = await JobStore(db).get(TENANT, job.id)
        assert found is not None
        assert found[0].state is JobState.DONE


async def test_a_cancelled_job_is_stored_as_cancelled_with_what_it_had_done(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, _):
        job = await jobs.start(TENANT, "restore", "Restore", _endless)
        await _until(lambda: bool(jobs.running(TENANT)[0].done))
        ended = await jobs.cancel(TENANT, job.id)
        assert (ended.state, ended.progress) == (JobState.CANCELLED, "2 of about 5 steps")
        assert jobs.running(TENANT) == []


async def test_an_end_that_a_full_disk_refuses_is_told_at_once_and_stored_when_there_is_room(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, db):
        go = asyncio.Event()

        async def work(_: Report) -> JsonObject:
            await go.wait()
            return {"much": "x" * 100_000}

        job = await jobs.start(TENANT, "import", "Import", work)
        await _fill(db)
        go.set()
        await _until(lambda: not jobs.running(TENANT))
        told = await jobs.cancel(TENANT, job.id)
        assert (told.state, told.result) == (JobState.DONE, {"much": "x" * 100_000})
        assert await _stored_state(db, job) is JobState.RUNNING
        await _make_room(db)
        await jobs.run(TENANT, "import", "Another", _quick, wait_seconds=5)
        assert await _stored_state(db, job) is JobState.DONE


async def test_work_that_meets_a_full_disk_has_failed_and_says_what_to_do(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, db):

        async def work(_: Report) -> JsonObject:
            await _fill(db)
            async with db.write() as connection:
                await connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(1000000) AS zeros")
            return {}

        job = await jobs.follow(TENANT, "import", "Import", work, wait_seconds=5)
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert (job.error["status"], job.error["code"]) == (503, "storage_unavailable")


async def test_a_job_that_ran_when_the_process_ended_has_failed_and_tells_how_far_it_was(tmp_path: Path) -> None:
    migrated(tmp_path / "records.db")
    db = Database(tmp_path / "records.db")
    clock = HandClock()
    await JobStore(db).add(
        Job("job_1", TENANT, "restore", "Restore", JobState.RUNNING, clock.now(), None, 2, 5, "steps")
    )
    await db.aclose()
    clock.forward(60)
    async with jobs_in(tmp_path, clock) as (jobs, _):
        await jobs.recover()
        job = await jobs.get(TENANT, "job_1")
        assert (job.state, job.ended_at) == (JobState.FAILED, clock.now())
        assert job.error is not None
        assert (job.error["code"], job.error["title"]) == ("interrupted", "Interrupted")
        assert "2 of about 5 steps" in str(job.error["detail"])
        assert "start it again" in str(job.error["detail"])


async def test_a_job_that_runs_now_is_no_interrupted_one(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, _):
        job = await jobs.start(TENANT, "restore", "Restore", _endless)
        await jobs.recover()
        assert (await jobs.get(TENANT, job.id)).state is JobState.RUNNING


async def test_ended_jobs_are_kept_for_a_day_and_running_ones_always(tmp_path: Path) -> None:
    clock = HandClock()
    async with jobs_in(tmp_path, clock) as (jobs, db):
        old = await jobs.run(TENANT, "preview", "Old", _quick, wait_seconds=5)
        running = await jobs.start(TENANT, "preview", "Long", _endless)
        clock.forward(24 * 3600)
        young = await jobs.run(TENANT, "preview", "Young", _quick, wait_seconds=5)
        assert await JobStore(db).get(TENANT, old.id) is not None
        clock.forward(1)
        await jobs.run(TENANT, "preview", "Next", _quick, wait_seconds=5)
        assert await JobStore(db).get(TENANT, old.id) is None
        for kept in (running, young):
            assert await JobStore(db).get(TENANT, kept.id) is not None


async def test_a_result_is_stored_sealed_and_found_again(tmp_path: Path) -> None:
    async with jobs_in(tmp_path) as (jobs, db):
        job = await jobs.run(TENANT, "preview", "Preview", _quick, wait_seconds=5)
        assert job.result == {"planId": "prev_1"}
        found = await JobStore(db).get(TENANT, job.id)
        assert found is not None
        assert (found[0].result, found[1]) == (None, b'{"planId": "prev_1"}'[::-1])


def test_the_upgrade_wipes_results_that_were_stored_in_the_clear(tmp_path: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine

    from aforo.app.records import alembic_config

    path = tmp_path / "records.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    insert = "INSERT INTO jobs (id, tenant_id, kind, title, state, started_at, done, what, result) VALUES "
    with sqlite3.connect(path) as plain:
        plain.execute(insert + "('a', 't', 'preview', '', 'INTERRUPTED', '', 0, '', 'captured_in_the_clear')")
        plain.execute(insert + "('b', 't', 'preview', '', 'RUNNING', '', 0, '', NULL)")
    upgrade(path)
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT id FROM jobs").fetchall() == [("b",)]
    plain.close()
    assert b"captured_in_the_clear" not in path.read_bytes()


async def _fill(db: Database) -> None:
    """From here on the file may not grow: what a full disk does."""
    await _pragma(db, f"max_page_count = {await _pragma(db, 'page_count')}")


async def _make_room(db: Database) -> None:
    await _pragma(db, "max_page_count = 100000")


async def _pragma(db: Database, words: str) -> object:
    async with db._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver
        row = await (await driver.execute(f"PRAGMA {words}")).fetchone()
        return row and row[0]


async def _stored_state(db: Database, job: Job) -> JobState:
    found = await JobStore(db).get(TENANT, job.id)
    assert found is not None
    return found[0].state
