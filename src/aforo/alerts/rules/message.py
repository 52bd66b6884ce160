"""What is sent: the payload that programs read, and the same in words for people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aforo.alerts.model import Alert, Event, plain
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.jsontree import Json, JsonObject

_TYPES: Final = {Event.RAISED: "alert.raised", Event.RESOLVED: "alert.resolved", Event.TEST: "channel.test"}


def payload(alert: Alert, event: Event, base_url: str, now: datetime) -> JsonObject:
    """`type`, `timestamp` and `data`, as Standard Webhooks wants them."""
    notice = alert.notice
    data: dict[str, Json] = {
        "id": alert.id,
        "kind": notice.kind.value,
        "severity": notice.severity.value,
        "title": notice.title,
        "detail": notice.detail,
        "subject": {"id": notice.subject, "name": notice.name},
        "since": rfc3339(notice.since),
        "endedAt": rfc3339(alert.ended_at) if alert.ended_at and notice.lasts else None,
        "resolution": alert.resolution,
        "affects": plain(notice.affected),
        "url": f"{base_url}{notice.path}",
    }
    return {"type": _TYPES[event], "timestamp": rfc3339(now), "data": data}


def test_payload(channel_id: str, name: str, base_url: str, now: datetime) -> JsonObject:
    data: dict[str, Json] = {"id": channel_id, "name": name, "url": f"{base_url}/alerts/channels"}
    return {"type": _TYPES[Event.TEST], "timestamp": rfc3339(now), "data": data}


def subject(message: Mapping[str, Any]) -> str:
    """One line."""
    data = message["data"]
    if message["type"] == _TYPES[Event.TEST]:
        return f"Aforo: test of the channel {data['name']}"
    if message["type"] == _TYPES[Event.RESOLVED]:
        return f"Aforo: over: {data['title']}"
    return f"Aforo: {data['severity']}: {data['title']}"


def text(message: Mapping[str, Any]) -> str:
    """What happened, since when, what it touches, where to look."""
    data = message["data"]
    if message["type"] == _TYPES[Event.TEST]:
        return f"This is a test. Alerts that are routed to {data['name']} will arrive here.\n\n{data['url']}"
    lines = [data["title"], data["detail"], f"Since {_exact(data['since'])}."]
    if message["type"] == _TYPES[Event.RESOLVED]:
        span = f"It began {_exact(data['since'])} and ended {_exact(data['endedAt'])}."
        lines = [f"Over: {data['title']}", data["resolution"], span]
    return "\n".join([*lines, *_touches(data["affects"]), "", data["url"]])


def _touches(affects: Mapping[str, Any]) -> list[str]:
    """Nothing where nothing is known: an unknown is not a zero."""
    parts = []
    if affects["subscriptions"] is not None:
        parts.append(_counted(affects["subscriptions"], "subscription"))
    if affects["credentials"] is not None:
        parts.append(_counted(affects["credentials"], "live key"))
    if affects["monthlyRevenue"] is not None:
        parts.append(f"{affects['monthlyRevenue']} {affects['currency']} a month")
    return [f"Touches {', '.join(parts)}."] if parts else []


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _exact(moment: str) -> str:
    told = from_rfc3339(moment)
    return f"{told.day} {told:%b %Y, %H:%M:%S} UTC"
