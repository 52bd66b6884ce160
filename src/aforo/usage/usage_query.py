"""How much was used: sums by window and group, from rollups, or from the log itself by the minute."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from aforo.accounts import Caller
from aforo.kit.errors import Invalid
from aforo.usage import record
from aforo.usage.record import Record
from aforo.usage.rollups import RollupReader
from aforo.usage.rollups.reader import Selection
from aforo.usage.rollups.store import sums_of
from aforo.usage.rules import cells as counting
from aforo.usage.rules.cells import DAY_QUARTERS, QUARTER_NS, QUARTER_SECONDS, Key, Sums
from aforo.usage.rules.moment import AHEAD_NS, SECOND_NS
from aforo.usage.rules.spread import FROM_SPREADS, Spread, merged, spread_figure
from aforo.usage.rules.spread import sums_of as spread_sums
from aforo.usage.rules.used import NAMED, Used
from aforo.usage.rules.windows import (
    CellRow,
    Group,
    aggregated,
    all_in_one,
    amounts,
    grouped,
    rfc3339_of,
    row_of,
    whole_days,
    window_of,
)
from aforo.usage.segment_log import LogReader
from aforo.usage.spreads import SpreadReader

MINUTE_HOURS: Final = 48
MOST_GROUPS: Final = 100_000
_MINUTE_NS: Final = 60 * SECOND_NS


class UsageQuery(msgspec.Struct, frozen=True):
    """`from_ns` ≤ occurredAt < `to_ns`, widened to whole quarters of an hour (whole minutes for `minute`)."""

    from_ns: int
    to_ns: int
    window: str | None = None
    groups: tuple[str, ...] = ()
    zone: tzinfo = UTC
    metric: str | None = None
    customer: str | None = None
    product: str | None = None
    subscription: str | None = None


class Named(NamedTuple):
    """Whose use it was, and of what, as it was received; in the order of `Key`."""

    customer: str
    metric: str
    product: str
    integration: str
    credential: str
    subscription: str


class UsageLog:
    """Usage of one data folder, for reading only. Blocks on the disk."""

    def __init__(self, data_dir: Path) -> None:
        self._rollups = RollupReader(data_dir / "rollups.db")
        self._readers = {name: LogReader(data_dir / "log" / name) for name in ("live", "test")}
        self._spreads = {name: SpreadReader(data_dir / "log" / name) for name in ("live", "test")}

    def rows(self, caller: Caller, query: UsageQuery, aggregations: Mapping[str, str]) -> list[dict[str, Any]]:
        """One row for each window, metric and group, in this order. Raises Invalid."""
        groups = tuple(name for name in Key._fields if name == "metric" or name in query.groups)
        chosen = _selection(caller, query)
        if chosen is None:
            return []
        if query.window == "minute":
            found = grouped(self._by_minute(caller, query, chosen, groups), _minute_begins)
        else:
            read = self._rollups.days if _is_of_days(query, chosen) else self._rollups.cells
            found = grouped(read(_log(caller), chosen, groups), _begins(query))
        spreads = self._spreads_of(caller, query, chosen, groups, aggregations)
        metric = groups.index("metric")
        found = {group: sums for group, sums in found.items() if not _is_spread(group[1][metric], aggregations)}
        found |= {group: spread_sums(spread) for group, spread in spreads.items()}
        if len(found) > MOST_GROUPS:
            raise Invalid(f"The answer would have over {MOST_GROUPS} rows.", next_step="Ask for less at a time.")
        return [
            _row(group, sums, groups, query, aggregations, spreads.get(group)) for group, sums in sorted(found.items())
        ]

    def sums(
        self, tenant: str, period: tuple[int, int], aggregations: Mapping[str, str], **which: str | None
    ) -> dict[str, Decimal]:
        """Each metric's figure over a period of nanoseconds that begins and ends on a quarter of an hour, exactly.

        `which`: `customer` (as received), `subscription` or `product`. What a statement is built from.
        """
        if any(moment % QUARTER_NS for moment in period):
            raise ValueError("a period begins and ends on a quarter of an hour")
        first, behind = period[0] // QUARTER_NS, period[1] // QUARTER_NS
        chosen = Selection(
            tenant, first, behind, which.get("customer"), None, which.get("product"), which.get("subscription")
        )
        return amounts(grouped(self._rollups.cells("live", chosen, ("metric",)), all_in_one), aggregations)

    def used(
        self,
        tenant: str,
        customers: Collection[str],
        quarters: tuple[int, int],
        *,
        late: bool = False,
        spread: Collection[str] = (),
    ) -> list[Used]:
        """The cells of customers, named as received, for `quarters[0]` ≤ quarter < `quarters[1]`; in no order.
        `late`: only those of events that came late. `spread`: the metrics that come with every quantity.

        What a statement is made from, since a cell still tells by what it was sent and, if late, when it came.
        """
        found: list[Used] = []
        for customer in sorted(customers):
            chosen = Selection(tenant, *quarters, customer, late=late)
            rows = self._rollups.cells("live", chosen, NAMED)
            found += [Used._make((*row[:-5], sums_of(row[-5:]), None)) for row in rows if row[1] not in spread]
        chosen = Selection(tenant, *quarters, late=late)
        told = self._spreads["live"].read(chosen, spread, NAMED, customers=customers)
        for key, some in told.items():
            named = (getattr(key, name) for name in NAMED)
            found.append(Used._make((key.quarter, *named, spread_sums(some), some)))
        return found

    def position(self) -> tuple[int, int]:
        """Up to which segment and offset of the log all that is told was read."""
        return self._rollups.position("live")

    def uses(self, tenant: str, starts: Sequence[int], behind: int) -> dict[tuple[int, Named], Sums]:
        """All live use between the first of `starts` and `behind`, both counted in quarters of an hour since 1970.

        By the stretch that it fell into, numbered as in `starts`, and by whose and what it was.
        """
        days, quarters = whole_days([*starts, behind])
        cells = chain.from_iterable(
            [
                *(self._rollups.days("live", Selection(tenant, *one), Named._fields) for one in days),
                *(self._rollups.cells("live", Selection(tenant, *one), Named._fields) for one in quarters),
            ]
        )
        found = grouped(cells, lambda quarter: bisect_right(starts, quarter) - 1)
        return {(stretch, Named(*map(str, values))): sums for (stretch, values), sums in found.items()}

    def events(self, tenant: str) -> int:
        """How many live events of the tenant have been summed up. Blocks on the disk."""
        return self._rollups.events("live", tenant)

    def mark(self) -> tuple[int, ...]:
        """Differs when sums may have changed; it looks at files only."""
        return self._rollups.mark()

    def _spreads_of(
        self,
        caller: Caller,
        query: UsageQuery,
        chosen: Selection,
        groups: tuple[str, ...],
        aggregations: Mapping[str, str],
    ) -> dict[Group, Spread]:
        """Of the metrics whose figures do not follow from sums, by window and group."""
        metrics = {name for name in aggregations if _is_spread(name, aggregations) and query.metric in (None, name)}
        if not metrics:
            return {}
        if query.window == "minute":
            first, last = query.from_ns // _MINUTE_NS, (query.to_ns - 1) // _MINUTE_NS
            every = counting.spreads(self._lately(caller, query.from_ns), _MINUTE_NS).items()
            told = {key: one for key, one in every if first <= key.quarter <= last and chosen.names(key)}
            told = {key: one for key, one in told.items() if key.metric in metrics}
            begins: Callable[[int], int] = _minute_begins
        else:
            told = self._spreads[_log(caller)].read(chosen, metrics, groups, floor=_floor(query))
            begins = _begins(query)
        found: dict[Group, list[Spread]] = defaultdict(list)
        for key, one in told.items():
            found[begins(key.quarter), tuple(getattr(key, name) for name in groups)].append(one)
        return {group: merged(some) for group, some in found.items()}

    def _by_minute(
        self, caller: Caller, query: UsageQuery, chosen: Selection, groups: tuple[str, ...]
    ) -> Iterator[CellRow]:
        first, last = query.from_ns // _MINUTE_NS, (query.to_ns - 1) // _MINUTE_NS
        for found in self._lately(caller, query.from_ns):
            for key, sums in counting.cells([found], _MINUTE_NS).items():
                if first <= key.quarter <= last and chosen.names(key):
                    yield row_of(key, sums, groups)

    def _lately(self, caller: Caller, from_ns: int) -> Iterator[Record]:
        for frame in self._readers[_log(caller)].backwards():
            found = record.decode(frame.payload)
            if found is None:
                continue
            if found.received_ns + AHEAD_NS < from_ns:
                return
            if found.tenant_id == caller.tenant_id and found.count:
                yield found


def _log(caller: Caller) -> str:
    return "test" if caller.test else "live"


def _selection(caller: Caller, query: UsageQuery) -> Selection | None:
    """None where the key is bound to another customer than the one asked for."""
    customer = query.customer
    if caller.customer_id is not None:
        if customer not in (None, caller.customer_id):
            return None
        customer = caller.customer_id
    return Selection(
        caller.tenant_id,
        query.from_ns // QUARTER_NS,
        -(-query.to_ns // QUARTER_NS),
        customer,
        query.metric,
        query.product,
        query.subscription,
    )


def _is_of_days(query: UsageQuery, chosen: Selection) -> bool:
    """Whether whole days of UTC are asked for, by what a day's sums tell."""
    is_whole = chosen.from_quarter % DAY_QUARTERS == chosen.to_quarter % DAY_QUARTERS == 0
    return (
        is_whole
        and str(query.zone) == "UTC"
        and query.window in (None, "day", "month")
        and "status" not in query.groups
    )


def _begins(query: UsageQuery) -> Callable[[int], int]:
    window, zone = query.window, query.zone
    if window is None:
        return all_in_one
    return lambda quarter: window_of(quarter * QUARTER_SECONDS, window, zone)


def _floor(query: UsageQuery) -> int:
    """Into how many quarters of an hour a window may be put together before its zone's clock is asked."""
    if query.window is None:
        return 0
    return {"hour": 4, "day": DAY_QUARTERS, "month": DAY_QUARTERS}[query.window] if str(query.zone) == "UTC" else 1


def _is_spread(metric: str | int, aggregations: Mapping[str, str]) -> bool:
    return aggregations.get(str(metric)) in FROM_SPREADS


def _minute_begins(minute: int) -> int:
    return minute * 60


def _row(
    group: Group,
    sums: Sums,
    groups: tuple[str, ...],
    query: UsageQuery,
    aggregations: Mapping[str, str],
    spread: Spread | None,
) -> dict[str, Any]:
    begins, values = group
    named = dict(zip(groups, values, strict=True))
    aggregation = aggregations.get(str(named["metric"]), "SUM")
    shown = {name: _shown(name, value) for name, value in named.items()}
    window = {} if query.window is None else {"window": rfc3339_of(begins)}
    return {
        **window,
        **shown,
        "aggregation": aggregation,
        "quantity": aggregated(sums, aggregation) if spread is None else spread_figure(spread, aggregation),
        "events": sums.events,
    }


def _shown(name: str, value: str | int) -> str | None:
    if name == "status":
        return f"{value}xx" if value else None
    return str(value) or None
