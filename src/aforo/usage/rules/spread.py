"""Figures of which each single quantity must be known: how many different ones there are, and their 95th percentile.

A spread says how often each quantity occurs, in billionths of a unit. Spreads add up, so these figures are exact over
any windows and groups, whatever came when. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from aforo.usage.rules.cells import Sums
from aforo.usage.rules.quantity import NANOS, decimal_text

FROM_SPREADS: Final = frozenset({"COUNT_DISTINCT", "PERCENTILE_95"})
Spread = Mapping[int, int]


def merged(spreads: Iterable[Spread]) -> Counter[int]:
    """All of them together."""
    found: Counter[int] = Counter()
    for one in spreads:
        found.update(one)
    return found


def sums_of(spread: Spread) -> Sums:
    """Of the same events: how many, and the sum and the largest of their quantities. There is at least one."""
    nanos = sum(quantity * times for quantity, times in spread.items())
    return Sums(sum(spread.values()), nanos, max(spread))


def spread_figure(spread: Spread, aggregation: str) -> str:
    """As decimal text; `aggregation` is one of FROM_SPREADS. A percentile is the smallest quantity that at least 95 of
    100 events do not exceed (the nearest rank), so it is one that was sent. There is at least one event."""
    if aggregation == "COUNT_DISTINCT":
        return str(len(spread))
    rank = -(-sum(spread.values()) * 95 // 100)
    for quantity in sorted(spread):
        rank -= spread[quantity]
        if rank <= 0:
            return decimal_text(*divmod(quantity, NANOS))
    raise AssertionError("a rank lies within what it was counted from")
