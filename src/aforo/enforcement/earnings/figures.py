"""Revenue, cost and margin of a tenant's span, kept while nothing changes. Runs in the api, beside the edge."""

import asyncio
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from aforo.enforcement.earnings import fold
from aforo.enforcement.earnings.fold import Row
from aforo.enforcement.earnings.pricing import CALLS, QUARTER_SECONDS, Earned, earned
from aforo.enforcement.earnings.spans import Span, month_after, month_of, span_of
from aforo.enforcement.model import ScopeKey, Tenant
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.state import CredentialSource, RecordsWatch, Snapshot
from aforo.kit.clock import Clock
from aforo.kit.patience import StillCounting
from aforo.usage import UsageLog

_KEPT: Final = 64
_LONG_SECONDS: Final = 0.15
"""What takes longer is not counted while somebody waits, but for the first time."""
_REST: Final = 10
"""What took a second to count is counted again after ten, however much comes in meanwhile."""

AggregationsOf = Callable[[str], Awaitable[Mapping[str, str]]]
"""How each metric of a tenant becomes one figure. Comes from the customers room."""


class Bucket(NamedTuple):
    """One hour or day: calls, and what use earned and cost. Fixed fees belong to no hour and are left out."""

    calls: int
    revenue: int | None
    cost: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One span of one tenant. `now` and `before` are the whole of it and of the span before."""

    span: Span
    tenant: Tenant
    currency: str | None
    now: Row
    before: Row
    buckets: tuple[Bucket, ...]
    levels: Mapping[ScopeKey, tuple[Level | None, bool]]
    by_group: Mapping[str, Mapping[str, Row]]
    uses: tuple[Earned, ...]
    fees: Mapping[str, int]
    starts: tuple[int, ...]
    """Where each stretch begins, in quarters of an hour."""

    @property
    def has_costs(self) -> bool:
        return bool(self.tenant.costs)

    def rows(self, group: str) -> Mapping[str, Row]:
        """By customer, plan or product; see `fold.rows`. Not to be changed."""
        return self.by_group[group]


class _Kept(NamedTuple):
    """`mark` is what it was counted from, `at` when, on the monotonic clock."""

    mark: object
    at: float
    took: float
    figures: Figures


class Earnings:
    """Counts what usage earned and cost. Each answer is made from the sums and records as they stand, and kept."""

    def __init__(
        self, records: Path, data_dir: Path, credentials: CredentialSource, aggregations: AggregationsOf, clock: Clock
    ) -> None:
        self._watch = RecordsWatch(records, self._take, credentials)
        self._usage = UsageLog(data_dir)
        self._aggregations = aggregations
        self._clock = clock
        self._snapshot = Snapshot()
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._beside = threading.Lock()
        self._counting: dict[tuple[str, str], asyncio.Task[Figures]] = {}
        self._outlasted = Counter[str]()

    async def figures(self, tenant_id: str, span: str, patience: float | None = None) -> Figures:
        """`span` is one of SPANS. Raises StillCounting when that takes longer than `patience` seconds; the count goes
        on, and whoever asks with patience again joins it."""
        if patience is None:
            return await self._count(tenant_id, span)
        key = tenant_id, span
        counting = self._counting.get(key)
        if counting is None:
            counting = self._counting[key] = asyncio.create_task(self._count(tenant_id, span))
            counting.add_done_callback(lambda _: self._counting.pop(key))
        done, _ = await asyncio.wait([counting], timeout=patience)
        if not done:
            counting.add_done_callback(lambda _: self._outlasted.update([tenant_id]))
            raise StillCounting("Usage is being summed up.", next_step="Ask again in a second.")
        return counting.result()

    def outlasted(self, tenant_id: str) -> int:
        """How many counts have ended for which somebody had no patience: when it grows, figures are there to show."""
        return self._outlasted[tenant_id]

    async def _count(self, tenant_id: str, span: str) -> Figures:
        aggregations = await self._aggregations(tenant_id)
        return await asyncio.to_thread(self._figures, tenant_id, span_of(span, self._clock.now()), aggregations)

    def mark(self) -> object:
        """Differs when usage may have changed: cheap enough to be asked every second."""
        return self._usage.mark()

    def close(self) -> None:
        with self._lock:
            self._watch.close()

    def _take(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def _figures(self, tenant_id: str, span: Span, aggregations: Mapping[str, str]) -> Figures:
        """What takes long to count is answered as it was last counted, and counted again beside."""
        known = self._kept.get((tenant_id, span.name))
        if known is None or known.took < _LONG_SECONDS or known.figures.span.start != span.start:
            return self._counted(tenant_id, span, aggregations)
        if time.monotonic() > known.at + known.took * _REST and self._beside.acquire(blocking=False):
            threading.Thread(target=self._recount, args=(tenant_id, span, aggregations), daemon=True).start()
        return known.figures

    def _recount(self, tenant_id: str, span: Span, aggregations: Mapping[str, str]) -> None:
        try:
            self._counted(tenant_id, span, aggregations)
        finally:
            self._beside.release()

    def _counted(self, tenant_id: str, span: Span, aggregations: Mapping[str, str]) -> Figures:
        with self._lock:
            self._watch.refresh()
            tenant = self._snapshot.tenants.get(tenant_id, Tenant(tenant_id))
            mark = (self._usage.mark(), id(tenant), dict(aggregations), _quarter(span.end))
            known, began = self._kept.get((tenant_id, span.name)), time.monotonic()
            if known is not None and known.mark == mark:
                return known.figures
            made = _made(tenant, span, self._usage, aggregations)
            ended = time.monotonic()
            self._kept[tenant_id, span.name] = _Kept(mark, ended, ended - began, made)
            self._kept.move_to_end((tenant_id, span.name))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return made


def buckets_of(some: Iterable[Earned], starts: Sequence[int], span: Span, tenant: Tenant) -> tuple[Bucket, ...]:
    """What some use came to in each hour or day of the span; `starts` are those of its stretches."""
    begins = [_quarter(bucket) for bucket in span.buckets]
    sums = [Row() for _ in begins]
    for one in some:
        sums[bisect_right(begins, starts[one.stretch]) - 1].add(one)
    return tuple(Bucket(row.calls, row.revenue, row.cost) for row in (fold.settle(row, tenant) for row in sums))


def _made(tenant: Tenant, span: Span, usage: UsageLog, aggregations: Mapping[str, str]) -> Figures:
    """Reads from the begin of the month in which the span before began: prices depend on what came earlier in it."""
    first = month_of(span.before_start)
    behind = _quarter(span.end) + 1
    starts = _stretches(tenant, span, first, behind)
    uses = usage.uses(tenant.id, starts, behind)
    found = tuple(earned(tenant, uses, starts, aggregations, int(span.end.timestamp() * 1000)))
    mine = tuple(_between(found, starts, span.start, None))
    earlier = list(_between(found, starts, span.before_start, span.before_end))
    month = _between(found, starts, month_of(span.end), None)
    due = fold.fees(tenant, span, span.start, span.end)
    due_before = fold.fees(tenant, span, span.before_start, span.before_end)
    return Figures(
        span=span,
        tenant=tenant,
        currency=next((grant.terms.currency for grant in tenant.grants.values()), None),
        now=fold.whole(mine, due, tenant),
        before=fold.whole(earlier, due_before, tenant),
        buckets=buckets_of(mine, starts, span, tenant),
        levels=fold.levels(tenant, month),
        by_group={group: fold.rows(group, mine, due, tenant) for group in fold.GROUPS},
        uses=mine,
        fees=due,
        starts=tuple(starts),
    )


def _stretches(tenant: Tenant, span: Span, first: datetime, behind: int) -> list[int]:
    """Quarters of an hour at which something begins: a month, a bucket, either span, or a cost rule."""
    cuts = {_quarter(span.before_start), _behind(span.before_end), _quarter(span.start)}
    cuts |= {_quarter(bucket) for bucket in span.buckets}
    month = first
    while month <= span.end:
        cuts.add(_quarter(month))
        month = month_after(month)
    cuts |= {-(-rule.from_ms // (QUARTER_SECONDS * 1000)) for rule in tenant.costs}
    return sorted(cut for cut in cuts if _quarter(first) <= cut < behind)


def _between(found: Iterable[Earned], starts: Sequence[int], start: datetime, end: datetime | None) -> Iterator[Earned]:
    low = bisect_left(starts, _quarter(start))
    high = len(starts) if end is None else bisect_left(starts, _behind(end))
    return (one for one in found if low <= one.stretch < high)


def _quarter(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) // QUARTER_SECONDS


def _behind(moment: datetime) -> int:
    """The first quarter that begins at or after this moment: a span of the past is widened to whole quarters."""
    return -(-int(moment.timestamp()) // QUARTER_SECONDS)


__all__ = ["CALLS", "Bucket", "Earnings", "Figures"]
