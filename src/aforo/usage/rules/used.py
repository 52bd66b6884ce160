"""Cells as a statement reads them: by what they were sent, and when they came. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from aforo.usage.rules.cells import QUARTER_SECONDS, Sums
from aforo.usage.rules.spread import FROM_SPREADS, Spread, merged, spread_figure
from aforo.usage.rules.windows import aggregated

__all__ = ["QUARTER_SECONDS", "Used", "figures"]


class Used(NamedTuple):
    """Some events of one customer in one quarter; members as those of a cell's `Key`. `spread` is there where the
    metric's figure does not follow from sums."""

    quarter: int
    metric: str
    product: str
    credential: str
    subscription: str
    received: int
    sums: Sums
    spread: Spread | None = None


NAMED: Final = Used._fields[1:-2]
"""What tells one of the same quarter from others."""


def figures(used: Iterable[Used], aggregations: Mapping[str, str]) -> dict[str, Decimal]:
    """Each metric's figure, exactly; a metric that is not named is summed up.

    Those of which a figure does not follow from sums must have come with their spreads.
    """
    by_metric: dict[str, list[Used]] = defaultdict(list)
    for one in used:
        by_metric[one.metric].append(one)
    return {
        metric: Decimal(_figure(some, aggregations.get(metric, "SUM"))) for metric, some in sorted(by_metric.items())
    }


def _figure(some: list[Used], aggregation: str) -> str:
    if aggregation in FROM_SPREADS:
        return spread_figure(merged(one.spread for one in some if one.spread), aggregation)
    return aggregated(_total([one.sums for one in some]), aggregation)


def _total(some: list[Sums]) -> Sums:
    """Plain sums, since somebody waits and a month has thousands of cells."""
    events, nanos, most = zip(*some, strict=True)
    return Sums(sum(events), sum(nanos), max(most))
