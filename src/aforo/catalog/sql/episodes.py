"""Drift episodes: at most one open one a product, which its row points at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Boolean, LargeBinary, Text, bindparam, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.catalog.model import EpisodeRow, ProductRow
from aforo.catalog.sql.rows import product_row
from aforo.catalog.sql.tables import drift_episodes, products, writing
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database

_ID: Final[BindParameter[str]] = bindparam("its_id")
_PRODUCT: Final[BindParameter[str]] = bindparam("its_product")
_UPDATE: Final = (
    update(drift_episodes).where(drift_episodes.c.id == _ID).values(gone=bindparam("gone"), sealed=bindparam("sealed"))
)
_POINT: Final = update(products).where(products.c.id == _PRODUCT, products.c.drift_id.is_(None)).values(drift_id=_ID)
_OPEN: Final = insert(drift_episodes).from_select(
    ["id", "tenant_id", "product_id", "opened_at", "gone", "sealed"],
    select(
        products.c.drift_id,
        bindparam("tenant_id", type_=Text),
        products.c.id,
        bindparam("opened_at", type_=Text),
        bindparam("gone", type_=Boolean),
        bindparam("sealed", type_=LargeBinary),
    ).where(
        products.c.id == _PRODUCT,
        products.c.drift_id == _ID,
        ~exists().where(drift_episodes.c.id == _ID),
    ),
)
"""Only where the product points at the episode and it is not there yet."""
_CLOSE: Final = (
    update(drift_episodes)
    .where(drift_episodes.c.product_id == _PRODUCT, drift_episodes.c.closed_at.is_(None))
    .values(closed_at=bindparam("closed_at"), resolution=bindparam("resolution"))
)
_LEAVE: Final = update(products).where(products.c.id == _PRODUCT).values(drift_id=None)


class EpisodeStore:
    """Opens, updates and closes episodes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, episode_id: str) -> EpisodeRow | None:
        async with self._db.read() as connection:
            query = select(drift_episodes).where(drift_episodes.c.id == episode_id)
            row = (await connection.execute(query)).mappings().first()
        return _episode(row) if row else None

    async def open(self, tenant_id: str) -> dict[str, str]:
        """The product of each open episode."""
        query = (
            select(drift_episodes.c.id, products.c.id)
            .join(products, products.c.drift_id == drift_episodes.c.id)
            .where(products.c.tenant_id == tenant_id)
        )
        async with self._db.read() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def of(self, product_id: str) -> list[EpisodeRow]:
        """Newest first."""
        query = (
            select(drift_episodes)
            .where(drift_episodes.c.product_id == product_id)
            .order_by(drift_episodes.c.opened_at.desc())
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_episode(row) for row in rows]

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
        by_id = {row["id"]: product_row(row) for row in rows}
        return [(by_id[episode.product_id], episode) for episode in episodes]

    async def note(
        self,
        tenant_id: str,
        found: Sequence[EpisodeRow],
        settled: Sequence[str],
        checked: Sequence[str],
        at: datetime,
        settled_by: str,
    ) -> None:
        """A look's findings in one write: episodes to open or update, products that no longer differ, all looked at.

        `settled_by` says how the latter came about.
        """
        async with writing(self._db) as connection:
            await _open_or_update(connection, tenant_id, found)
            await _close(connection, settled, settled_by, at)
            for start in range(0, len(checked), 500):
                mine = products.c.id.in_(checked[start : start + 500])
                await connection.execute(update(products).where(mine).values(checked_at=rfc3339(at)))

    async def close(self, product_id: str, resolution: str, at: datetime) -> None:
        """Close the product's open episode, if it has one."""
        async with writing(self._db) as connection:
            await _close(connection, [product_id], resolution, at)


async def _open_or_update(connection: AsyncConnection, tenant_id: str, found: Sequence[EpisodeRow]) -> None:
    """Nothing is done where the product is gone, or somebody else opened an episode in between."""
    if not found:
        return
    told = [{"its_id": one.id, "its_product": one.product_id, "gone": one.gone, "sealed": one.sealed} for one in found]
    await connection.execute(_UPDATE, told)
    await connection.execute(_POINT, [{"its_id": one["its_id"], "its_product": one["its_product"]} for one in told])
    opened = [{"tenant_id": tenant_id, "opened_at": rfc3339(one.opened_at)} for one in found]
    await connection.execute(_OPEN, [one | more for one, more in zip(told, opened, strict=True)])


async def _close(connection: AsyncConnection, product_ids: Sequence[str], resolution: str, at: datetime) -> None:
    if product_ids:
        told = {"closed_at": rfc3339(at), "resolution": resolution}
        await connection.execute(_CLOSE, [{"its_product": one, **told} for one in product_ids])
        await connection.execute(_LEAVE, [{"its_product": one} for one in product_ids])


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
