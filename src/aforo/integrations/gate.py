"""The gate before every call to one gateway: breaker and health, kept in memory and stored when they change."""

from dataclasses import replace
from datetime import timedelta

from aforo.gateway_sdk.errors import BreakerOpen, GatewayError
from aforo.integrations.listeners import BreakerChange, HealthChange, Listeners
from aforo.integrations.model import Breaker, BreakerState, Health, HealthPoint, Integration, Vitals
from aforo.integrations.rules import breaker as breaker_rules
from aforo.integrations.rules import vitals as vitals_rules
from aforo.integrations.sql import IntegrationStore
from aforo.kit.clock import Clock, rfc3339

_QUIET_SECONDS = 240.0
"""A good call is noted in the history if the last one is older: shorter than the health check's interval."""


class IntegrationGate:
    """One per integration and process; all of its calls pass here, so that the count is the count."""

    def __init__(
        self, integration: Integration, store: IntegrationStore, clock: Clock, listeners: Listeners | None = None
    ) -> None:
        self._of = integration
        self._store = store
        self._clock = clock
        self._listeners = listeners or Listeners()
        self.vitals = integration.vitals

    def rename(self, integration: Integration) -> None:
        """What it is called by now, for what is told of it."""
        self._of = integration

    async def admit(self) -> None:
        now = self._clock.now()
        allowed, breaker = breaker_rules.admit(self.vitals.breaker, now)
        if breaker != self.vitals.breaker:
            await self._begin(breaker)
        if not allowed:
            wait = breaker_rules.seconds_to_probe(breaker, now)
            raise BreakerOpen(
                f"Calls to {self._of.name} are held back for {wait:.0f} s more, since it failed "
                f"{breaker.failures} times in a row: {breaker.last_failure} No call was made.",
                next_step="One call probes it then; an operator can reset the breaker at once.",
                retry_after_seconds=wait,
            )

    async def passed(self, took_ms: float) -> None:
        self._listeners.called(self._of.gateway, took_ms, None)
        now = self._clock.now()
        known = self.vitals.last_ok_at
        fresh = known is not None and (now - known).total_seconds() < _QUIET_SECONDS
        after = vitals_rules.after_success(self.vitals, now)
        if fresh and self.vitals.health is Health.HEALTHY and after.breaker == self.vitals.breaker:
            return
        await self._keep(after, HealthPoint(now, after.health, took_ms, None, None))

    async def failed(self, error: GatewayError) -> None:
        self._listeners.called(self._of.gateway, None, error)
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
        await self._store.save_vitals(self._of.id, vitals, point)
        if vitals.health is not before.health:
            await self._listeners.health(self._health_change(before, vitals))
        if vitals.breaker.state is not before.breaker.state:
            await self._listeners.breaker(self._breaker_change(before.breaker, vitals.breaker))

    def _health_change(self, before: Vitals, after: Vitals) -> HealthChange:
        failing = after.health is not Health.HEALTHY
        return HealthChange(
            tenant_id=self._of.tenant_id,
            integration_id=self._of.id,
            name=self._of.name,
            before=before.health,
            after=after.health,
            at=self._clock.now(),
            since=before.last_ok_at,
            code=after.last_error_code if failing else None,
            reason=after.last_error if failing else None,
        )

    def _breaker_change(self, before: Breaker, after: Breaker) -> BreakerChange:
        now = self._clock.now()
        wait = breaker_rules.seconds_to_probe(after, now)
        return BreakerChange(
            tenant_id=self._of.tenant_id,
            integration_id=self._of.id,
            name=self._of.name,
            before=before.state,
            after=after.state,
            at=now,
            probe_at=now + timedelta(seconds=wait) if wait > 0 else None,
            reason=after.last_failure if after.state is BreakerState.OPEN else None,
        )


def _with_breaker(vitals: Vitals, breaker: Breaker) -> Vitals:
    return replace(vitals, breaker=breaker)
