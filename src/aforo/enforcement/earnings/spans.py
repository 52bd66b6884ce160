"""The spans that money is looked at in, and the same length before each. Days and months are those of UTC: margins are
guarded by the calendar month of UTC, and two pages that show one figure must mean the same hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

SPANS: Final = {"today": "today", "7d": "last 7 days", "30d": "last 30 days", "month": "this month"}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """`start` to `end` (now), and the span before that it is held against, up to the same point of it.

    `buckets` begin hours of today, days otherwise; the last one is still running.
    """

    name: str
    start: datetime
    end: datetime
    before_start: datetime
    before_end: datetime
    buckets: tuple[datetime, ...]

    @property
    def words(self) -> str:
        return SPANS[self.name]

    @property
    def against(self) -> str:
        """The span before it, which ends at the same point."""
        return {"today": "yesterday", "7d": "the 7 days before", "30d": "the 30 days before", "month": "last month"}[
            self.name
        ]


def span_of(name: str, now: datetime) -> Span:
    """`name` is one of SPANS. Raises KeyError."""
    now = now.astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "month":
        start = midnight.replace(day=1)
        before = month_before(start)
        before_end = min(before + (now - start), start)
    else:
        days = {"today": 1, "7d": 7, "30d": 30}[name]
        start = midnight - (days - 1) * _DAY
        before, before_end = start - days * _DAY, now - days * _DAY
    step = timedelta(hours=1) if name == "today" else _DAY
    return Span(name, start, now, before, before_end, tuple(_steps(start, now, step)))


def month_of(moment: datetime) -> datetime:
    """Its first moment, UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_before(start: datetime) -> datetime:
    return month_of(start - _DAY)


def month_after(start: datetime) -> datetime:
    return month_of(start + 32 * _DAY)


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    moment = start
    while moment <= end:
        yield moment
        moment += step
