"""Plans and their versions at rest."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.customers.errors import PlanDraftExists, PlanInUse, PlanKeyTaken, PlanPublished
from aforo.customers.model import Plan, PlanState
from aforo.customers.sql.subscriptions import LEFT
from aforo.customers.sql.tables import grant_changes, plan_products, plan_versions, plans, subscriptions
from aforo.customers.terms import Terms
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database
from aforo.kit.errors import Invalid


class PlanStore:
    """Reads and writes plans. A tenant's plans all have one currency: whoever would bring a second is refused."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, tenant_id: str, *, before: str | None, limit: int) -> list[Plan]:
        """The newest version of each plan; newest plan first."""
        newest = select(func.max(plan_versions.c.number)).where(plan_versions.c.plan_id == plans.c.id).correlate(plans)
        query = _versions(tenant_id).where(
            plan_versions.c.number == newest.scalar_subquery(), plans.c.system.is_(False)
        )
        if before:
            query = query.where(plans.c.id < before)
        return await self._read(query.order_by(plans.c.id.desc()).limit(limit))

    async def find(self, tenant_id: str, words: str, limit: int) -> list[tuple[str, str, str]]:
        """(id, name, key) of plans by a part of the name or key, or the begin of the id; newest first."""
        named = [plans.c[name].contains(words, autoescape=True) for name in ("name", "key")]
        query = (
            select(plans.c.id, plans.c.name, plans.c.key)
            .where(plans.c.tenant_id == tenant_id, plans.c.system.is_(False))
            .where(or_(*named, plans.c.id.startswith(words, autoescape=True)))
            .order_by(plans.c.id.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [(row.id, row.name, row.key) for row in await connection.execute(query)]

    async def names(self, tenant_id: str) -> dict[str, str]:
        """What plans are called, by id."""
        async with self._db.read() as connection:
            found = await connection.execute(select(plans.c.id, plans.c.name).where(plans.c.tenant_id == tenant_id))
            return {row.id: row.name for row in found}

    async def versions(self, tenant_id: str, plan_id: str) -> list[Plan]:
        """Newest first; empty when there is no such plan."""
        query = _versions(tenant_id).where(plans.c.id == plan_id)
        return await self._read(query.order_by(plan_versions.c.number.desc()))

    async def pinned(self, tenant_id: str, pins: Collection[tuple[str, int]]) -> dict[tuple[str, int], Plan]:
        """Plan versions by (plan id, version); what does not exist is left out."""
        found: dict[tuple[str, int], Plan] = {}
        wanted = sorted(set(pins))
        for start in range(0, len(wanted), 200):
            some = tuple_(plan_versions.c.plan_id, plan_versions.c.number).in_(wanted[start : start + 200])
            found |= {(plan.id, plan.version): plan for plan in await self._read(_versions(tenant_id).where(some))}
        return found

    async def own(self, tenant_id: str, key: str) -> list[Plan]:
        """All versions of one of Aforo's own, newest first."""
        query = _versions(tenant_id).where(plans.c.key == key, plans.c.system.is_(True))
        return await self._read(query.order_by(plan_versions.c.number.desc()))

    async def with_key(self, tenant_id: str, key: str) -> bool:
        async with self._db.read() as connection:
            query = select(plans.c.id).where(plans.c.tenant_id == tenant_id, plans.c.key == key)
            return (await connection.execute(query)).first() is not None

    async def currency(self, tenant_id: str) -> str | None:
        """The one currency of the tenant's plans; None while there is no plan."""
        async with self._db.read() as connection:
            return await _currency(connection, tenant_id, besides=None)

    async def add(self, plan: Plan) -> None:
        """Raises PlanKeyTaken, and Invalid for a second currency."""
        async with self._db.write() as connection:
            mine = (plans.c.tenant_id == plan.tenant_id) & (plans.c.key == plan.key)
            if (await connection.execute(select(plans.c.id).where(mine))).first():
                raise PlanKeyTaken(f"There is a plan {plan.key} already.", next_step="Choose another key, or edit it.")
            await _refuse_second_currency(connection, plan)
            await connection.execute(
                insert(plans).values(
                    id=plan.id, tenant_id=plan.tenant_id, key=plan.key, name=plan.name, system=plan.system
                )
            )
            await _add_version(connection, plan)

    async def add_version(self, plan: Plan) -> None:
        """Store a draft on top of the version before it. Raises PlanDraftExists when somebody was faster."""
        async with self._db.write() as connection:
            newest = select(func.max(plan_versions.c.number)).where(plan_versions.c.plan_id == plan.id)
            if (await connection.execute(newest)).scalar() != plan.version - 1:
                raise PlanDraftExists("This plan has a newer version already.", next_step="Read the plan again.")
            await _refuse_second_currency(connection, plan)
            await _rename(connection, plan)
            await _add_version(connection, plan)

    async def change_draft(self, plan: Plan) -> None:
        """Store a draft anew. Raises PlanPublished when it has been published meanwhile."""
        async with self._db.write() as connection:
            await _refuse_second_currency(connection, plan)
            await _rename(connection, plan)
            await self._write_draft(connection, plan, terms=plan.terms.model_dump_json(by_alias=True))
            mine = (plan_products.c.plan_id == plan.id) & (plan_products.c.number == plan.version)
            await connection.execute(delete(plan_products).where(mine))
            await _add_products(connection, plan)

    async def publish(self, plan: Plan, at: datetime) -> None:
        """Raises PlanPublished when it is no draft any more."""
        async with self._db.write() as connection:
            await self._write_draft(connection, plan, state=PlanState.PUBLISHED.value, published_at=rfc3339(at))

    async def remove(self, plan_id: str) -> None:
        """Raises PlanInUse when any subscription, live or cancelled, pins one of its versions."""
        async with self._db.write() as connection:
            pinned = select(func.count()).where(subscriptions.c.plan_id == plan_id)
            count = (await connection.execute(pinned)).scalar_one()
            left = select(grant_changes.c.number).where(
                grant_changes.c.kind == LEFT, grant_changes.c.subject.contains(f" {plan_id} ", autoescape=True)
            )
            if (await connection.execute(left.limit(1))).first() is not None:
                raise PlanInUse(
                    "A subscription was on this plan once, and its statements of that time are made with it.",
                    next_step="Keep it: its versions are what those customers bought.",
                )
            if count:
                raise PlanInUse(
                    f"{count} subscriptions, live or cancelled, are on this plan.",
                    next_step="Keep it: its versions are what those customers bought.",
                )
            await connection.execute(delete(plans).where(plans.c.id == plan_id))

    async def remove_draft(self, plan: Plan) -> None:
        """Drop a draft; the plan goes with its only version."""
        async with self._db.write() as connection:
            await self._write_draft(connection, plan)
            only = plan.version == 1
            mine = (plan_versions.c.plan_id == plan.id) & (plan_versions.c.number == plan.version)
            await connection.execute(
                delete(plans).where(plans.c.id == plan.id) if only else delete(plan_versions).where(mine)
            )

    async def _write_draft(self, connection: AsyncConnection, plan: Plan, **values: Any) -> None:
        mine = (plan_versions.c.plan_id == plan.id) & (plan_versions.c.number == plan.version)
        draft = mine & (plan_versions.c.state == PlanState.DRAFT)
        done = await connection.execute(update(plan_versions).where(draft).values(values or {"number": plan.version}))
        if done.rowcount == 0:
            raise published(plan)

    async def _read(self, query: Select[Any]) -> list[Plan]:
        async with self._db.read() as connection:
            return [_plan(row) for row in (await connection.execute(query)).mappings().all()]


def published(plan: Plan) -> PlanPublished:
    return PlanPublished(
        f"Version {plan.version} of {plan.key} is published and never changes.",
        next_step=f"Begin the next version with your changes: POST /api/v1/plans/{plan.id}/versions.",
    )


def _versions(tenant_id: str) -> Select[Any]:
    return select(plans, plan_versions).join(plan_versions).where(plans.c.tenant_id == tenant_id)


async def _currency(connection: AsyncConnection, tenant_id: str, *, besides: str | None) -> str | None:
    code = func.json_extract(plan_versions.c.terms, "$.currency")
    mine = (plans.c.tenant_id == tenant_id) & plans.c.system.is_(False)
    query = select(code).join(plans).where(mine).order_by(plans.c.id).limit(1)
    if besides:
        query = query.where(plans.c.id != besides)
    return (await connection.execute(query)).scalar()


async def _refuse_second_currency(connection: AsyncConnection, plan: Plan) -> None:
    """A plan that stands alone, in one draft, may still choose. Aforo's own have no price, and choose nothing."""
    if plan.system:
        return
    others = await _currency(connection, plan.tenant_id, besides=plan.id)
    if others is None and plan.version > 1:
        others = await _currency(connection, plan.tenant_id, besides=None)
    if others is not None and others != plan.terms.currency:
        raise Invalid(
            "A tenant's plans all have one currency.",
            (("/currency", f"this tenant's plans are in {others}"),),
            next_step=f"Use {others}.",
        )


async def _rename(connection: AsyncConnection, plan: Plan) -> None:
    await connection.execute(update(plans).where(plans.c.id == plan.id).values(name=plan.name))


async def _add_version(connection: AsyncConnection, plan: Plan) -> None:
    await connection.execute(
        insert(plan_versions).values(
            plan_id=plan.id,
            number=plan.version,
            state=plan.state.value,
            terms=plan.terms.model_dump_json(by_alias=True),
            created_at=rfc3339(plan.created_at),
            published_at=None,
        )
    )
    await _add_products(connection, plan)


async def _add_products(connection: AsyncConnection, plan: Plan) -> None:
    rows = [{"plan_id": plan.id, "number": plan.version, "product_id": one} for one in plan.terms.product_ids]
    if rows:
        await connection.execute(insert(plan_products), rows)


def _plan(row: Any) -> Plan:
    return Plan(
        id=row["id"],
        tenant_id=row["tenant_id"],
        key=row["key"],
        name=row["name"],
        version=row["number"],
        state=PlanState(row["state"]),
        terms=Terms.model_validate_json(row["terms"]),
        created_at=from_rfc3339(row["created_at"]),
        published_at=from_rfc3339(row["published_at"]) if row["published_at"] else None,
        system=row["system"],
    )
