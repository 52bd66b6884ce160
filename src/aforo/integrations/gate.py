"""The gate before every call to one gateway: breaker and health, kept in memory and stored when they change."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from aforo.gateway_sdk.errors import BreakerOpen, GatewayError
from aforo.integrations.model import Breaker, BreakerState, Health, HealthPoint, Integration, Vitals
from aforo.integrations.rules import breaker as breaker_rules
from aforo.integrations.rules import vitals as vitals_rules
from aforo.integrations.sql import IntegrationStore
from aforo.kit.clock import Clock, rfc3339

_QUIET_SECONDS = 300.0

Turned = Callable[[str], Awaitable[None]]
"""Given a tenant: an integration of its came into ERROR or out of it, or its breaker opened or closed. Never raises."""


async def tell_nobody(tenant_id: str) -> None:
    """Where nobody is told."""
    del tenant_id


class IntegrationGate:
    """One per integration and process; all of its calls pass here, so that the count is the count."""

    def __init__(
        self, integration: Integration, store: IntegrationStore, clock: Clock, turned: Turned = tell_nobody
    ) -> None:
        self._id = integration.id
        self._tenant_id = integration.tenant_id
        self._name = integration.name
        self._store = store
        self._clock = clock
        self._turned = turned
        self.vitals = integration.vitals

    async def admit(self) -> None:
        now = self._clock.now()
        allowed, breaker = breaker_rules.admit(self.vitals.breaker, now)
        if breaker != self.vitals.breaker:
            await self._begin(breaker)
        if not allowed:
            wait = breaker_rules.seconds_to_probe(breaker, now)
            raise BreakerOpen(
                f"Calls to {self._name} are held back for {wait:.0f} s more, since it failed "
                f"{breaker.failures} times in a row: {breaker.last_failure} No call was made.",
                next_step="One call probes it then; an operator can reset the breaker at once.",
                retry_after_seconds=wait,
            )

    async def passed(self, took_ms: float) -> None:
        now = self._clock.now()
        known = self.vitals.last_ok_at
        fresh = known is not None and (now - known).total_seconds() < _QUIET_SECONDS
        after = vitals_rules.after_success(self.vitals, now)
        if fresh and self.vitals.health is Health.HEALTHY and after.breaker == self.vitals.breaker:
            return
        await self._keep(after, HealthPoint(now, after.health, took_ms, None, None))

    async def failed(self, error: GatewayError) -> None:
        now = self._clock.now()
        after = vitals_rules.after_failure(self.vitals, now, error)
        if after != self.vitals:
            counts = error.counts_for_health
            point = HealthPoint(now, after.health, None, error.code, error.detail) if counts else None
            await self._keep(after, point)

    async def abandoned(self) -> None:
        breaker = breaker_rules.abandoned(self.vitals.breaker)
        if breaker != self.vitals.breaker:
            await self._keep(_with_breaker(self.vitals, breaker), None)

    async def reset(self) -> None:
        """Close the breaker at once: on an operator's word, or since the gateway may be another one."""
        await self._keep(_with_breaker(self.vitals, Breaker()), None)

    def next_probe_at(self) -> str | None:
        now = self._clock.now()
        wait = breaker_rules.seconds_to_probe(self.vitals.breaker, now)
        return rfc3339(now + timedelta(seconds=wait)) if wait > 0 else None

    async def _begin(self, breaker: Breaker) -> None:
        """A probe that is stopped before it was even noted has ended too."""
        try:
            await self._keep(_with_breaker(self.vitals, breaker), None)
        except BaseException:
            self.vitals = _with_breaker(self.vitals, breaker_rules.abandoned(breaker))
            raise

    async def _keep(self, vitals: Vitals, point: HealthPoint | None) -> None:
        before, self.vitals = self.vitals, vitals
        await self._store.save_vitals(self._id, vitals, point)
        if _worth_telling(before) != _worth_telling(vitals):
            await self._turned(self._tenant_id)


def _worth_telling(vitals: Vitals) -> tuple[bool, bool]:
    """A breaker that probes is not closed yet."""
    return vitals.health is Health.ERROR, vitals.breaker.state is not BreakerState.CLOSED


def _with_breaker(vitals: Vitals, breaker: Breaker) -> Vitals:
    return replace(vitals, breaker=breaker)
