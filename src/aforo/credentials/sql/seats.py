"""Seats at rest."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.credentials.model import SeatRow
from aforo.credentials.sql.tables import seats
from aforo.gateway_sdk.provision import Adopted, RemoteObject, Standing
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class SeatStore:
    """Reads seats."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def one(self, subscription_id: str, integration_id: str) -> SeatRow | None:
        mine = (seats.c.subscription_id == subscription_id) & (seats.c.integration_id == integration_id)
        return next(iter(await self._read(select(seats).where(mine))), None)

    async def of(self, subscription_ids: Collection[str]) -> list[SeatRow]:
        return await self._read(select(seats).where(seats.c.subscription_id.in_([*subscription_ids])))

    async def at(self, integration_id: str) -> list[SeatRow]:
        return await self._read(select(seats).where(seats.c.integration_id == integration_id))

    async def _read(self, query: Any) -> list[SeatRow]:
        async with self._db.read() as connection:
            return [_seat(row) for row in (await connection.execute(query)).mappings()]


async def want(
    connection: AsyncConnection, tenant_id: str, subscription_id: str, integration_id: str, standing: Standing
) -> None:
    """The seat is to stand so; it is made if it is new."""
    new = insert(seats).values(_values(SeatRow(subscription_id, integration_id, tenant_id, standing)))
    key = ["subscription_id", "integration_id"]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_={"wanted": standing.value}))


async def put(connection: AsyncConnection, row: SeatRow) -> None:
    """Store the whole row."""
    values = _values(row)
    new = insert(seats).values(values)
    key = ["subscription_id", "integration_id"]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=values))


async def explain(connection: AsyncConnection, subscription_id: str, integration_id: str, reason: str) -> None:
    """Why the seat is not as it is to be."""
    await connection.execute(update(seats).where(_is(subscription_id, integration_id)).values(reason=reason))


async def leave_out(
    connection: AsyncConnection, subscription_id: str, integration_id: str, products: Iterable[str]
) -> None:
    """These products of the plan are not to open."""
    values = {"left_out": json.dumps(sorted(products))}
    await connection.execute(update(seats).where(_is(subscription_id, integration_id)).values(values))


def _is(subscription_id: str, integration_id: str) -> Any:
    return (seats.c.subscription_id == subscription_id) & (seats.c.integration_id == integration_id)


def _values(row: SeatRow) -> dict[str, Any]:
    return {
        "subscription_id": row.subscription_id,
        "integration_id": row.integration_id,
        "tenant_id": row.tenant_id,
        "wanted": row.wanted.value,
        "observed": str(row.observed),
        "reason": row.reason,
        "notes": json.dumps(row.notes),
        "objects": json.dumps([asdict(one) for one in row.objects]),
        "scope": json.dumps(sorted(row.scope)),
        "left_out": json.dumps(sorted(row.left_out)),
        "adopted_consumer": row.adopted.consumer if row.adopted else None,
        "adopted_application": row.adopted.application if row.adopted else None,
        "seen_at": rfc3339(row.seen_at) if row.seen_at else None,
    }


def _seat(row: Any) -> SeatRow:
    adopted = row["adopted_consumer"]
    seen_at: datetime | None = from_rfc3339(row["seen_at"]) if row["seen_at"] else None
    return SeatRow(
        row["subscription_id"],
        row["integration_id"],
        row["tenant_id"],
        Standing(row["wanted"]),
        row["observed"],
        row["reason"],
        tuple(json.loads(row["notes"])),
        tuple(RemoteObject(**one) for one in json.loads(row["objects"])),
        frozenset(json.loads(row["scope"])),
        frozenset(json.loads(row["left_out"])),
        Adopted(adopted, row["adopted_application"]) if adopted else None,
        seen_at,
    )
