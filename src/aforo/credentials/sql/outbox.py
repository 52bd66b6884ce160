"""What is still to be done at gateways, in the same file and transaction as what made it necessary.

Level-triggered: a row says that a seat is to be looked at, never what happened. So a row may be written twice, done
twice, or done after a crash.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.credentials.model import Stuck, Task
from aforo.credentials.sql.tables import outbox, seats
from aforo.kit.clock import rfc3339
from aforo.kit.db import Database

UNFOLD = ""
"""In place of an integration: find the subscription's seats first."""


async def ask(
    connection: AsyncConnection,
    tenant_id: str,
    subscription_id: str,
    integration_id: str,
    due_at: datetime,
    *,
    urgent: bool,
) -> None:
    """A seat is to be converged; it is due at once even if an earlier attempt has failed."""
    new = insert(outbox).values(
        subscription_id=subscription_id,
        integration_id=integration_id,
        tenant_id=tenant_id,
        due_at=rfc3339(due_at),
        attempts=0,
        urgent=urgent,
        generation=1,
    )
    again = {
        "due_at": func.min(outbox.c.due_at, new.excluded.due_at),
        "attempts": 0,
        "urgent": outbox.c.urgent | new.excluded.urgent,
        "generation": outbox.c.generation + 1,
    }
    key = ["subscription_id", "integration_id"]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=again))


async def finish(connection: AsyncConnection, task: Task, due_at: datetime | None) -> None:
    """Drop the row, or keep it for the next moment at which something falls due; unless somebody asked meanwhile."""
    if due_at is None:
        await connection.execute(delete(outbox).where(_same(task)))
    else:
        values = {"due_at": rfc3339(due_at), "attempts": 0, "urgent": False}
        await connection.execute(update(outbox).where(_same(task)).values(values))


async def put_off(connection: AsyncConnection, task: Task, due_at: datetime) -> None:
    """After a failure."""
    values = {"due_at": rfc3339(due_at), "attempts": task.attempts + 1}
    await connection.execute(update(outbox).where(_same(task)).values(values))


async def drop(connection: AsyncConnection, subscription_id: str, integration_id: str) -> None:
    """Nothing is to be done there after all."""
    mine = (outbox.c.subscription_id == subscription_id) & (outbox.c.integration_id == integration_id)
    await connection.execute(delete(outbox).where(mine))


def _same(task: Task) -> Any:
    place = (outbox.c.subscription_id == task.subscription_id) & (outbox.c.integration_id == task.integration_id)
    return place & (outbox.c.generation == task.generation)


class Outbox:
    """Reads what is due."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def due(self, now: datetime, *, integration_id: str | None = None, limit: int = 1_000) -> list[Task]:
        """The urgent first, then the longest due."""
        query = select(outbox).where(outbox.c.due_at <= rfc3339(now))
        if integration_id is not None:
            query = query.where(outbox.c.integration_id == integration_id)
        ordered = query.order_by(outbox.c.urgent.desc(), outbox.c.due_at, outbox.c.subscription_id).limit(limit)
        return await self._read(ordered)

    async def places_due(self, now: datetime) -> list[str]:
        """The integrations at which something is due; `UNFOLD` where seats are still to be found."""
        query = select(outbox.c.integration_id).where(outbox.c.due_at <= rfc3339(now)).distinct()
        async with self._db.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def of(self, subscription_id: str) -> list[Task]:
        """Whatever is to be done for a subscription, due or not."""
        return await self._read(select(outbox).where(outbox.c.subscription_id == subscription_id))

    async def stuck(self, tenant_id: str, attempts: int) -> list[Stuck]:
        """Seats that failed so often in a row, or more often."""
        query = (
            select(outbox.c.subscription_id, outbox.c.integration_id, outbox.c.attempts, seats.c.reason)
            .join(
                seats,
                (seats.c.subscription_id == outbox.c.subscription_id)
                & (seats.c.integration_id == outbox.c.integration_id),
            )
            .where(outbox.c.tenant_id == tenant_id, outbox.c.attempts >= attempts)
        )
        async with self._db.read() as connection:
            return [Stuck(*row) for row in await connection.execute(query)]

    async def rest(self, integration_id: str, now: datetime, until: datetime) -> None:
        """Nothing of this integration is tried before `until`: its breaker is open."""
        due = (outbox.c.integration_id == integration_id) & (outbox.c.due_at <= rfc3339(now))
        async with self._db.write() as connection:
            await connection.execute(update(outbox).where(due).values(due_at=rfc3339(until)))

    async def _read(self, query: Any) -> list[Task]:
        async with self._db.read() as connection:
            return [_task(row) for row in (await connection.execute(query)).mappings()]


def _task(row: Any) -> Task:
    return Task(
        row["subscription_id"],
        row["integration_id"],
        row["tenant_id"],
        row["attempts"],
        bool(row["urgent"]),
        row["generation"],
    )
