"""Subscriptions at rest, and the numbered log of changes from which grants are kept fresh."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.customers.model import Change, Mode, Subscription
from aforo.customers.rules.states import LIVE, State
from aforo.customers.sql.tables import customers, grant_changes, plan_products, plan_versions, plans, subscriptions
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database
from aforo.kit.errors import NotFound

_bought = subscriptions.c.customer_id.not_in(select(customers.c.id).where(customers.c.system.is_(True)))
"""Of a customer that buys: not one of Aforo's own."""

LEFT: Final = "subscription.left"
"""The change whose subject is a subscription, and the plan and version that it was moved away from."""

OnChange = Callable[[AsyncConnection, Subscription], Awaitable[None]]
"""Told of a new or changed subscription inside the transaction that writes it."""


async def tell_nobody(connection: AsyncConnection, subscription: Subscription) -> None:
    del connection, subscription


class SubscriptionStore:
    """Reads and writes subscriptions. Each write logs a change, and tells `on_change`, in the same transaction."""

    def __init__(self, db: Database, on_change: OnChange = tell_nobody) -> None:
        self._db = db
        self._on_change = on_change

    async def page(
        self,
        tenant_id: str,
        *,
        customer_id: str | None,
        plan_id: str | None,
        before: str | None,
        limit: int,
        system: bool = False,
    ) -> list[Subscription]:
        """Newest first. Those of Aforo's own customers only with `system`."""
        query = select(subscriptions).where(subscriptions.c.tenant_id == tenant_id)
        if not system:
            query = query.where(_bought)
        if customer_id:
            query = query.where(subscriptions.c.customer_id == customer_id)
        if plan_id:
            query = query.where(subscriptions.c.plan_id == plan_id)
        if before:
            query = query.where(subscriptions.c.id < before)
        return await self._read(query.order_by(subscriptions.c.id.desc()).limit(limit))

    async def find(self, tenant_id: str, words: str, limit: int) -> list[tuple[str, str, str]]:
        """(id, customer's name, plan's name) by the begin of the id or a part of either name; newest first."""
        named = [table.c.name.contains(words, autoescape=True) for table in (customers, plans)]
        query = (
            select(subscriptions.c.id, customers.c.name.label("customer"), plans.c.name.label("plan"))
            .join(customers, customers.c.id == subscriptions.c.customer_id)
            .join(plans, plans.c.id == subscriptions.c.plan_id)
            .where(subscriptions.c.tenant_id == tenant_id, _bought)
            .where(or_(subscriptions.c.id.startswith(words, autoescape=True), *named))
            .order_by(subscriptions.c.id.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [(row.id, row.customer, row.plan) for row in await connection.execute(query)]

    async def one(self, tenant_id: str, subscription_id: str) -> Subscription | None:
        mine = (subscriptions.c.id == subscription_id) & (subscriptions.c.tenant_id == tenant_id)
        return next(iter(await self._read(select(subscriptions).where(mine))), None)

    async def live(self, tenant_id: str) -> list[tuple[Subscription, str | None]]:
        """All that are not cancelled, oldest first, each with its customer's external id."""
        query = (
            select(subscriptions, customers.c.external_id)
            .join(customers, customers.c.id == subscriptions.c.customer_id)
            .where(subscriptions.c.tenant_id == tenant_id, subscriptions.c.status.in_([*LIVE]))
            .order_by(subscriptions.c.id)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [(_subscription(row), row["external_id"]) for row in rows]

    async def live_counts(self, tenant_id: str, product_ids: Collection[str]) -> dict[str, dict[tuple[str, int], int]]:
        """Per product: how many live subscriptions pin which plan version that holds it."""
        counts: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
        pinned = (
            select(subscriptions.c.plan_id, subscriptions.c.plan_version, func.count().label("count"))
            .where(subscriptions.c.tenant_id == tenant_id, subscriptions.c.status.in_([*LIVE]), _bought)
            .group_by(subscriptions.c.plan_id, subscriptions.c.plan_version)
            .subquery()
        )
        holds = (plan_products.c.plan_id == pinned.c.plan_id) & (plan_products.c.number == pinned.c.plan_version)
        query = select(
            plan_products.c.product_id, plan_products.c.plan_id, plan_products.c.number, pinned.c.count
        ).join(pinned, holds)
        wanted = set(product_ids)
        async with self._db.read() as connection:
            for product_id, plan_id, version, count in (await connection.execute(query)).all():
                if product_id in wanted:
                    counts[product_id][plan_id, version] = count
        return counts

    async def live_pins(self, tenant_id: str) -> dict[str, tuple[str, int]]:
        """Which plan version each live subscription pins."""
        query = select(subscriptions.c.id, subscriptions.c.plan_id, subscriptions.c.plan_version)
        live = query.where(subscriptions.c.tenant_id == tenant_id, subscriptions.c.status.in_([*LIVE]))
        async with self._db.read() as connection:
            return {one: (plan_id, version) for one, plan_id, version in (await connection.execute(live)).all()}

    async def add(self, subscription: Subscription, also: OnChange = tell_nobody) -> None:
        """`also` writes what is to be there with it or not at all.

        Raises NotFound when the customer or the plan has been removed meanwhile.
        """
        async with self._db.write() as connection:
            await _refuse_lost(connection, subscription)
            await connection.execute(insert(subscriptions).values(_values(subscription)))
            await _log(connection, subscription, "subscription.created")
            await self._on_change(connection, subscription)
            await also(connection, subscription)

    async def change(self, before: Subscription, after: Subscription, kind: str) -> bool:
        """Store `after` if what is stored is still `before`, and log it; whether it was."""
        async with self._db.write() as connection:
            await _refuse_lost(connection, after)
            same = [column == _values(before)[column.name] for column in subscriptions.c]
            done = await connection.execute(update(subscriptions).where(*same).values(_values(after)))
            if done.rowcount:
                await _note_left(connection, before, after)
                await _log(connection, after, kind)
                await self._on_change(connection, after)
        return done.rowcount > 0

    async def left(self, tenant_id: str, ids: Collection[str]) -> dict[str, list[tuple[datetime, tuple[str, int]]]]:
        """Of each subscription: when it was moved, and from which plan version; oldest first."""
        query = (
            select(grant_changes.c.subject, grant_changes.c.at)
            .where(grant_changes.c.tenant_id == tenant_id, grant_changes.c.kind == LEFT)
            .order_by(grant_changes.c.number)
        )
        found: dict[str, list[tuple[datetime, tuple[str, int]]]] = defaultdict(list)
        async with self._db.read() as connection:
            for subject, at in (await connection.execute(query)).all():
                subscription_id, plan_id, version = subject.split(" ")
                if subscription_id in ids:
                    found[subscription_id].append((from_rfc3339(at), (plan_id, int(version))))
        return found

    async def changes(self, tenant_id: str, since: int, limit: int) -> list[Change]:
        """What came after `since`, in order."""
        query = (
            select(grant_changes)
            .where(grant_changes.c.tenant_id == tenant_id, grant_changes.c.number > since)
            .order_by(grant_changes.c.number)
            .limit(limit)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [Change(row["number"], row["kind"], row["subject"], from_rfc3339(row["at"])) for row in rows]

    async def version(self, tenant_id: str) -> int:
        """The number of the newest change; 0 while there is none."""
        query = select(func.max(grant_changes.c.number)).where(grant_changes.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar() or 0

    async def _read(self, query: Select[Any]) -> list[Subscription]:
        async with self._db.read() as connection:
            return [_subscription(row) for row in (await connection.execute(query)).mappings().all()]


async def _refuse_lost(connection: AsyncConnection, subscription: Subscription) -> None:
    """What a new or changed row points at must stand when it is written."""
    customer = select(customers.c.id).where(
        customers.c.id == subscription.customer_id, customers.c.removed_at.is_(None)
    )
    version = select(plan_versions.c.number).where(
        plan_versions.c.plan_id == subscription.plan_id, plan_versions.c.number == subscription.plan_version
    )
    if subscription.status in LIVE and (await connection.execute(customer)).first() is None:
        raise NotFound(f"There is no customer {subscription.customer_id} any more.")
    if (await connection.execute(version)).first() is None:
        raise NotFound(f"There is no plan {subscription.plan_id} any more.")


async def _note_left(connection: AsyncConnection, before: Subscription, after: Subscription) -> None:
    """Keep which plan version a moved subscription was on, since statements of the time before are rated by it."""
    if (before.plan_id, before.plan_version) != (after.plan_id, after.plan_version):
        subject = f"{before.id} {before.plan_id} {before.plan_version}"
        await note_change(connection, before.tenant_id, LEFT, subject, after.updated_at)


async def note_change(connection: AsyncConnection, tenant_id: str, kind: str, subject: str, at: datetime) -> None:
    """Log, in the caller's transaction, that something has changed on which grants hang."""
    await connection.execute(
        insert(grant_changes).values(tenant_id=tenant_id, kind=kind, subject=subject, at=rfc3339(at))
    )


async def _log(connection: AsyncConnection, subscription: Subscription, kind: str) -> None:
    await note_change(connection, subscription.tenant_id, kind, subscription.id, subscription.updated_at)


def _values(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "tenant_id": subscription.tenant_id,
        "customer_id": subscription.customer_id,
        "plan_id": subscription.plan_id,
        "plan_version": subscription.plan_version,
        "status": subscription.status.value,
        "mode": subscription.mode.value,
        "starts_at": rfc3339(subscription.starts_at),
        "primary_integration_id": subscription.primary_integration_id,
        "created_at": rfc3339(subscription.created_at),
        "updated_at": rfc3339(subscription.updated_at),
        "cancelled_at": rfc3339(subscription.cancelled_at) if subscription.cancelled_at else None,
    }


def _subscription(row: Any) -> Subscription:
    def moment(name: str) -> datetime:
        return from_rfc3339(row[name])

    return Subscription(
        id=row["id"],
        tenant_id=row["tenant_id"],
        customer_id=row["customer_id"],
        plan_id=row["plan_id"],
        plan_version=row["plan_version"],
        status=State(row["status"]),
        mode=Mode(row["mode"]),
        starts_at=moment("starts_at"),
        primary_integration_id=row["primary_integration_id"],
        created_at=moment("created_at"),
        updated_at=moment("updated_at"),
        cancelled_at=moment("cancelled_at") if row["cancelled_at"] else None,
    )
