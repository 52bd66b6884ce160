"""Channels at rest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.alerts.errors import ChannelNameTaken, TooManyChannels
from aforo.alerts.model import MOST_CHANNELS, Channel, ChannelKind, DeliveryState, Kind, Severity
from aforo.alerts.sql.tables import channels, deliveries
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class ChannelStore:
    """Reads and writes channels; a removed one is found by nobody."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self, tenant_id: str) -> list[Channel]:
        """By name."""
        async with self._db.read() as connection:
            return await of_tenant(connection, tenant_id)

    async def one(self, tenant_id: str, channel_id: str) -> Channel | None:
        query = select(channels).where(
            channels.c.id == channel_id, channels.c.tenant_id == tenant_id, channels.c.removed_at.is_(None)
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _channel(row) if row else None

    async def add(self, channel: Channel) -> None:
        """Raises ChannelNameTaken or TooManyChannels."""
        mine = (channels.c.tenant_id == channel.tenant_id) & channels.c.removed_at.is_(None)
        values = {"id": channel.id, "tenant_id": channel.tenant_id, "kind": channel.kind.value}
        made = {"created_at": rfc3339(channel.created_at), **values, **_changeable(channel)}
        with _told_apart(channel.name):
            async with self._db.write() as connection:
                count = await connection.scalar(select(func.count()).select_from(channels).where(mine))
                if (count or 0) >= MOST_CHANNELS:
                    raise TooManyChannels(
                        f"A tenant has at most {MOST_CHANNELS} channels.", next_step="Remove one that nobody reads."
                    )
                await connection.execute(insert(channels).values(made))

    async def replace(self, channel: Channel) -> None:
        """Raises ChannelNameTaken."""
        with _told_apart(channel.name):
            async with self._db.write() as connection:
                await connection.execute(
                    update(channels).where(channels.c.id == channel.id).values(_changeable(channel))
                )

    async def pause(self, channel_id: str, why: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(channels).where(channels.c.id == channel_id).values(paused=why))

    async def remove(self, channel_id: str, at: datetime) -> None:
        """Its address goes for good; what was still to be sent to it has failed."""
        waiting = (deliveries.c.channel_id == channel_id) & (deliveries.c.state == DeliveryState.PENDING.value)
        failed = {
            "state": DeliveryState.FAILED.value,
            "ended_at": rfc3339(at),
            "answer": "The channel was removed before this could be delivered.",
        }
        async with self._db.write() as connection:
            gone = {"removed_at": rfc3339(at), "sealed": b""}
            await connection.execute(update(channels).where(channels.c.id == channel_id).values(gone))
            await connection.execute(update(deliveries).where(waiting).values(failed))


async def of_tenant(connection: AsyncConnection, tenant_id: str) -> list[Channel]:
    """Inside a caller's transaction."""
    query = (
        select(channels)
        .where(channels.c.tenant_id == tenant_id, channels.c.removed_at.is_(None))
        .order_by(channels.c.name)
    )
    return [_channel(row) for row in (await connection.execute(query)).mappings()]


@contextmanager
def _told_apart(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as fault:
        raise ChannelNameTaken(
            f"There is a channel {name} already.", next_step="Choose another name, or change that channel."
        ) from fault


def _changeable(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "hint": channel.hint,
        "kinds": json.dumps(sorted(channel.kinds)),
        "min_severity": channel.min_severity.value,
        "paused": channel.paused,
        "sealed": channel.sealed,
    }


def _channel(row: Any) -> Channel:
    return Channel(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=ChannelKind(row["kind"]),
        name=row["name"],
        hint=row["hint"],
        kinds=frozenset(map(Kind, json.loads(row["kinds"]))),
        min_severity=Severity(row["min_severity"]),
        created_at=from_rfc3339(row["created_at"]),
        paused=row["paused"],
        sealed=row["sealed"],
    )
