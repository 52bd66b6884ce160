"""Stored previews: the ten newest of each integration, each imported from once."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.catalog.errors import PlanStale
from aforo.catalog.sql.tables import previews, writing
from aforo.kit.clock import rfc3339
from aforo.kit.db import Database

_KEPT: Final = 10


class PreviewStore:
    """Keeps sealed previews."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self, preview_id: str, tenant_id: str, integration_id: str, at: datetime, actor_id: str, sealed: bytes
    ) -> None:
        """Store a preview; the oldest of its integration makes room. Conflict when the integration is gone."""
        mine = previews.c.integration_id == integration_id
        newest = select(previews.c.id).where(mine).order_by(previews.c.created_at.desc()).limit(_KEPT)
        async with writing(self._db) as connection:
            await connection.execute(
                insert(previews).values(
                    id=preview_id,
                    tenant_id=tenant_id,
                    integration_id=integration_id,
                    created_at=rfc3339(at),
                    created_by=actor_id,
                    state="OPEN",
                    sealed=sealed,
                )
            )
            await connection.execute(delete(previews).where(mine, previews.c.id.not_in(newest)))

    async def get(self, tenant_id: str, preview_id: str) -> Any:
        """The stored row with members id, integration_id, created_at, created_by, state and sealed; or None."""
        query = select(previews).where(previews.c.id == preview_id, previews.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).mappings().first()

    async def newest(self, tenant_id: str) -> str | None:
        query = select(previews.c.id).where(previews.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            found = (await connection.execute(query.order_by(previews.c.created_at.desc()).limit(1))).scalar()
        return str(found) if found else None


async def use(connection: AsyncConnection, preview_id: str) -> None:
    """Mark a preview as imported within the import's own transaction; PlanStale when it was already."""
    used = await connection.execute(
        update(previews).where(previews.c.id == preview_id, previews.c.state == "OPEN").values(state="APPLIED")
    )
    if used.rowcount == 0:
        raise PlanStale("This preview was imported already. Nothing was applied.", next_step="Preview again.")
