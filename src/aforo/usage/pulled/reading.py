"""Reads a gateway's own usage figures and keeps them. Idempotent: the same days may be read as often as one likes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from aforo.gateway_sdk.manifest import UsageFacts
from aforo.gateway_sdk.usage import UsagePull
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid, NotFound
from aforo.usage.pulled.store import Figure, PulledStore


class NoUsageFigures(Conflict):
    """Aforo does not read this gateway's own usage figures."""

    code = "no_usage_figures"


@dataclass(frozen=True, slots=True)
class Place:
    """An integration as this room needs it: its name, its gateway's, and what the gateway's figures are worth.

    uncounted    prefixes of native ids of products that the gateway never counts
    best_effort  whether events of its artifact may be lost without a trace
    """

    name: str
    gateway: str
    facts: UsageFacts | None
    uncounted: tuple[str, ...] = ()
    best_effort: bool = False

    def told(self) -> UsageFacts:
        """Raises NoUsageFigures."""
        if self.facts is None:
            raise NoUsageFigures(
                f"Aforo does not read usage figures from {self.gateway}, so {self.name} has none.",
                next_step="What its artifact meters is under Usage.",
            )
        return self.facts


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a reading brought: the days, both included, how many figures, and their calls."""

    first: date
    last: date
    figures: int
    calls: int


PlaceOf = Callable[[str, str], Awaitable[Place]]
"""An integration of a tenant; raises NotFound."""
Opens = Callable[[str, str], AbstractAsyncContextManager[UsagePull]]


class Pulling:
    """Keeps what it reads apart from the events: nothing is billed from it."""

    def __init__(self, store: PulledStore, places: PlaceOf, opens: Opens, clock: Clock) -> None:
        self._store = store
        self._places = places
        self._opens = opens
        self._clock = clock

    async def name(self, tenant_id: str, integration_id: str) -> str:
        """What people call it. Raises NotFound, NoUsageFigures."""
        place = await self._places(tenant_id, integration_id)
        place.told()
        return place.name

    async def pull(self, tenant_id: str, integration_id: str, days: int | None = None) -> Pulled:
        """Read the last `days`, today included; else what is lacking and what the vendor may have amended since.

        A reading that fails leaves what was kept as it is. Raises NoUsageFigures, Invalid or GatewayError.
        """
        facts = (await self._places(tenant_id, integration_id)).told()
        if days is not None and not 1 <= days <= facts.history_days:
            raise Invalid(
                f"The gateway tells of the last {facts.history_days} days.",
                (("/days", f"must be 1 to {facts.history_days}"),),
            )
        today = self._clock.now().astimezone(ZoneInfo(facts.zone)).date()
        back = days or await self._lacking(tenant_id, integration_id, facts, today)
        first = today - timedelta(days=back - 1)
        figures = await self._read(tenant_id, integration_id, first, today)
        await asyncio.to_thread(self._store.keep, tenant_id, integration_id, (first, today), figures, self._clock.now())
        await self.changed(tenant_id, integration_id)  # it may have been deleted while it was read
        return Pulled(first, today, len(figures), sum(one.calls for one in figures))

    async def changed(self, tenant_id: str, integration_id: str) -> None:
        """An integration was made, changed or deleted: the figures of one that is gone go with it."""
        try:
            await self._places(tenant_id, integration_id)
        except NotFound:
            await asyncio.to_thread(self._store.forget, tenant_id, integration_id)

    async def _lacking(self, tenant_id: str, integration_id: str, facts: UsageFacts, today: date) -> int:
        last = await asyncio.to_thread(self._store.last_day, tenant_id, integration_id)
        if last is None:
            return facts.history_days
        return min(facts.history_days, max(facts.again_days, (today - last).days + facts.again_days))

    async def _read(self, tenant_id: str, integration_id: str, first: date, last: date) -> list[Figure]:
        async with self._opens(tenant_id, integration_id) as gateway:
            return [
                Figure(one.day, one.counter, one.products, one.credential, one.calls)
                async for one in gateway.pull(first, last)
            ]
