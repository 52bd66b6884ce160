"""Tables of the room in records.db: what operators decide. What the edge counts is in its own ledger.db."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from aforo.kit.clock import Clock, rfc3339
from aforo.kit.db import Database, metadata

product_enforcement = Table(
    "product_enforcement",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("mode", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)

enforcement_pauses = Table(
    "enforcement_pauses",
    metadata,
    Column("tenant_id", Text, ForeignKey("tenants.id"), primary_key=True),
    Column("actor_id", Text, nullable=False),
    Column("since", Text, nullable=False),
)

enforcement_changes = Table(
    "enforcement_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Text, nullable=False),
)

decision_keys = Table(
    "decision_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)


class SwitchStore:
    """Reads and writes the switches; each change is numbered in the same transaction, for the edge to see."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def mode(self, tenant_id: str, product_id: str) -> str:
        """`observe` until somebody said otherwise."""
        mine = (product_enforcement.c.product_id == product_id) & (product_enforcement.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            found = (await connection.execute(select(product_enforcement.c.mode).where(mine))).scalar()
        return str(found) if found else "observe"

    async def set_mode(self, tenant_id: str, product_id: str, mode: str) -> None:
        now = rfc3339(self._clock.now())
        values = {"product_id": product_id, "tenant_id": tenant_id, "mode": mode, "changed_at": now}
        async with self._db.write() as connection:
            await connection.execute(
                upsert(product_enforcement).values(values).on_conflict_do_update(["product_id"], set_=values)
            )
            await connection.execute(insert(enforcement_changes).values(_change(tenant_id, mode, product_id, now)))

    async def paused_since(self, tenant_id: str) -> str | None:
        query = select(enforcement_pauses.c.since).where(enforcement_pauses.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            found: str | None = (await connection.execute(query)).scalar()
        return found

    async def pause(self, tenant_id: str, actor_id: str) -> bool:
        """Whether it was not paused before."""
        now = rfc3339(self._clock.now())
        values = {"tenant_id": tenant_id, "actor_id": actor_id, "since": now}
        async with self._db.write() as connection:
            done = await connection.execute(upsert(enforcement_pauses).values(values).on_conflict_do_nothing())
            if done.rowcount:
                await connection.execute(insert(enforcement_changes).values(_change(tenant_id, "pause", "*", now)))
        return done.rowcount > 0

    async def resume(self, tenant_id: str) -> bool:
        """Whether it was paused before."""
        now = rfc3339(self._clock.now())
        async with self._db.write() as connection:
            mine = enforcement_pauses.c.tenant_id == tenant_id
            done = await connection.execute(delete(enforcement_pauses).where(mine))
            if done.rowcount:
                await connection.execute(insert(enforcement_changes).values(_change(tenant_id, "resume", "*", now)))
        return done.rowcount > 0

    async def decision_key(self) -> bytes:
        query = select(decision_keys.c.secret).order_by(decision_keys.c.id.desc()).limit(1)
        async with self._db.read() as connection:
            return bytes((await connection.execute(query)).scalar_one())


def _change(tenant_id: str, kind: str, subject: str, at: str) -> dict[str, str]:
    return {"tenant_id": tenant_id, "kind": kind, "subject": subject, "at": at}
