"""Cost rules and margin guards at rest. Amounts are text: what was written is what is read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Table, delete, insert, select, update

from aforo.customers.errors import GuardExists
from aforo.customers.model import CostRule, MarginGuard, ScopeKind
from aforo.customers.sql.tables import cost_rules, margin_guards
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database


class MarginStore:
    """Reads and writes what calls cost and which margin they must leave."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def cost_rules(self, tenant_id: str, *, before: str | None, limit: int) -> list[CostRule]:
        """Newest first."""
        return [_cost_rule(row) for row in await self._page(cost_rules, tenant_id, before, limit)]

    async def cost_rule(self, tenant_id: str, rule_id: str) -> CostRule | None:
        row = await self._one(cost_rules, tenant_id, rule_id)
        return _cost_rule(row) if row else None

    async def add_cost_rules(self, rules: Sequence[CostRule]) -> None:
        """All of them, or none."""
        if rules:
            async with self._db.write() as connection:
                await connection.execute(insert(cost_rules), [_cost_values(one) for one in rules])

    async def remove_cost_rule(self, tenant_id: str, rule_id: str) -> bool:
        return await self._remove(cost_rules, tenant_id, rule_id)

    async def guards(self, tenant_id: str, *, before: str | None, limit: int) -> list[MarginGuard]:
        """Newest first."""
        return [_guard(row) for row in await self._page(margin_guards, tenant_id, before, limit)]

    async def guard(self, tenant_id: str, guard_id: str) -> MarginGuard | None:
        row = await self._one(margin_guards, tenant_id, guard_id)
        return _guard(row) if row else None

    async def add_guard(self, guard: MarginGuard) -> None:
        """Raises GuardExists when the scope has one."""
        async with self._db.write() as connection:
            mine = (
                (margin_guards.c.tenant_id == guard.tenant_id)
                & (margin_guards.c.scope_kind == guard.scope_kind)
                & (margin_guards.c.scope_ref == guard.scope_ref)
            )
            found = (await connection.execute(select(margin_guards.c.id).where(mine))).scalar()
            if found:
                raise GuardExists(f"This scope has the margin guard {found} already.", next_step="Change that one.")
            await connection.execute(insert(margin_guards).values(_guard_values(guard)))

    async def change_guard(self, guard: MarginGuard) -> None:
        async with self._db.write() as connection:
            mine = margin_guards.c.id == guard.id
            await connection.execute(update(margin_guards).where(mine).values(_guard_values(guard)))

    async def remove_guard(self, tenant_id: str, guard_id: str) -> bool:
        return await self._remove(margin_guards, tenant_id, guard_id)

    async def _page(self, table: Table, tenant_id: str, before: str | None, limit: int) -> Any:
        query = select(table).where(table.c.tenant_id == tenant_id).order_by(table.c.id.desc()).limit(limit)
        if before:
            query = query.where(table.c.id < before)
        async with self._db.read() as connection:
            return (await connection.execute(query)).mappings().all()

    async def _one(self, table: Table, tenant_id: str, row_id: str) -> Any:
        async with self._db.read() as connection:
            query = select(table).where(_mine(table, tenant_id, row_id))
            return (await connection.execute(query)).mappings().first()

    async def _remove(self, table: Table, tenant_id: str, row_id: str) -> bool:
        async with self._db.write() as connection:
            done = await connection.execute(delete(table).where(_mine(table, tenant_id, row_id)))
        return done.rowcount > 0


def _mine(table: Table, tenant_id: str, row_id: str) -> Any:
    own: Column[str] = table.c.tenant_id
    return (table.c.id == row_id) & (own == tenant_id)


def _cost_rule(row: Any) -> CostRule:
    return CostRule(
        id=row["id"],
        tenant_id=row["tenant_id"],
        product_id=row["product_id"],
        metric=row["metric"],
        unit_cost=Decimal(row["unit_cost"]),
        currency=row["currency"],
        valid_from=from_rfc3339(row["valid_from"]),
        created_at=from_rfc3339(row["created_at"]),
    )


def _cost_values(rule: CostRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "tenant_id": rule.tenant_id,
        "product_id": rule.product_id,
        "metric": rule.metric,
        "unit_cost": f"{rule.unit_cost:f}",
        "currency": rule.currency,
        "valid_from": rfc3339(rule.valid_from),
        "created_at": rfc3339(rule.created_at),
    }


def _guard_values(guard: MarginGuard) -> dict[str, Any]:
    floors = [None if floor is None else f"{floor:f}" for floor in guard.floors]
    return {
        "id": guard.id,
        "tenant_id": guard.tenant_id,
        "scope_kind": guard.scope_kind.value,
        "scope_ref": guard.scope_ref,
        "mode": "enforce" if guard.enforce else "observe",
        **dict(zip(("floor_l1", "floor_l2", "floor_l3"), floors, strict=True)),
        "throttle_rate": guard.throttle_rate,
        "retry_after_seconds": guard.retry_after_seconds,
        "created_at": rfc3339(guard.created_at),
        "updated_at": rfc3339(guard.updated_at),
    }


def _guard(row: Any) -> MarginGuard:
    def floor(name: str) -> Decimal | None:
        return Decimal(row[name]) if row[name] is not None else None

    return MarginGuard(
        id=row["id"],
        tenant_id=row["tenant_id"],
        scope_kind=ScopeKind(row["scope_kind"]),
        scope_ref=row["scope_ref"],
        enforce=row["mode"] == "enforce",
        floors=(floor("floor_l1"), floor("floor_l2"), floor("floor_l3")),
        throttle_rate=row["throttle_rate"],
        retry_after_seconds=row["retry_after_seconds"],
        created_at=from_rfc3339(row["created_at"]),
        updated_at=from_rfc3339(row["updated_at"]),
    )
