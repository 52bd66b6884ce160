"""Sums of quarters brought into windows of a time zone's hours, days and months, and into groups. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from aforo.usage.rules.cells import DAY_QUARTERS, Key, Sums
from aforo.usage.rules.quantity import NANOS, decimal_text

GROUPS: Final = ("customer", "product", "metric", "credential", "status", "subscription", "integration")
WINDOWS: Final = ("minute", "hour", "day", "month")
FROM_SUMS: Final = frozenset({"COUNT", "SUM", "MAX", "AVG"})
"""The aggregations that follow from sums alone."""

Group = tuple[int, tuple[str | int, ...]]
"""Begin of the window in seconds since 1970, and the values that it is grouped by."""
Range = tuple[int, int]
"""From the first up to, but without, the second."""
CellRow = tuple[Any, ...]
"""When the cell began, counted in its own spans; its groups' values; events, whole, nano, most whole, most nano."""


def grouped(rows: Iterable[CellRow], begins: Callable[[int], int]) -> dict[Group, Sums]:
    """What each group comes to, in order of time, then of its values. `begins` gives the window of a cell.

    Plain lists and one pass: a customer's month has thousands of cells, and somebody waits.
    """
    totals: dict[Group, list[int]] = {}
    for row in rows:
        group = begins(row[0]), row[1:-5]
        total = totals.get(group)
        if total is None:
            totals[group] = [*map(int, row[-5:])]
            continue
        total[0] += row[-5]
        total[1] += int(row[-4])
        total[2] += row[-3]
        if row[-2] > total[3] or (row[-2] == total[3] and row[-1] > total[4]):
            total[3:] = row[-2:]
    return {group: _sums(*total) for group, total in sorted(totals.items())}


def _sums(events: int, whole: int, nano: int, most_whole: int, most_nano: int) -> Sums:
    return Sums(events, whole * NANOS + nano, most_whole * NANOS + most_nano)


def row_of(key: Key, sums: Sums, groups: Sequence[str]) -> CellRow:
    """A cell that was counted just now, as if it had been read."""
    values = (getattr(key, name) for name in Key._fields if name in groups)
    return (key.quarter, *values, sums.events, *divmod(sums.nanos, NANOS), *divmod(sums.most_nanos, NANOS))


def whole_days(edges: Sequence[int]) -> tuple[list[Range], list[Range]]:
    """What lies between the first and the last of `edges`, which ascend, in quarters of an hour: days of UTC that lie
    whole between two neighbours, and what is left."""
    days: list[Range] = []
    quarters: list[Range] = []
    for start, end in pairwise(edges):
        first, behind = -(-start // DAY_QUARTERS), end // DAY_QUARTERS
        if first < behind:
            _join(days, first * DAY_QUARTERS, behind * DAY_QUARTERS)
            _join(quarters, start, first * DAY_QUARTERS)
            _join(quarters, behind * DAY_QUARTERS, end)
        else:
            _join(quarters, start, end)
    return days, quarters


def _join(ranges: list[Range], start: int, end: int) -> None:
    """Add a range, to the last one if it follows on that."""
    if ranges and ranges[-1][1] == start:
        ranges[-1] = ranges[-1][0], end
    elif start < end:
        ranges.append((start, end))


def all_in_one(_quarter: int) -> int:
    """No window: everything begins at 0."""
    return 0


@lru_cache(maxsize=16_384)
def window_of(second: int, window: str, zone: tzinfo) -> int:
    """When the local hour, day or month that holds a moment began, in seconds since 1970."""
    if window == "minute":
        return second - second % 60
    local = datetime.fromtimestamp(second, zone)
    if window == "hour":  # by the clock on the wall, and an hour that comes twice stays two
        return second - local.minute * 60 - local.second
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0, day=1 if window == "month" else local.day)
    return _first_second(begins)


def _first_second(midnight: datetime) -> int:
    """A midnight that a change of the clocks leaves out begins when the clocks have changed."""
    second = int(midnight.timestamp())
    back = datetime.fromtimestamp(second, midnight.tzinfo)
    return second if back.date() == midnight.date() else int((midnight + timedelta(hours=1)).timestamp())


def aggregated(sums: Sums, aggregation: str) -> str:
    """A metric's figure as decimal text; `aggregation` is one of FROM_SUMS. An average is rounded to 9 digits."""
    if aggregation == "COUNT":
        return str(sums.events)
    if aggregation == "MAX":
        return decimal_text(*divmod(sums.most_nanos, NANOS))
    if aggregation == "AVG":
        return decimal_text(*divmod(_half_even(sums.nanos, sums.events), NANOS))
    return decimal_text(*divmod(sums.nanos, NANOS))


def _half_even(nanos: int, events: int) -> int:
    whole, rest = divmod(nanos, events)
    return whole + (2 * rest > events or (2 * rest == events and whole % 2 == 1))


def amounts(by_metric: Mapping[Group, Sums], aggregations: Mapping[str, str]) -> dict[str, Decimal]:
    """Each metric's figure, exact: what a statement is made from. A metric that is not named is summed up."""
    return {
        str(metric): Decimal(aggregated(sums, aggregations.get(str(metric), "SUM")))
        for (_, (metric,)), sums in by_metric.items()
    }


def rfc3339_of(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
