"""Customers at rest. A removed one keeps its row, so that what it bought stays on record."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.customers.errors import CustomerInUse, ExternalIdTaken
from aforo.customers.model import Customer, ScopeKind
from aforo.customers.rules.states import LIVE
from aforo.customers.sql.tables import customers, margin_guards, subscriptions
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class CustomerStore:
    """Reads and writes customers."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(
        self, tenant_id: str, *, words: str | None, external_id: str | None, before: str | None, limit: int
    ) -> list[Customer]:
        """Newest first."""
        query = select(customers).where(
            customers.c.tenant_id == tenant_id, customers.c.removed_at.is_(None), customers.c.system.is_(False)
        )
        if words:
            found = [customers.c[name].contains(words, autoescape=True) for name in ("name", "external_id", "email")]
            query = query.where(or_(*found, customers.c.id.startswith(words, autoescape=True)))
        if external_id:
            query = query.where(customers.c.external_id == external_id)
        if before:
            query = query.where(customers.c.id < before)
        async with self._db.read() as connection:
            rows = (await connection.execute(query.order_by(customers.c.id.desc()).limit(limit))).mappings().all()
        return [_customer(row) for row in rows]

    async def names(self, tenant_id: str) -> dict[str, str]:
        """By id and by external id; of those that were removed by id, since their events remain."""
        query = select(customers.c.id, customers.c.external_id, customers.c.name, customers.c.removed_at)
        async with self._db.read() as connection:
            rows = (await connection.execute(query.where(customers.c.tenant_id == tenant_id))).all()
        external = {row.external_id: row.name for row in rows if row.external_id and row.removed_at is None}
        return external | {row.id: row.name for row in rows}

    async def one(self, tenant_id: str, customer_id: str) -> Customer | None:
        query = select(customers).where(
            customers.c.id == customer_id, customers.c.tenant_id == tenant_id, customers.c.removed_at.is_(None)
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _customer(row) if row else None

    async def ever(self, tenant_id: str, customer_id: str) -> Customer | None:
        """Also one that was removed since: its statements stay."""
        query = select(customers).where(customers.c.id == customer_id, customers.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _customer(row) if row else None

    async def own(self, tenant_id: str, external_id: str) -> Customer | None:
        """One of Aforo's own."""
        query = select(customers).where(
            customers.c.tenant_id == tenant_id,
            customers.c.external_id == external_id,
            customers.c.removed_at.is_(None),
            customers.c.system.is_(True),
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _customer(row) if row else None

    async def any(self, tenant_id: str) -> bool:
        """Whether the tenant has a customer, or had one."""
        async with self._db.read() as connection:
            query = select(customers.c.id).where(customers.c.tenant_id == tenant_id, customers.c.system.is_(False))
            query = query.limit(1)
            return (await connection.execute(query)).first() is not None

    async def add(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""
        async with self._db.write() as connection:
            await _refuse_twin(connection, customer)
            first = {"id": customer.id, "tenant_id": customer.tenant_id, "created_at": rfc3339(customer.created_at)}
            own = {"system": customer.system}
            await connection.execute(insert(customers).values(first | own | _values(customer)))

    async def change(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""
        async with self._db.write() as connection:
            await _refuse_twin(connection, customer)
            await connection.execute(update(customers).where(customers.c.id == customer.id).values(_values(customer)))

    async def remove(self, tenant_id: str, customer_id: str, at: datetime) -> None:
        """Raises CustomerInUse while a subscription lives; its margin guard goes with it."""
        async with self._db.write() as connection:
            live = select(subscriptions.c.id).where(
                subscriptions.c.customer_id == customer_id, subscriptions.c.status.in_([*LIVE])
            )
            ids = (await connection.execute(live)).scalars().all()
            if ids:
                raise CustomerInUse(
                    f"This customer has subscriptions that are not cancelled: {', '.join(ids[:5])}.",
                    next_step="Cancel them first.",
                )
            await connection.execute(
                update(customers).where(customers.c.id == customer_id).values(removed_at=rfc3339(at))
            )
            guards = margin_guards.c
            await connection.execute(
                delete(margin_guards).where(
                    guards.tenant_id == tenant_id,
                    guards.scope_kind == ScopeKind.CUSTOMER,
                    guards.scope_ref == customer_id,
                )
            )


async def _refuse_twin(connection: AsyncConnection, customer: Customer) -> None:
    if customer.external_id is None:
        return
    twin = select(customers.c.id).where(
        customers.c.tenant_id == customer.tenant_id,
        customers.c.external_id == customer.external_id,
        customers.c.removed_at.is_(None),
        customers.c.id != customer.id,
    )
    found = (await connection.execute(twin)).scalar()
    if found:
        raise ExternalIdTaken(
            f"The customer {found} has the external id {customer.external_id} already.",
            next_step="Change that customer, or choose another external id.",
        )


def _values(customer: Customer) -> dict[str, Any]:
    return {
        "external_id": customer.external_id,
        "name": customer.name,
        "email": customer.email,
        "tier": customer.tier,
        "metadata": json.dumps(customer.metadata, ensure_ascii=False),
        "updated_at": rfc3339(customer.updated_at),
    }


def _customer(row: Any) -> Customer:
    return Customer(
        id=row["id"],
        tenant_id=row["tenant_id"],
        external_id=row["external_id"],
        name=row["name"],
        email=row["email"],
        tier=row["tier"],
        metadata=json.loads(row["metadata"]),
        created_at=from_rfc3339(row["created_at"]),
        updated_at=from_rfc3339(row["updated_at"]),
        system=row["system"],
    )
