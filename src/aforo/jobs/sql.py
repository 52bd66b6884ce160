"""The jobs table."""

import json
from typing import Any

from sqlalchemy import Column, Index, Integer, Table, Text, insert, select, update

from aforo.jobs.model import Job, JobState
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("done", Integer, nullable=False),
    Column("about", Integer),
    Column("what", Text, nullable=False),
    Column("result", Text),
    Column("error", Text),
    Index("ix_jobs_tenant", "tenant_id", "started_at"),
)


class JobStore:
    """Keeps jobs across restarts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, job: Job) -> None:
        async with self._db.write() as connection:
            await connection.execute(insert(jobs).values(**_out(job)))

    async def save(self, job: Job) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(jobs).where(jobs.c.id == job.id).values(**_out(job)))

    async def get(self, tenant_id: str, job_id: str) -> Job | None:
        query = select(jobs).where(jobs.c.id == job_id, jobs.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _in(row) if row else None

    async def interrupt_all(self) -> None:
        """Those that were running when the process ended."""
        async with self._db.write() as connection:
            await connection.execute(
                update(jobs)
                .where(jobs.c.state == JobState.RUNNING.value)
                .values(state=JobState.INTERRUPTED.value, ended_at=jobs.c.started_at)
            )


def _out(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "tenant_id": job.tenant_id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state.value,
        "started_at": rfc3339(job.started_at),
        "ended_at": rfc3339(job.ended_at) if job.ended_at else None,
        "done": job.done,
        "about": job.about,
        "what": job.what,
        "result": json.dumps(job.result) if job.result is not None else None,
        "error": json.dumps(job.error) if job.error is not None else None,
    }


def _in(row: Any) -> Job:
    return Job(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        title=row["title"],
        state=JobState(row["state"]),
        started_at=from_rfc3339(row["started_at"]),
        ended_at=from_rfc3339(row["ended_at"]) if row["ended_at"] else None,
        done=row["done"],
        about=row["about"],
        what=row["what"],
        result=json.loads(row["result"]) if row["result"] else None,
        error=json.loads(row["error"]) if row["error"] else None,
    )
