"""What is recorded of products, version by version. A ref names one product of an integration at any moment."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.catalog.errors import PlanStale, RefTaken
from aforo.catalog.model import ProductRow, RecordWrite, VersionRow
from aforo.catalog.sql import previews
from aforo.catalog.sql.rows import first_values, product_row, recorded_values
from aforo.catalog.sql.tables import product_versions, products, writing
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database
from aforo.kit.errors import Conflict

_AT_ONCE: Final = 500
_MINE: Final = products.c.id == bindparam("its_id")
_PARK: Final = update(products).where(_MINE).values(ref=bindparam("ref"))
_RECORD: Final = (
    update(products)
    .where(_MINE)
    .values(
        {
            name: bindparam(name)
            for name in (
                *("ref", "native_id", "name", "version", "record_version"),
                *("spec_digest", "config_digest", "updated_at"),
            )
        }
    )
)


class VersionStore:
    """Keeps every recorded version with its sealed entities."""

    def __init__(self, db: Database) -> None:
        self._db = db

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
        return [(product_row(row), row["sealed"]) for row in rows]

    async def get(self, product_id: str, number: int) -> VersionRow | None:
        query = select(product_versions).where(
            product_versions.c.product_id == product_id, product_versions.c.number == number
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _version(row) if row else None

    async def of(self, product_id: str) -> list[VersionRow]:
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
        """Store all of them or none.

        PlanStale when any row has moved on or the preview was used already; RefTaken when another product still has
        the name that one of them came to have. Products that swapped their names are recorded together.
        """
        async with writing(self._db) as connection:
            if preview_id is not None:
                await previews.use(connection, preview_id)
            following = [write for write in writes if write.expected_version is not None]
            await _claim(connection, following)
            await _refuse_taken(connection, writes)
            if new := [write for write in writes if write.expected_version is None]:
                await connection.execute(insert(products), [first_values(write.row) for write in new])
            if following:
                await connection.execute(_RECORD, [{"its_id": w.row.id, **recorded_values(w.row)} for w in following])
            if writes:
                await connection.execute(insert(product_versions), [_values(write) for write in writes])

    async def rewrite_ids(self, row: ProductRow, sealed: bytes) -> None:
        """Store new native ids under the same version: the same content, re-created by the gateway."""
        async with writing(self._db) as connection:
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


async def _claim(connection: AsyncConnection, writes: Sequence[RecordWrite]) -> None:
    """Hold exactly the expected versions, and lay their refs aside so that others of the same write may take them."""
    found: dict[str, int] = {}
    for some in _few(writes):
        mine = products.c.id.in_([write.row.id for write in some])
        rows = await connection.execute(select(products.c.id, products.c.record_version).where(mine))
        found.update({row.id: row.record_version for row in rows})
    for write in writes:
        if found.get(write.row.id) != write.expected_version:
            raise _moved_on(write.row)
    if writes:
        await connection.execute(_PARK, [{"its_id": write.row.id, "ref": f"\x01{write.row.id}"} for write in writes])


async def _refuse_taken(connection: AsyncConnection, writes: Sequence[RecordWrite]) -> None:
    """No write may take the ref of a product that this write leaves as it is."""
    taken = await _holders(connection, writes)
    for write in writes:
        if write.row.ref in taken:
            raise _ref_taken(write, taken[write.row.ref])
        taken[write.row.ref] = write.row.native_id


async def _holders(connection: AsyncConnection, writes: Sequence[RecordWrite]) -> dict[str, str]:
    """The native ids of the products that have one of the refs that the writes want."""
    found: dict[str, str] = {}
    for some in _few(writes):
        mine = products.c.integration_id == some[0].row.integration_id
        wanted = mine & products.c.ref.in_([write.row.ref for write in some])
        rows = await connection.execute(select(products.c.ref, products.c.native_id).where(wanted))
        found.update({row.ref: row.native_id for row in rows})
    return found


def _few(writes: Sequence[RecordWrite]) -> Iterator[Sequence[RecordWrite]]:
    """As many at a time as a query can name."""
    return (writes[start : start + _AT_ONCE] for start in range(0, len(writes), _AT_ONCE))


def _ref_taken(write: RecordWrite, holder: str) -> Conflict:
    row = write.row
    if holder == row.native_id:
        return _moved_on(row)
    return RefTaken(
        f"{row.name} has the ref {row.ref!r} at the gateway, which in Aforo is still another product's. "
        "Nothing was applied.",
        next_step="If that product was renamed as well, import both from one preview; else remove it from Aforo.",
    )


def _moved_on(row: ProductRow) -> PlanStale:
    return PlanStale(
        f"{row.name} was changed in Aforo by somebody else since this was read. Nothing was applied.",
        next_step="Preview again and look at the difference.",
    )


def _values(write: RecordWrite) -> dict[str, Any]:
    return {
        "product_id": write.row.id,
        "number": write.row.record_version,
        "origin": write.origin,
        "actor_id": write.actor_id,
        "created_at": rfc3339(write.row.updated_at),
        "sealed": write.sealed,
    }


def _version(row: Any) -> VersionRow:
    return VersionRow(row["number"], row["origin"], row["actor_id"], from_rfc3339(row["created_at"]), row["sealed"])
