"""Lists of products in pages, single ones, and what is set on them by hand."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from aforo.catalog.model import ProductRow
from aforo.catalog.sql.episodes import EpisodeStore
from aforo.catalog.sql.previews import PreviewStore
from aforo.catalog.sql.rows import product_row
from aforo.catalog.sql.tables import products, writing
from aforo.catalog.sql.versions import VersionStore
from aforo.kit.clock import rfc3339
from aforo.kit.db import Database


class ProductStore:
    """The products of the record; beside them their versions, previews and drift episodes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.versions = VersionStore(db)
        self.previews = PreviewStore(db)
        self.episodes = EpisodeStore(db)

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
        return [product_row(row) for row in (reversed(rows) if before else rows)]

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
        return product_row(row) if row else None

    async def names(self, tenant_id: str) -> dict[str, str]:
        """By id and by ref; of two products with one ref, at two gateways, either name."""
        rows = await self.labels(tenant_id)
        return {ref: name for _, ref, name in rows} | {product_id: name for product_id, _, name in rows}

    async def labels(self, tenant_id: str) -> list[tuple[str, str, str]]:
        """Id, ref and name of each."""
        query = select(products.c.id, products.c.ref, products.c.name).where(products.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            return [(row.id, row.ref, row.name) for row in (await connection.execute(query)).all()]

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

    async def set_monetized(self, product_id: str, *, monetized: bool, at: datetime) -> None:
        await self._update(product_id, monetized=monetized, updated_at=rfc3339(at))

    async def set_ignored(self, product_id: str, ignored: frozenset[str]) -> None:
        await self._update(product_id, ignored=json.dumps(sorted(ignored)))

    async def remove(self, product_id: str) -> None:
        async with writing(self._db) as connection:
            await connection.execute(delete(products).where(products.c.id == product_id))

    async def _update(self, product_id: str, **values: Any) -> None:
        async with writing(self._db) as connection:
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
        named = [products.c[name].contains(words, autoescape=True) for name in ("name", "ref")]
        chosen.append(or_(*named, products.c.id.startswith(words, autoescape=True)))
    if drifted is not None:
        chosen.append(products.c.drift_id.is_not(None) if drifted else products.c.drift_id.is_(None))
    return chosen


def _order_key() -> Any:
    drifted = func.iif(products.c.drift_id.is_not(None), "0", "1")
    return drifted.op("||")(products.c.name).op("||")(func.char(1)).op("||")(products.c.id)
