"""Credentials that were rotated or revoked, and seats at gateways that cannot be brought to what is wanted."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aforo.alerts import Affected, Alert, Alerts, Kind, Notice, Severity
from aforo.credentials.model import Credential, Stuck
from aforo.kit.errors import NotFound

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_LOOKS_BACK: Final = timedelta(hours=24)
"""Longer than Aforo is ever down between a change and the next survey; what was told stays told."""
_TRIES: Final = 3

_Writes = dict[str, Callable[[], Awaitable[Notice | None]]]


async def tell(alerts: Alerts, rooms: "Rooms", tenant_id: str, now: datetime) -> None:
    turned = await rooms.credentials.credentials.turned(tenant_id, now - _LOOKS_BACK)
    succeeded = {one.replaces for one in turned}
    events: _Writes = {}
    for one in turned:
        if one.revoked_at and one.id not in succeeded:  # the end of a grace is part of its rotation
            events[f"revoked {one.id}"] = partial(_revoked, rooms, one)
        if one.replaces:
            events[f"rotated {one.replaces}"] = partial(_rotated, rooms, one)
    await alerts.happened(tenant_id, Kind.CREDENTIAL, events)
    stuck: _Writes = {
        f"{one.subscription_id} {one.integration_id}": partial(_stuck, rooms, tenant_id, one, now)
        for one in await rooms.credentials.credentials.stuck(tenant_id, _TRIES)
    }
    await alerts.reconcile(tenant_id, Kind.PROVISIONING, stuck, _over)


async def _revoked(rooms: "Rooms", one: Credential) -> Notice:
    who = await _buyer(rooms, one.tenant_id, one.subscription_id)
    return _event(one, f"revoked {one.id}", f"A key of {who} was revoked", "It is refused from now on.", one.revoked_at)


async def _rotated(rooms: "Rooms", one: Credential) -> Notice:
    who = await _buyer(rooms, one.tenant_id, one.subscription_id)
    detail = "The new key works; the old one works on for its grace."
    return _event(one, f"rotated {one.replaces}", f"A key of {who} was rotated", detail, one.created_at)


def _event(one: Credential, episode: str, title: str, detail: str, at: datetime | None) -> Notice:
    return Notice(
        kind=Kind.CREDENTIAL,
        episode=episode,
        subject=one.id,
        name=one.hint or one.id,
        severity=Severity.INFO,
        title=title,
        detail=f"{one.hint or one.id}: {detail}",
        path=f"/credentials/{one.id}",
        since=at or one.created_at,
        affected=Affected(1, 1),
        lasts=False,
    )


async def _stuck(rooms: "Rooms", tenant_id: str, one: Stuck, now: datetime) -> Notice | None:
    try:
        integration = await rooms.integrations.get(tenant_id, one.integration_id)
        who = await _buyer(rooms, tenant_id, one.subscription_id)
    except NotFound:
        return None
    return Notice(
        kind=Kind.PROVISIONING,
        episode=f"{one.subscription_id} {one.integration_id}",
        subject=one.subscription_id,
        name=who,
        severity=Severity.WARNING,
        title=f"{who} cannot be provisioned at {integration.name}",
        detail=f"{one.attempts} tries failed: {one.reason or 'no reason was given.'} It is tried on by itself.",
        path=f"/subscriptions/{one.subscription_id}",
        since=now,
        affected=Affected(1),
    )


async def _over(alert: Alert) -> str:
    del alert
    return "It stands as wanted, or is not wanted any more."


async def _buyer(rooms: "Rooms", tenant_id: str, subscription_id: str) -> str:
    try:
        placed = await rooms.customers.subscriptions.one(tenant_id, subscription_id)
        return (await rooms.customers.customers.one(tenant_id, placed.subscription.customer_id)).name
    except NotFound:
        return subscription_id
