"""The outbox of messages, and the log of how each try went."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.alerts.model import Attempt, Delivery, DeliveryState, Event, Outcome
from aforo.alerts.sql.tables import attempts, channels, deliveries
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database

_EARLIER = deliveries.alias("earlier")
_IN_ORDER = ~exists().where(
    _EARLIER.c.alert_id == deliveries.c.alert_id,
    _EARLIER.c.channel_id == deliveries.c.channel_id,
    _EARLIER.c.state == DeliveryState.PENDING.value,
    _EARLIER.c.event == Event.RAISED.value,
    deliveries.c.event == Event.RESOLVED.value,
)
"""Nobody hears that something is over before having heard that it began."""


class DeliveryStore:
    """Reads what is due, and writes how it went."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def channels_due(self, now: datetime) -> list[tuple[str, str]]:
        """(tenant, channel) with something due."""
        query = select(deliveries.c.tenant_id, deliveries.c.channel_id).where(_due(now)).distinct()
        async with self._db.read() as connection:
            return [(row[0], row[1]) for row in await connection.execute(query)]

    async def next_due(self, channel_id: str, now: datetime) -> Delivery | None:
        """The oldest."""
        query = _select().where(deliveries.c.channel_id == channel_id, _due(now)).order_by(deliveries.c.id).limit(1)
        return next(iter(await self._read(query)), None)

    async def one(self, tenant_id: str, delivery_id: str) -> Delivery | None:
        query = _select().where(deliveries.c.tenant_id == tenant_id, deliveries.c.id == delivery_id)
        return next(iter(await self._read(query)), None)

    async def of(self, alert_ids: Collection[str]) -> dict[str, list[Delivery]]:
        """By alert, oldest first."""
        found: dict[str, list[Delivery]] = {one: [] for one in alert_ids}
        query = _select().where(deliveries.c.alert_id.in_([*alert_ids])).order_by(deliveries.c.id)
        for one in await self._read(query):
            found[one.alert_id or ""].append(one)
        return found

    async def latest(self, tenant_id: str, channel_id: str) -> Delivery | None:
        """The last one that ended."""
        query = _select().where(
            deliveries.c.tenant_id == tenant_id,
            deliveries.c.channel_id == channel_id,
            deliveries.c.ended_at.is_not(None),
        )
        return next(iter(await self._read(query.order_by(deliveries.c.ended_at.desc()).limit(1))), None)

    async def tries(self, delivery_ids: Collection[str]) -> dict[str, list[Attempt]]:
        """By delivery, in order."""
        found: dict[str, list[Attempt]] = {one: [] for one in delivery_ids}
        query = select(attempts).where(attempts.c.delivery_id.in_([*delivery_ids])).order_by(attempts.c.number)
        async with self._db.read() as connection:
            for row in (await connection.execute(query)).mappings():
                ok = None if row["ok"] is None else bool(row["ok"])
                tried = Attempt(row["number"], from_rfc3339(row["at"]), ok, row["answer"], row["took_ms"])
                found[row["delivery_id"]].append(tried)
        return found

    async def add(self, delivery: Delivery) -> None:
        async with self._db.write() as connection:
            await add(connection, delivery)

    async def begin(self, delivery: Delivery, now: datetime, due_at: datetime) -> int | None:
        """A try begins: what follows a crash from here on is known before anything is sent. Its number; None when the
        delivery has ended meanwhile.
        """
        number = delivery.attempts + 1
        here = (deliveries.c.id == delivery.id) & (deliveries.c.state == DeliveryState.PENDING.value)
        async with self._db.write() as connection:
            moved = {"attempts": number, "due_at": rfc3339(due_at)}
            done = await connection.execute(
                update(deliveries).where(here, deliveries.c.attempts == delivery.attempts).values(moved)
            )
            if not done.rowcount:
                return None
            tried = {"delivery_id": delivery.id, "number": number, "at": rfc3339(now)}
            await connection.execute(insert(attempts).values(tried))
        return number

    async def end(self, delivery_id: str, number: int, outcome: Outcome, took_ms: float) -> None:
        """What a try brought."""
        here = (attempts.c.delivery_id == delivery_id) & (attempts.c.number == number)
        told = {"ok": outcome.ok, "answer": outcome.answer, "took_ms": took_ms}
        async with self._db.write() as connection:
            await connection.execute(update(attempts).where(here).values(told))
            await connection.execute(
                update(deliveries).where(deliveries.c.id == delivery_id).values(answer=outcome.answer)
            )

    async def put_off(self, delivery_id: str, due_at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                update(deliveries).where(deliveries.c.id == delivery_id).values(due_at=rfc3339(due_at))
            )

    async def finish(self, delivery_id: str, state: DeliveryState, at: datetime) -> None:
        ended = {"state": state.value, "ended_at": rfc3339(at)}
        async with self._db.write() as connection:
            await connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(ended))

    async def _read(self, query: Any) -> list[Delivery]:
        async with self._db.read() as connection:
            return [_delivery(row) for row in (await connection.execute(query)).mappings()]


async def add(connection: AsyncConnection, delivery: Delivery) -> None:
    """Inside the transaction of what is told."""
    await connection.execute(
        insert(deliveries).values(
            id=delivery.id,
            tenant_id=delivery.tenant_id,
            channel_id=delivery.channel_id,
            alert_id=delivery.alert_id,
            event=delivery.event.value,
            state=delivery.state.value,
            attempts=delivery.attempts,
            due_at=rfc3339(delivery.due_at),
            created_at=rfc3339(delivery.created_at),
            payload=json.dumps(delivery.payload),
            replay_of=delivery.replay_of,
        )
    )


async def told(connection: AsyncConnection, alert_id: str) -> set[str]:
    """The channels that hear, or are to hear, that this alert began."""
    query = select(deliveries.c.channel_id).where(
        deliveries.c.alert_id == alert_id, deliveries.c.event == Event.RAISED.value
    )
    return set((await connection.execute(query)).scalars())


def _select() -> Any:
    named = channels.c.name.label("channel_name")
    return select(*deliveries.c, named).join(channels, channels.c.id == deliveries.c.channel_id)


def _due(now: datetime) -> Any:
    waiting = deliveries.c.state == DeliveryState.PENDING.value
    return waiting & (deliveries.c.due_at <= rfc3339(now)) & _IN_ORDER


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row["id"],
        tenant_id=row["tenant_id"],
        channel_id=row["channel_id"],
        channel_name=row["channel_name"],
        alert_id=row["alert_id"],
        event=Event(row["event"]),
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        due_at=from_rfc3339(row["due_at"]),
        created_at=from_rfc3339(row["created_at"]),
        payload=json.loads(row["payload"]),
        ended_at=from_rfc3339(row["ended_at"]) if row["ended_at"] else None,
        answer=row["answer"],
        replay_of=row["replay_of"],
    )
