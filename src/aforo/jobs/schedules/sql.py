"""The schedules table. A run writes its own columns only, so that a change of the interval meanwhile stands."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Float, Index, Integer, Table, Text, delete, insert, select, update

from aforo.jobs.schedules.model import Result, Run, Schedule
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("next_at", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("own_seconds", Integer),
    Column("running", Boolean, nullable=False),
    Column("started_at", Text),
    Column("ended_at", Text),
    Column("took_ms", Float),
    Column("result", Text),
    Column("words", Text, nullable=False),
    Column("error", Text),
    Index("uq_schedules_kind", "tenant_id", "kind", "subject_id", unique=True),
    Index("ix_schedules_due", "enabled", "running", "next_at"),
)


class ScheduleStore:
    """Reads and writes schedules."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self, tenant_id: str | None = None) -> list[Schedule]:
        query = select(schedules)
        return await self._read(query if tenant_id is None else query.where(schedules.c.tenant_id == tenant_id))

    async def get(self, schedule_id: str) -> Schedule | None:
        found = await self._read(select(schedules).where(schedules.c.id == schedule_id))
        return found[0] if found else None

    async def due(self, now: datetime) -> list[Schedule]:
        """The longest overdue first."""
        is_due = schedules.c.enabled & ~schedules.c.running & (schedules.c.next_at <= rfc3339(now))
        return await self._read(select(schedules).where(is_due).order_by(schedules.c.next_at, schedules.c.id))

    async def replace(self, gone: list[str], new: list[Schedule]) -> None:
        async with self._db.write() as connection:
            if gone:
                await connection.execute(delete(schedules).where(schedules.c.id.in_(gone)))
            if new:
                await connection.execute(insert(schedules), [_out(one) for one in new])

    async def plan(self, moments: dict[str, datetime]) -> None:
        """When to run next, by schedule."""
        async with self._db.write() as connection:
            for schedule_id, at in moments.items():
                mine = schedules.c.id == schedule_id
                await connection.execute(update(schedules).where(mine).values(next_at=rfc3339(at)))

    async def settings(self, schedule: Schedule) -> None:
        await self._update(
            schedule.id,
            next_at=rfc3339(schedule.next_at),
            enabled=schedule.enabled,
            own_seconds=schedule.own_seconds,
        )

    async def run(self, schedule_id: str, run: Run, next_at: datetime | None = None) -> None:
        """A run's beginning; or its end, with when the next one is."""
        planned = {} if next_at is None else {"next_at": rfc3339(next_at)}
        await self._update(schedule_id, **_run_out(run), **planned)

    async def _update(self, schedule_id: str, **values: Any) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(schedules).where(schedules.c.id == schedule_id).values(**values))

    async def _read(self, query: Any) -> list[Schedule]:
        async with self._db.read() as connection:
            return [_in(row) for row in (await connection.execute(query)).mappings().all()]


def _out(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "tenant_id": schedule.tenant_id,
        "kind": schedule.kind,
        "subject_id": schedule.subject_id,
        "next_at": rfc3339(schedule.next_at),
        "enabled": schedule.enabled,
        "own_seconds": schedule.own_seconds,
        **_run_out(schedule.last),
    }


def _run_out(run: Run | None) -> dict[str, Any]:
    return {
        "running": run is not None and run.ended_at is None,
        "started_at": rfc3339(run.started_at) if run else None,
        "ended_at": rfc3339(run.ended_at) if run and run.ended_at else None,
        "took_ms": run.took_ms if run else None,
        "result": run.result.value if run and run.result else None,
        "words": run.words if run else "",
        "error": json.dumps(run.error) if run and run.error is not None else None,
    }


def _in(row: Any) -> Schedule:
    return Schedule(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        next_at=from_rfc3339(row["next_at"]),
        enabled=bool(row["enabled"]),
        own_seconds=row["own_seconds"],
        last=_run_in(row) if row["started_at"] else None,
    )


def _run_in(row: Any) -> Run:
    return Run(
        started_at=from_rfc3339(row["started_at"]),
        ended_at=from_rfc3339(row["ended_at"]) if row["ended_at"] else None,
        took_ms=row["took_ms"],
        result=Result(row["result"]) if row["result"] else None,
        words=row["words"],
        error=json.loads(row["error"]) if row["error"] else None,
    )
