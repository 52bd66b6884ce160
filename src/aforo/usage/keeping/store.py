"""The retention table."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Integer, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

retention = Table(
    "retention",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("days", Integer),
    Column("set_at", Text, nullable=False),
    Column("set_by", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days after they occurred events are kept whole: for ever without `days`."""

    days: int | None = None
    set_at: datetime | None = None
    set_by: str | None = None


class RetentionStore:
    """One row a tenant that ever decided."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, tenant_id: str) -> Retention:
        async with self._db.read() as connection:
            found = await connection.execute(select(retention).where(retention.c.tenant_id == tenant_id))
            row = found.mappings().first()
        return Retention(row["days"], from_rfc3339(row["set_at"]), row["set_by"]) if row else Retention()

    async def put(self, tenant_id: str, days: int | None, at: datetime, by: str) -> None:
        values = {"days": days, "set_at": rfc3339(at), "set_by": by}
        write = insert(retention).values(tenant_id=tenant_id, **values)
        async with self._db.write() as connection:
            await connection.execute(write.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
