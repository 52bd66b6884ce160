"""What the api decides about kept events; the edge does the work, since it alone writes to the log and its history."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import Json
from aforo.usage.commands import EdgeLink
from aforo.usage.erasing import Erased
from aforo.usage.keeping.store import Retention, RetentionStore

LEAST_DAYS: Final = 7
MOST_DAYS: Final = 36_500
_PATIENCE_SECONDS: Final = 3_600

Names = Callable[[str, str], Awaitable[Sequence[str]]]
"""Given a tenant and one name of a customer: all by which events may call it."""
Note = Callable[[str, str, str, str, Mapping[str, Json]], Awaitable[None]]
"""Writes to the audit trail: tenant, actor, action, subject, detail."""


class Keeping:
    """Retention and erasure of one data folder."""

    def __init__(self, store: RetentionStore, edge: EdgeLink, names: Names, note: Note, clock: Clock) -> None:
        self._store = store
        self._edge = edge
        self._names = names
        self._note = note
        self._clock = clock

    async def retention(self, tenant_id: str) -> Retention:
        return await self._store.get(tenant_id)

    async def keep(self, tenant_id: str, days: int | None, actor_id: str) -> Retention:
        """Decide for how many days events stay whole. Nothing is reduced before the next daily run. Raises Invalid."""
        if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
            raise Invalid(
                f"Events are kept whole for {LEAST_DAYS} to {MOST_DAYS:,} days, or for ever.",
                (("/days", f"from {LEAST_DAYS} to {MOST_DAYS}"),),
            )
        before = await self._store.get(tenant_id)
        await self._store.put(tenant_id, days, self._clock.now(), actor_id)
        await self._note(tenant_id, actor_id, "retention.set", tenant_id, {"days": days, "before": before.days})
        return await self._store.get(tenant_id)

    async def apply(self, tenant_id: str) -> Erased | None:
        """Reduce what is older than the tenant keeps; None where it keeps all. Raises Overloaded."""
        days = (await self._store.get(tenant_id)).days
        if days is None:
            return None
        before = self._clock.now() - timedelta(days=days)
        before_ns = int(before.timestamp()) * 10**9
        return await self._edge.ask(
            Erased, "retention", tenant=tenant_id, beforeNs=before_ns, patience_seconds=_PATIENCE_SECONDS
        )

    async def erase(self, tenant_id: str, customer: str, actor_id: str) -> Erased:
        """Reduce all events of a customer that were received by now, whatever name of it they carry.

        The customer itself stays as it is, and so do its sums and statements. Raises Overloaded, Invalid.
        """
        if not customer.strip():
            raise Invalid("Whose events are to be erased is not told.", (("/customerId", "is required"),))
        names = await self._names(tenant_id, customer)
        told = await self._edge.ask(
            Erased, "erase", tenant=tenant_id, customers=list(names), patience_seconds=_PATIENCE_SECONDS
        )
        detail: dict[str, Json] = {"events": told.events, "deadLetters": told.letters, "names": list(names)}
        await self._note(tenant_id, actor_id, "events.erased", customer, detail)
        return told
