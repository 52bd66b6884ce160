"""The last 24 hours of health as 96 bars of 15 minutes, and the spans in which it was not well. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from aforo.integrations.model import Health, HealthPoint

DAY: Final = timedelta(hours=24)
_BAR: Final = timedelta(minutes=15)
_BARS: Final = DAY // _BAR
_RANK: Final = {"NONE": 0, Health.HEALTHY: 1, Health.DEGRADED: 2, Health.ERROR: 3}


@dataclass(frozen=True, slots=True)
class Episode:
    """A span of DEGRADED or ERROR; `end` is None while it lasts."""

    state: str
    start: datetime
    end: datetime | None
    reason: str
    told: str = ""


def beats(points: Iterable[HealthPoint], now: datetime) -> list[str]:
    """Oldest first; the worst state of a bar wins, NONE where nothing was called."""
    bars = ["NONE"] * _BARS
    for point in points:
        place = _BARS - 1 - int((now - point.at) / _BAR)
        if 0 <= place < _BARS and _RANK.get(point.health, 0) > _RANK[bars[place]]:
            bars[place] = point.health.value
    return bars


def episodes(points: Sequence[HealthPoint]) -> list[Episode]:
    """Newest first."""
    found: list[Episode] = []
    for point in points:
        ongoing = found[-1] if found and found[-1].end is None else None
        if point.health is Health.HEALTHY:
            if ongoing:
                found[-1] = replace(ongoing, end=point.at)
        elif ongoing is None:
            found.append(Episode(point.health.value, point.at, None, point.detail or ""))
        elif point.health is Health.ERROR:
            found[-1] = replace(ongoing, state=point.health.value, reason=point.detail or ongoing.reason)
    return found[::-1]


def sentence(bars: Sequence[str], spans: Sequence[Episode]) -> str:
    """`99.0 % healthy, 2 episodes, 6 intervals without a call.`"""
    called = [bar for bar in bars if bar != "NONE"]
    if not called:
        return "No call was made in the last 24 hours."
    share = sum(1 for bar in called if bar == Health.HEALTHY) / len(called)
    silent = len(bars) - len(called)
    parts = [f"{share * 100:.1f} % healthy", f"{len(spans)} episode{'' if len(spans) == 1 else 's'}" if spans else ""]
    parts.append(f"{silent} of {len(bars)} intervals without a call" if silent else "")
    return ", ".join(part for part in parts if part) + "."
