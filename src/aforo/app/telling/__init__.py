"""What is worth telling people: reads the rooms, and hands episodes to the alerts room.

Every source is read as it stands now, and compared with what was told. A room that changes something calls the one
source at once; the survey reads all of them every minute. So a crash between a change and its telling is made good, and
nothing is told twice.
"""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from aforo.alerts import Alerts
from aforo.app.telling import drift, gateways, keys, margins, metering
from aforo.catalog import ImpactOf
from aforo.integrations.listeners import BreakerChange, HealthChange
from aforo.integrations.model import BreakerState
from aforo.kit.clock import Clock

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

EVERY_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


class Telling:
    """Handed to rooms before all of them are open: it tells nothing until `serves`. Never raises: whoever changes
    something is not held up by a fault in telling it.
    """

    def __init__(self, alerts: Alerts, clock: Clock) -> None:
        self._alerts = alerts
        self._clock = clock
        self._rooms: Rooms | None = None
        self._impact_of: ImpactOf | None = None
        self._quotas = metering.QuotaWatch()

    def serves(self, rooms: "Rooms", impact_of: ImpactOf) -> None:
        self._rooms, self._impact_of = rooms, impact_of

    async def drift_noted(self, tenant_id: str) -> None:
        rooms, impact_of = self._rooms, self._impact_of
        if rooms and impact_of:
            await _guarded("drift", drift.tell(self._alerts, rooms, impact_of, tenant_id))

    async def gateway_turned(self, tenant_id: str) -> None:
        if self._rooms:
            await _guarded("health", gateways.tell(self._alerts, self._rooms, tenant_id))

    async def health_changed(self, change: HealthChange) -> None:
        """A gateway came into ERROR, or out of it."""
        if change.news:
            await self.gateway_turned(change.tenant_id)

    async def breaker_changed(self, change: BreakerChange) -> None:
        """A breaker that probes is not closed yet."""
        if BreakerState.CLOSED in (change.before, change.after):
            await self.gateway_turned(change.tenant_id)

    async def keys_changed(self, tenant_id: str) -> None:
        if self._rooms:
            await _guarded("credentials", keys.tell(self._alerts, self._rooms, tenant_id, self._clock.now()))

    async def survey(self, now: datetime) -> None:
        """Everything, of all tenants."""
        rooms = self._rooms
        if rooms is None:
            return
        for tenant in await rooms.accounts.tenants():
            await self.drift_noted(tenant.id)
            await self.gateway_turned(tenant.id)
            await self.keys_changed(tenant.id)
            await _guarded("quotas", self._quotas.tell(self._alerts, rooms, tenant.id, now))
            await _guarded("margins", margins.tell(self._alerts, rooms, tenant))
            await _guarded("dead letters", metering.tell_dead_letters(self._alerts, rooms, tenant, now))
            await _guarded("completeness", metering.tell_holes(self._alerts, rooms, tenant, now))

    def start(self) -> "asyncio.Task[None]":
        """The survey's loop, until it is cancelled."""
        return asyncio.create_task(self.run(), name="survey")

    async def run(self) -> None:
        """Survey every minute until cancelled."""
        while True:
            await _guarded("all sources", self.survey(self._clock.now()))
            await asyncio.sleep(EVERY_SECONDS)


async def _guarded(what: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:  # the next survey tries again; whoever asked goes on
        log.exception("telling of %s failed", what)
