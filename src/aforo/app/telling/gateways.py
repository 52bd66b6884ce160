"""Integrations in ERROR, and breakers that hold calls back."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from aforo.alerts import Affected, Alert, Alerts, Kind, Notice, Severity
from aforo.credentials.model import LIVE
from aforo.integrations import Health, Integration
from aforo.integrations.model import BreakerState
from aforo.kit.errors import NotFound

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_Holding = dict[str, Callable[[], Awaitable[Notice | None]]]


async def tell(alerts: Alerts, rooms: "Rooms", tenant_id: str) -> None:
    """At most one of each kind for an integration. A breaker that probes has not closed yet."""
    every = await rooms.integrations.all(tenant_id)
    unwell: _Holding = {one.id: partial(_unwell, rooms, one) for one in every if one.vitals.health is Health.ERROR}
    held: _Holding = {
        one.id: partial(_held, rooms, one) for one in every if one.vitals.breaker.state is not BreakerState.CLOSED
    }
    await alerts.reconcile(tenant_id, Kind.HEALTH, unwell, partial(_over, rooms, "It answers again."))
    await alerts.reconcile(tenant_id, Kind.BREAKER, held, partial(_over, rooms, "Calls pass again."))


async def _unwell(rooms: "Rooms", one: Integration) -> Notice:
    return Notice(
        kind=Kind.HEALTH,
        episode=one.id,
        subject=one.id,
        name=one.name,
        severity=Severity.CRITICAL,
        title=f"{one.name} is in ERROR",
        detail=f"{one.vitals.last_error or 'The last calls failed.'} Records in Aforo are unharmed.",
        path=f"/integrations/{one.id}",
        since=one.vitals.last_failed_at or rooms.clock.now(),
        affected=await _behind(rooms, one),
    )


async def _held(rooms: "Rooms", one: Integration) -> Notice:
    breaker = one.vitals.breaker
    return Notice(
        kind=Kind.BREAKER,
        episode=one.id,
        subject=one.id,
        name=one.name,
        severity=Severity.CRITICAL,
        title=f"Calls to {one.name} are held back",
        detail=f"It failed {breaker.failures} times in a row, the last time so: {breaker.last_failure} "
        "Aforo probes it by itself; an operator can reset the breaker.",
        path=f"/integrations/{one.id}",
        since=breaker.since or rooms.clock.now(),
        affected=await _behind(rooms, one),
    )


async def _behind(rooms: "Rooms", one: Integration) -> Affected:
    """Live keys at this gateway and their subscriptions. Money is not named: a plan's fee may be earned elsewhere."""
    live = [key for key in await rooms.credentials.credentials.at(one.tenant_id, one.id) if key.state in LIVE]
    return Affected(len({key.subscription_id for key in live}), len(live))


async def _over(rooms: "Rooms", words: str, alert: Alert) -> str:
    try:
        await rooms.integrations.get(alert.tenant_id, alert.notice.subject)
    except NotFound:
        return "The integration was removed from Aforo."
    return words
