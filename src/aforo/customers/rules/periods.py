"""Periods in which quotas count and fees fall due. They tile the time line: no gap, no overlap, none of no length.

A period of days or longer starts at the first moment at which the wall clock of its time zone reaches a midnight. So a
midnight that the clock jumps over counts as the moment after the jump, one that comes twice as the first, and a day
that a country skipped whole is no period. An hour is sixty minutes of UTC in every zone: no clock change halves or
doubles an hour's quota.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones


class Every(StrEnum):
    """How long a period is, by the calendar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


LAST_ANCHOR: Final[Mapping[Every, int]] = {
    Every.HOUR: 1,
    Every.DAY: 1,
    Every.WEEK: 7,
    Every.MONTH: 31,
    Every.QUARTER: 31,
    Every.YEAR: 31,
}
"""The highest anchor day that has a meaning: the day of the week from Monday on, or of the (first) month."""

_MONTHS: Final[Mapping[Every, int]] = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}
_OF_THE_MACHINE: Final = frozenset({"localtime", "Factory"})


@dataclass(frozen=True, slots=True)
class PeriodSpec:
    """`anchor_day` is 1 to 31, clamped to the month's length; for weeks 1 (Monday) to 7. Quarters start in January."""

    every: Every = Every.MONTH
    anchor_day: int = 1
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on, up to but without `end`; both in UTC."""

    start: datetime
    end: datetime


@cache
def time_zones() -> frozenset[str]:
    """The IANA names that a period may have: those that mean the same on every machine."""
    return frozenset(available_timezones()) - _OF_THE_MACHINE


def period_at(moment: datetime, spec: PeriodSpec) -> Period:
    """The period that an aware moment falls into."""
    moment = moment.astimezone(UTC)
    if spec.every is Every.HOUR:
        start = moment.replace(minute=0, second=0, microsecond=0)
        return Period(start, start + timedelta(hours=1))
    zone = ZoneInfo(spec.time_zone)
    number = _number(moment.astimezone(zone).date(), spec)
    start = first_moment(_first_day(number, spec), zone)
    while start > moment:
        number -= 1
        start = first_moment(_first_day(number, spec), zone)
    end = first_moment(_first_day(number + 1, spec), zone)
    while end <= moment:
        number += 1
        start, end = end, first_moment(_first_day(number + 1, spec), zone)
    return Period(start, end)


def first_moment(day: date, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which the zone's wall clock shows this day's midnight or later."""
    midnight = datetime.combine(day, time(), zone)
    before, after = _offset(midnight), _offset(midnight.replace(fold=1))
    wall = datetime.combine(day, time(), UTC)
    if after <= before:
        return wall - before
    return _jump(wall - after, wall - before, zone, before)


def _offset(moment: datetime) -> timedelta:
    """From UTC. Only a moment without a zone has none."""
    return moment.utcoffset() or timedelta()


def _jump(low: datetime, high: datetime, zone: ZoneInfo, before: timedelta) -> datetime:
    """The moment after `low`, at the latest `high`, at which the offset stops being `before`; to the second."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _number(day: date, spec: PeriodSpec) -> int:
    """Which period a local day falls into if its clock has no jumps; good enough to begin the search."""
    if spec.every is Every.DAY:
        return day.toordinal()
    if spec.every is Every.WEEK:
        return (day.toordinal() - spec.anchor_day) // 7
    return (day.year * 12 + day.month - 1) // _MONTHS[spec.every]


def _first_day(number: int, spec: PeriodSpec) -> date:
    if spec.every is Every.DAY:
        return date.fromordinal(number)
    if spec.every is Every.WEEK:
        return date.fromordinal(number * 7 + spec.anchor_day)
    year, month = divmod(number * _MONTHS[spec.every], 12)
    return date(year, month + 1, min(spec.anchor_day, monthrange(year, month + 1)[1]))
