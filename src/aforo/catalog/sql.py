"""Tables of the catalog room. What was captured from a gateway is stored sealed only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.catalog.errors import PlanStale
from aforo.catalog.model import EpisodeRow, ProductRow, RecordWrite, VersionRow
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text),
    Column("monetized", Boolean, nullable=False),
    Column("record_version", Integer, nullable=False),
    Column("spec_digest", Text),
    Column("config_digest", Text, nullable=False),
    Column("ignored", Text, nullable=False),
    Column("drift_id", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("checked_at", Text),
    Index("uq_products_ref", "integration_id", "ref", unique=True),
    Index("ix_products_tenant", "tenant_id", "name"),
)

product_versions = Table(
    "product_versions",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

previews = Table(
    "previews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_previews_integration", "integration_id", "created_at"),
)

drift_episodes = Table(
    "drift_episodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("resolution", Text),
    Column("gone", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_drift_episodes_product", "product_id", "opened_at"),
)


class ProductStore:
    """Reads and writes products, their versions, previews and drift episodes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def products(
        self,
        tenant_id: str,
        *,
        integration_id: str | None = None,
        words: str | None = None,
        drifted: bool | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[ProductRow]:
        """Drifted first, then by name and id; filters run before paging. With `before`, the last ones before it."""
        key = _order_key()
        query = select(products).where(*_matching(tenant_id, integration_id, words, drifted))
        if after:
            query = query.where(key > after)
        if before:
            query = query.where(key < before)
        query = query.order_by(key.desc() if before else key)
        if limit is not None:
            query = query.limit(limit)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_product(row) for row in (reversed(rows) if before else rows)]

    async def matching(
        self,
        tenant_id: str,
        *,
        integration_id: str | None = None,
        words: str | None = None,
        drifted: bool | None = None,
    ) -> int:
        """How many products the same filters leave."""
        chosen = _matching(tenant_id, integration_id, words, drifted)
        query = select(func.count()).select_from(products).where(*chosen)
        async with self._db.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def product(self, tenant_id: str, product_id: str) -> ProductRow | None:
        query = select(products).where(products.c.id == product_id, products.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _product(row) if row else None

    async def counts(self, tenant_id: str) -> dict[str, tuple[int, int]]:
        """Per integration: how many products, and how many of them drift."""
        query = (
            select(products.c.integration_id, func.count(), func.count(products.c.drift_id))
            .where(products.c.tenant_id == tenant_id)
            .group_by(products.c.integration_id)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        return {row[0]: (row[1], row[2]) for row in rows}

    async def current(self, tenant_id: str, integration_id: str) -> list[tuple[ProductRow, bytes]]:
        """All products of an integration, each with the sealed entities of its current version."""
        query = (
            select(products, product_versions.c.sealed)
            .join(
                product_versions,
                (product_versions.c.product_id == products.c.id)
                & (product_versions.c.number == products.c.record_version),
            )
            .where(products.c.tenant_id == tenant_id, products.c.integration_id == integration_id)
            .order_by(products.c.ref)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [(_product(row), row["sealed"]) for row in rows]

    async def version(self, product_id: str, number: int) -> VersionRow | None:
        query = select(product_versions).where(
            product_versions.c.product_id == product_id, product_versions.c.number == number
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _version(row) if row else None

    async def versions(self, product_id: str) -> list[VersionRow]:
        """Newest first."""
        query = (
            select(product_versions)
            .where(product_versions.c.product_id == product_id)
            .order_by(product_versions.c.number.desc())
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_version(row) for row in rows]

    async def record(self, writes: Sequence[RecordWrite], *, preview_id: str | None = None) -> None:
        """Store all of them or none: PlanStale when any row has moved on, or the preview was used already."""
        async with self._db.write() as connection:
            if preview_id is not None:
                await _use_preview(connection, preview_id)
            await _record_new(connection, [write for write in writes if write.expected_version is None])
            for write in writes:
                if write.expected_version is not None:
                    await _record_next(connection, write)
            if writes:
                await connection.execute(insert(product_versions), [_version_values(write) for write in writes])

    async def rewrite_ids(self, row: ProductRow, sealed: bytes) -> None:
        """Store new native ids under the same version: the same content, re-created by the gateway."""
        async with self._db.write() as connection:
            await connection.execute(
                update(products)
                .where(products.c.id == row.id, products.c.record_version == row.record_version)
                .values(native_id=row.native_id, ref=row.ref)
            )
            await connection.execute(
                update(product_versions)
                .where(product_versions.c.product_id == row.id, product_versions.c.number == row.record_version)
                .values(sealed=sealed)
            )

    async def set_monetized(self, product_id: str, *, monetized: bool, at: datetime) -> None:
        await self._update(product_id, monetized=monetized, updated_at=rfc3339(at))

    async def set_ignored(self, product_id: str, ignored: frozenset[str]) -> None:
        await self._update(product_id, ignored=json.dumps(sorted(ignored)))

    async def remove(self, product_id: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(products).where(products.c.id == product_id))

    async def add_preview(
        self, preview_id: str, tenant_id: str, integration_id: str, at: datetime, actor_id: str, sealed: bytes
    ) -> None:
        """Store a preview; the ten newest of an integration are kept."""
        mine = previews.c.integration_id == integration_id
        newest = select(previews.c.id).where(mine).order_by(previews.c.created_at.desc()).limit(10)
        async with self._db.write() as connection:
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

    async def preview(self, tenant_id: str, preview_id: str) -> Any:
        """The stored row with members id, integration_id, created_at, created_by, state and sealed; or None."""
        query = select(previews).where(previews.c.id == preview_id, previews.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).mappings().first()

    async def newest_preview(self, tenant_id: str) -> str | None:
        query = select(previews.c.id).where(previews.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            found = (await connection.execute(query.order_by(previews.c.created_at.desc()).limit(1))).scalar()
        return str(found) if found else None

    async def drifting(self, tenant_id: str, limit: int) -> list[tuple[ProductRow, EpisodeRow]]:
        """Products with an open episode, the longest open first."""
        query = (
            select(drift_episodes)
            .join(products, products.c.drift_id == drift_episodes.c.id)
            .where(products.c.tenant_id == tenant_id)
            .order_by(drift_episodes.c.opened_at)
            .limit(limit)
        )
        async with self._db.read() as connection:
            episodes = [_episode(row) for row in (await connection.execute(query)).mappings().all()]
            chosen = products.c.id.in_([episode.product_id for episode in episodes])
            rows = (await connection.execute(select(products).where(chosen))).mappings().all()
        by_id = {row["id"]: _product(row) for row in rows}
        return [(by_id[episode.product_id], episode) for episode in episodes]

    async def episode(self, episode_id: str) -> EpisodeRow | None:
        async with self._db.read() as connection:
            query = select(drift_episodes).where(drift_episodes.c.id == episode_id)
            row = (await connection.execute(query)).mappings().first()
        return _episode(row) if row else None

    async def episodes(self, product_id: str) -> list[EpisodeRow]:
        """Newest first."""
        query = (
            select(drift_episodes)
            .where(drift_episodes.c.product_id == product_id)
            .order_by(drift_episodes.c.opened_at.desc())
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_episode(row) for row in rows]

    async def open_episode(self, tenant_id: str, episode: EpisodeRow) -> bool:
        """Open an episode unless the product has one; whether this call opened it."""
        async with self._db.write() as connection:
            mine = (products.c.id == episode.product_id) & products.c.drift_id.is_(None)
            claimed = await connection.execute(update(products).where(mine).values(drift_id=episode.id))
            if claimed.rowcount == 0:
                return False
            await connection.execute(
                insert(drift_episodes).values(
                    id=episode.id,
                    tenant_id=tenant_id,
                    product_id=episode.product_id,
                    opened_at=rfc3339(episode.opened_at),
                    gone=episode.gone,
                    sealed=episode.sealed,
                )
            )
            return True

    async def update_episode(self, episode_id: str, *, gone: bool, sealed: bytes) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                update(drift_episodes).where(drift_episodes.c.id == episode_id).values(gone=gone, sealed=sealed)
            )

    async def close_episode(self, product_id: str, resolution: str, at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                update(drift_episodes)
                .where(drift_episodes.c.product_id == product_id, drift_episodes.c.closed_at.is_(None))
                .values(closed_at=rfc3339(at), resolution=resolution)
            )
            await connection.execute(update(products).where(products.c.id == product_id).values(drift_id=None))

    async def checked(self, product_ids: Sequence[str], at: datetime) -> None:
        async with self._db.write() as connection:
            for start in range(0, len(product_ids), 500):
                chunk = product_ids[start : start + 500]
                await connection.execute(
                    update(products).where(products.c.id.in_(chunk)).values(checked_at=rfc3339(at))
                )

    async def _update(self, product_id: str, **values: Any) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(products).where(products.c.id == product_id).values(**values))


def order_key(row: ProductRow) -> str:
    """Where a row stands in the list; the cursor of the next page."""
    return f"{'0' if row.drift_id else '1'}{row.name}\x01{row.id}"


def _matching(
    tenant_id: str, integration_id: str | None, words: str | None, drifted: bool | None
) -> list[ColumnElement[bool]]:
    chosen = [products.c.tenant_id == tenant_id]
    if integration_id:
        chosen.append(products.c.integration_id == integration_id)
    if words:
        chosen.append(products.c.name.contains(words, autoescape=True))
    if drifted is not None:
        chosen.append(products.c.drift_id.is_not(None) if drifted else products.c.drift_id.is_(None))
    return chosen


def _order_key() -> Any:
    drifted = func.iif(products.c.drift_id.is_not(None), "0", "1")
    return drifted.op("||")(products.c.name).op("||")(func.char(1)).op("||")(products.c.id)


async def _use_preview(connection: AsyncConnection, preview_id: str) -> None:
    used = await connection.execute(
        update(previews).where(previews.c.id == preview_id, previews.c.state == "OPEN").values(state="APPLIED")
    )
    if used.rowcount == 0:
        raise PlanStale("This preview was imported already. Nothing was applied.", next_step="Preview again.")


async def _record_new(connection: AsyncConnection, writes: Sequence[RecordWrite]) -> None:
    if not writes:
        return
    mine = products.c.integration_id == writes[0].row.integration_id
    taken = set((await connection.execute(select(products.c.ref).where(mine))).scalars())
    for write in writes:
        if write.row.ref in taken:
            raise _moved_on(write.row)
    await connection.execute(insert(products), [_first_values(write.row) for write in writes])


async def _record_next(connection: AsyncConnection, write: RecordWrite) -> None:
    row = write.row
    mine = (products.c.id == row.id) & (products.c.record_version == write.expected_version)
    if (await connection.execute(update(products).where(mine).values(**_values(row)))).rowcount == 0:
        raise _moved_on(row)


def _values(row: ProductRow) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "native_id": row.native_id,
        "name": row.name,
        "version": row.version,
        "record_version": row.record_version,
        "spec_digest": row.spec_digest,
        "config_digest": row.config_digest,
        "updated_at": rfc3339(row.updated_at),
    }


def _first_values(row: ProductRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "integration_id": row.integration_id,
        "monetized": row.monetized,
        "ignored": json.dumps(sorted(row.ignored)),
        "created_at": rfc3339(row.created_at),
        **_values(row),
    }


def _version_values(write: RecordWrite) -> dict[str, Any]:
    return {
        "product_id": write.row.id,
        "number": write.row.record_version,
        "origin": write.origin,
        "actor_id": write.actor_id,
        "created_at": rfc3339(write.row.updated_at),
        "sealed": write.sealed,
    }


def _moved_on(row: ProductRow) -> PlanStale:
    return PlanStale(
        f"{row.name} was changed in Aforo by somebody else since this was read. Nothing was applied.",
        next_step="Preview again and look at the difference.",
    )


def _product(row: Any) -> ProductRow:
    return ProductRow(
        id=row["id"],
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        ref=row["ref"],
        native_id=row["native_id"],
        name=row["name"],
        version=row["version"],
        monetized=bool(row["monetized"]),
        record_version=row["record_version"],
        spec_digest=row["spec_digest"],
        config_digest=row["config_digest"],
        ignored=frozenset(json.loads(row["ignored"])),
        drift_id=row["drift_id"],
        created_at=from_rfc3339(row["created_at"]),
        updated_at=from_rfc3339(row["updated_at"]),
        checked_at=from_rfc3339(row["checked_at"]) if row["checked_at"] else None,
    )


def _version(row: Any) -> VersionRow:
    return VersionRow(row["number"], row["origin"], row["actor_id"], from_rfc3339(row["created_at"]), row["sealed"])


def _episode(row: Any) -> EpisodeRow:
    return EpisodeRow(
        row["id"],
        row["product_id"],
        from_rfc3339(row["opened_at"]),
        from_rfc3339(row["closed_at"]) if row["closed_at"] else None,
        row["resolution"],
        bool(row["gone"]),
        row["sealed"],
    )
