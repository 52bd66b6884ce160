"""What is told, written in one transaction with what is to be sent about it."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.alerts.model import Alert, Channel, Delivery, DeliveryState, Event, Kind, Notice
from aforo.alerts.sql import alerts, channels, deliveries
from aforo.kit.db import Database
from aforo.kit.ids import new_id
from aforo.kit.jsontree import JsonObject

Payload = Callable[[Alert, Event], JsonObject]


class Record:
    """Writes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def raised(self, tenant_id: str, notice: Notice, now: datetime, payload: Payload) -> Alert | None:
        """The new alert; None if this episode has one."""
        made = Alert(
            id=new_id("alrt"),
            tenant_id=tenant_id,
            notice=notice,
            raised_at=now,
            ended_at=None if notice.lasts else now,
        )
        async with self._db.write() as connection:
            if await alerts.same(connection, tenant_id, notice):
                return None
            await alerts.add(connection, made)
            for channel in await channels.of_tenant(connection, tenant_id):
                if channel.wants(notice.kind, notice.severity):
                    await deliveries.add(connection, message(made, channel, Event.RAISED, now, payload))
        return made

    async def resolved(
        self, tenant_id: str, kind: Kind, episode: str, resolution: str, now: datetime, payload: Payload
    ) -> Alert | None:
        """The alert as it ended; None if none held. Told to those channels that heard of its beginning."""
        async with self._db.write() as connection:
            ended = await alerts.end(connection, tenant_id, kind, episode, now, resolution)
            if ended is None:
                return None
            await self._tell_end(connection, ended, now, payload)
        return ended

    async def _tell_end(self, connection: AsyncConnection, ended: Alert, now: datetime, payload: Payload) -> None:
        told = await deliveries.told(connection, ended.id)
        for channel in await channels.of_tenant(connection, ended.tenant_id):
            if channel.id in told and not channel.paused:
                await deliveries.add(connection, message(ended, channel, Event.RESOLVED, now, payload))


def message(alert: Alert, channel: Channel, event: Event, now: datetime, payload: Payload) -> Delivery:
    """To be sent at once."""
    return Delivery(
        id=new_id("dlv"),
        tenant_id=alert.tenant_id,
        channel_id=channel.id,
        channel_name=channel.name,
        alert_id=alert.id,
        event=event,
        state=DeliveryState.PENDING,
        attempts=0,
        due_at=now,
        created_at=now,
        payload=payload(alert, event),
    )
