"""Previews and what was last synced, at rest. Of a preview only digests are kept; what stood at a gateway is sealed."""

import json
from typing import Any, Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from aforo.catalog import PlanStale, Vault
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata
from aforo.kit.errors import NotFound
from aforo.pricing.model import PricingPreview, Subject, Synced

_KEPT: Final = 10

previews = Table(
    "pricing_previews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("digests", Text, nullable=False),
    Index("ix_pricing_previews_integration", "integration_id", "created_at"),
)

synced = Table(
    "pricing_synced",
    metadata,
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("synced_at", Text, nullable=False),
    Column("synced_by", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


class PricingStore:
    """The ten newest previews of each integration, and one row for each plan and tag that stands there."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def add(self, tenant_id: str, preview: PricingPreview) -> None:
        """Store a preview; the oldest of its integration makes room. NotFound when the integration is gone."""
        mine = previews.c.integration_id == preview.integration_id
        newest = select(previews.c.id).where(mine).order_by(previews.c.created_at.desc(), previews.c.id.desc())
        values = {
            "id": preview.id,
            "tenant_id": tenant_id,
            "integration_id": preview.integration_id,
            "created_at": rfc3339(preview.created_at),
            "state": "OPEN",
            "digests": json.dumps({row.key: row.digest for row in preview.reading.rows}),
        }
        try:
            async with self._db.write() as connection:
                await connection.execute(insert(previews).values(values))
                await connection.execute(delete(previews).where(mine, previews.c.id.not_in(newest.limit(_KEPT))))
        except IntegrityError as fault:
            raise NotFound(f"There is no integration {preview.integration_id} any more.") from fault

    async def digests(self, tenant_id: str, integration_id: str, preview_id: str) -> dict[str, str] | None:
        """The digest of each row of a preview by its key."""
        mine = (previews.c.tenant_id == tenant_id) & (previews.c.integration_id == integration_id)
        async with self._db.read() as connection:
            found = await connection.execute(select(previews).where(mine, previews.c.id == preview_id))
            row = found.mappings().first()
        return _read(row["digests"]) if row else None

    async def use(self, preview_id: str) -> None:
        """Mark a preview as synced; PlanStale when it was already."""
        mine = (previews.c.id == preview_id) & (previews.c.state == "OPEN")
        async with self._db.write() as connection:
            used = await connection.execute(update(previews).where(mine).values(state="APPLIED"))
        if used.rowcount == 0:
            raise PlanStale("This preview was synced already. Nothing was written.", next_step="Preview again.")

    async def synced(self, tenant_id: str, integration_id: str) -> dict[str, Synced]:
        """By key, in the order of the keys."""
        mine = (synced.c.tenant_id == tenant_id) & (synced.c.integration_id == integration_id)
        async with self._db.read() as connection:
            rows = (await connection.execute(select(synced).where(mine).order_by(synced.c.key))).mappings().all()
        return {row["key"]: self._synced(row) for row in rows}

    async def keep(self, tenant_id: str, integration_id: str, one: Synced) -> None:
        """What now stands at the gateway under this key."""
        place = {"integration_id": integration_id, "key": one.key}
        values = {
            "tenant_id": tenant_id,
            "subject": one.subject.value,
            "subject_id": one.subject_id,
            "name": one.name,
            "versions": json.dumps(one.versions),
            "synced_at": rfc3339(one.synced_at),
            "synced_by": one.synced_by,
            "sealed": self._vault.seal_product(tenant_id, _owner(integration_id, one.key), one.product),
        }
        async with self._db.write() as connection:
            write = upsert(synced).values({**place, **values})
            await connection.execute(write.on_conflict_do_update(index_elements=[*place], set_=values))

    async def forget(self, integration_id: str, key: str) -> None:
        """Nothing stands there under this key any more."""
        async with self._db.write() as connection:
            await connection.execute(
                delete(synced).where(synced.c.integration_id == integration_id, synced.c.key == key)
            )

    def _synced(self, row: Any) -> Synced:
        owner = _owner(row["integration_id"], row["key"])
        return Synced(
            row["key"],
            Subject(row["subject"]),
            row["subject_id"],
            row["name"],
            tuple(json.loads(row["versions"])),
            from_rfc3339(row["synced_at"]),
            row["synced_by"],
            self._vault.open_product(row["tenant_id"], owner, row["sealed"]),
        )


def _owner(integration_id: str, key: str) -> str:
    """What the sealed value is bound to."""
    return f"{integration_id}/{key}"


def _read(digests: str) -> dict[str, str]:
    told: dict[str, str] = json.loads(digests)
    return told
