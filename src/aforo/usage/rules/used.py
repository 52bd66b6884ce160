"""Cells as a statement reads them: by what they were sent, and when they came. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from aforo.kit.errors import Invalid
from aforo.usage.rules.cells import QUARTER_SECONDS, Sums
from aforo.usage.rules.windows import FROM_SUMS, aggregated

__all__ = ["QUARTER_SECONDS", "Used", "figures"]


class Used(NamedTuple):
    """Some events of one customer in one quarter; members as those of a cell's `Key`."""

    quarter: int
    metric: str
    product: str
    credential: str
    subscription: str
    received: int
    sums: Sums


def figures(used: Iterable[Used], aggregations: Mapping[str, str]) -> dict[str, Decimal]:
    """Each metric's figure, exactly; a metric that is not named is summed up.

    Raises Invalid for one whose way of aggregating does not follow from sums.
    """
    by_metric: dict[str, list[Sums]] = defaultdict(list)
    for one in used:
        by_metric[one.metric].append(one.sums)
    totals = {metric: _total(some) for metric, some in by_metric.items()}
    return {metric: _figure(metric, sums, aggregations.get(metric, "SUM")) for metric, sums in sorted(totals.items())}


def _total(some: list[Sums]) -> Sums:
    """Plain sums, since somebody waits and a month has thousands of cells."""
    events, nanos, most = zip(*some, strict=True)
    return Sums(sum(events), sum(nanos), max(most))


def _figure(metric: str, sums: Sums, aggregation: str) -> Decimal:
    if aggregation not in FROM_SUMS:
        raise Invalid(
            f"The metric {metric} is aggregated by {aggregation}, which is not computed yet.",
            (("/metric", f"aggregated by {aggregation}"),),
            next_step="Use a metric that is counted, summed up, averaged, or of which the largest value counts.",
        )
    return Decimal(aggregated(sums, aggregation))
