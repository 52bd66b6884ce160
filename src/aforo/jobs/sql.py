"""The jobs table. A result may hold captured configuration, so it is stored sealed only."""

import json
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, delete, insert, select, update

from aforo.jobs.model import Job, JobState
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

KEPT: Final = timedelta(hours=24)
"""How long an ended job can be found again."""

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
    Column("sealed", LargeBinary),
    Column("error", Text),
    Index("ix_jobs_tenant", "tenant_id", "started_at"),
    Index("ix_jobs_ended", "ended_at"),
)


class JobStore:
    """Keeps jobs across restarts, and ended ones for a day; results come and go as they were sealed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, job: Job) -> None:
        """Store a job that starts; those that ended more than a day before are dropped."""
        async with self._db.write() as connection:
            await connection.execute(delete(jobs).where(jobs.c.ended_at < rfc3339(job.started_at - KEPT)))
            await connection.execute(insert(jobs).values(**_out(job)))

    async def save(self, job: Job, sealed: bytes | None = None) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(jobs).where(jobs.c.id == job.id).values(**_out(job), sealed=sealed))

    async def get(self, tenant_id: str, job_id: str) -> tuple[Job, bytes | None] | None:
        """A job and its sealed result."""
        query = select(jobs).where(jobs.c.id == job_id, jobs.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return (_in(row), row["sealed"]) if row else None

    async def running(self) -> list[Job]:
        """Those whose end is not stored, of all tenants."""
        query = select(jobs).where(jobs.c.state == JobState.RUNNING.value)
        async with self._db.read() as connection:
            return [_in(row) for row in (await connection.execute(query)).mappings().all()]


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
        error=json.loads(row["error"]) if row["error"] else None,
    )
