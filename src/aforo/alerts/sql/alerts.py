"""Alerts at rest. An alert and what is to be sent about it are one transaction."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.alerts.model import Affected, Alert, Kind, Notice, Severity, plain
from aforo.alerts.sql.tables import alerts
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class AlertStore:
    """Reads alerts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def one(self, tenant_id: str, alert_id: str) -> Alert | None:
        found = await self._read(select(alerts).where(alerts.c.tenant_id == tenant_id, alerts.c.id == alert_id))
        return found[0] if found else None

    async def page(
        self,
        tenant_id: str,
        *,
        holds: bool | None = None,
        kind: Kind | None = None,
        subject: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Alert]:
        """Newest first; `holds` chooses those that are open, or those that are over."""
        query = select(alerts).where(alerts.c.tenant_id == tenant_id)
        if holds is not None:
            query = query.where(alerts.c.ended_at.is_(None) if holds else alerts.c.ended_at.is_not(None))
        if kind is not None:
            query = query.where(alerts.c.kind == kind.value)
        if subject is not None:
            query = query.where(alerts.c.subject == subject)
        if before is not None:
            query = query.where(alerts.c.id < before)
        return await self._read(query.order_by(alerts.c.id.desc()).limit(limit))

    async def open_count(self, tenant_id: str) -> int:
        mine = (alerts.c.tenant_id == tenant_id) & alerts.c.ended_at.is_(None)
        async with self._db.read() as connection:
            return await connection.scalar(select(func.count()).select_from(alerts).where(mine)) or 0

    async def holding(self, tenant_id: str, kind: Kind) -> dict[str, Alert]:
        """Open alerts of a kind, by episode."""
        mine = (alerts.c.tenant_id == tenant_id) & (alerts.c.kind == kind.value) & alerts.c.ended_at.is_(None)
        return {one.notice.episode: one for one in await self._read(select(alerts).where(mine))}

    async def told(self, tenant_id: str, kind: Kind, episodes: Collection[str]) -> set[str]:
        """Those of the episodes of which there is or was an alert."""
        found: set[str] = set()
        asked = list(episodes)
        async with self._db.read() as connection:
            for start in range(0, len(asked), 500):
                part = alerts.c.episode.in_(asked[start : start + 500])
                query = select(alerts.c.episode).where(alerts.c.tenant_id == tenant_id, alerts.c.kind == kind.value)
                found.update((await connection.execute(query.where(part))).scalars())
        return found

    async def _read(self, query: Any) -> list[Alert]:
        async with self._db.read() as connection:
            return [_alert(row) for row in (await connection.execute(query)).mappings()]


async def same(connection: AsyncConnection, tenant_id: str, notice: Notice) -> bool:
    """Whether this episode has an alert that holds; of what merely happened, whether it has one at all."""
    query = select(alerts.c.id).where(
        alerts.c.tenant_id == tenant_id, alerts.c.kind == notice.kind.value, alerts.c.episode == notice.episode
    )
    if notice.lasts:
        query = query.where(alerts.c.ended_at.is_(None))
    return (await connection.execute(query)).first() is not None


async def add(connection: AsyncConnection, alert: Alert) -> None:
    notice = alert.notice
    await connection.execute(
        insert(alerts).values(
            id=alert.id,
            tenant_id=alert.tenant_id,
            kind=notice.kind.value,
            episode=notice.episode,
            subject=notice.subject,
            name=notice.name,
            severity=notice.severity.value,
            title=notice.title,
            detail=notice.detail,
            path=notice.path,
            affected=json.dumps(plain(notice.affected)),
            lasts=notice.lasts,
            since=rfc3339(notice.since),
            raised_at=rfc3339(alert.raised_at),
            ended_at=rfc3339(alert.ended_at) if alert.ended_at else None,
            resolution=alert.resolution,
        )
    )


async def end(
    connection: AsyncConnection, tenant_id: str, kind: Kind, episode: str, at: datetime, resolution: str
) -> Alert | None:
    """The alert as it is afterwards; None if none holds."""
    here = (alerts.c.tenant_id == tenant_id) & (alerts.c.kind == kind.value) & (alerts.c.episode == episode)
    query = (
        update(alerts)
        .where(here, alerts.c.ended_at.is_(None))
        .values(ended_at=rfc3339(at), resolution=resolution)
        .returning(*alerts.c)
    )
    rows: Sequence[Any] = (await connection.execute(query)).mappings().all()
    return _alert(rows[0]) if rows else None


def _alert(row: Any) -> Alert:
    touched = json.loads(row["affected"])
    notice = Notice(
        kind=Kind(row["kind"]),
        episode=row["episode"],
        subject=row["subject"],
        name=row["name"],
        severity=Severity(row["severity"]),
        title=row["title"],
        detail=row["detail"],
        path=row["path"],
        since=from_rfc3339(row["since"]),
        affected=Affected(
            touched["subscriptions"], touched["credentials"], touched["monthlyRevenue"], touched["currency"]
        ),
        lasts=bool(row["lasts"]),
    )
    ended = from_rfc3339(row["ended_at"]) if row["ended_at"] else None
    return Alert(row["id"], row["tenant_id"], notice, from_rfc3339(row["raised_at"]), ended, row["resolution"])
