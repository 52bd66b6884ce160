"""Orphans as the last complete look at each gateway found them."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from aforo.credentials.model import Orphan
from aforo.credentials.sql.tables import orphans
from aforo.gateway_sdk.provision import ExistingKey, Standing
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class OrphanStore:
    """Reads and replaces orphans."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self, tenant_id: str) -> list[Orphan]:
        return await self._read(select(orphans).where(orphans.c.tenant_id == tenant_id).order_by(orphans.c.id))

    async def one(self, tenant_id: str, orphan_id: str) -> Orphan | None:
        mine = (orphans.c.id == orphan_id) & (orphans.c.tenant_id == tenant_id)
        return next(iter(await self._read(select(orphans).where(mine))), None)

    async def replace(self, tenant_id: str, integration_id: str, found: Sequence[Orphan]) -> None:
        """What stands at this gateway now; the rest of what was known of it is forgotten."""
        here = (orphans.c.tenant_id == tenant_id) & (orphans.c.integration_id == integration_id)
        async with self._db.write() as connection:
            await connection.execute(delete(orphans).where(here))
            if found:
                await connection.execute(insert(orphans), [_values(one) for one in found])

    async def remove(self, orphan_id: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(orphans).where(orphans.c.id == orphan_id))

    async def _read(self, query: Any) -> list[Orphan]:
        async with self._db.read() as connection:
            return [_orphan(row) for row in (await connection.execute(query)).mappings()]


def _values(one: Orphan) -> dict[str, Any]:
    keys = [
        {
            "type": key.type,
            "native_id": key.native_id,
            "standing": key.standing.value,
            "created_at": rfc3339(key.created_at) if key.created_at else None,
        }
        for key in one.keys
    ]
    return {
        "id": one.id,
        "tenant_id": one.tenant_id,
        "integration_id": one.integration_id,
        "consumer": one.consumer,
        "application": one.application,
        "name": one.name,
        "subscription_id": one.subscription_id,
        "keys": json.dumps(keys),
        "reason": one.reason,
        "found_at": rfc3339(one.found_at),
    }


def _orphan(row: Any) -> Orphan:
    return Orphan(
        row["id"],
        row["tenant_id"],
        row["integration_id"],
        row["consumer"],
        row["application"],
        row["name"],
        row["subscription_id"],
        tuple(_key(key) for key in json.loads(row["keys"])),
        row["reason"],
        from_rfc3339(row["found_at"]),
    )


def _key(told: dict[str, str]) -> ExistingKey:
    made = told["created_at"]
    return ExistingKey(
        told["type"], told["native_id"], Standing(told["standing"]), None, from_rfc3339(made) if made else None
    )
