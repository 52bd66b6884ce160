"""What a call under one subscription and metric moves, looked up once a period."""

from collections.abc import Callable
from dataclasses import dataclass

from aforo.enforcement.counters import COST, Counter, CounterKey, Counters
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.model import MONTH, Grant, Log, Quota, Span
from aforo.enforcement.rules.decide import QuotaStanding, SpendStanding
from aforo.enforcement.rules.price import Price
from aforo.enforcement.rules.rate import Bucket, bucket

PeriodAt = Callable[[int, Span], tuple[int, int]]
"""Start and end, in milliseconds of UTC, of the period that a moment falls into. Comes from the customers room."""


@dataclass(slots=True, eq=False)
class Meter:
    """`counters` are all that a call moves, that of the month first; `hard` those among them on which HARD units hang,
    `soft` the others, `named` all of them as decisions name them; `cost` what calls cost us."""

    grant: Grant
    from_ms: int
    until_ms: int
    quotas: tuple[tuple[Counter, Quota], ...]
    counters: tuple[Counter, ...]
    hard: tuple[Counter, ...]
    soft: tuple[Counter, ...]
    named: tuple[tuple[int, bool], ...]
    cost: Counter
    buckets: tuple[Bucket, ...]
    spend: tuple[tuple[Counter, Price], ...]
    own_spend: tuple[Counter, Price] | None

    def quota_standings(self) -> list[QuotaStanding]:
        return [
            QuotaStanding(
                quota.limit, counter.given + counter.settled, quota.mode == "HARD", counter.ends_ms, quota.mode
            )
            for counter, quota in self.quotas
        ]

    def spend_standing(self, units: int) -> SpendStanding | None:
        """What the cap's period has cost with this call; None where no cap watches this metric."""
        cap, own = self.grant.terms.spend_cap, self.own_spend
        if cap is None or own is None:
            return None
        spent = sum(price(counter.used) for counter, price in self.spend) + self.grant.terms.fixed_fees
        return SpendStanding(spent + own[1](own[0].used + units), cap.amount, own[0].ends_ms)


class Meters:
    """Meters of the current periods by log, subscription and metric; those of other moments are made when needed."""

    def __init__(self, counters: Counters, book: MarginBook, period_at: PeriodAt) -> None:
        self._counters = counters
        self._book = book
        self._period_at = period_at
        self._periods: dict[Span, tuple[int, int]] = {}
        self._known: dict[tuple[Log, str, str], Meter] = {}
        self._buckets: dict[tuple[Log, str, str], tuple[object, tuple[Bucket, ...]]] = {}

    def at(self, log: Log, grant: Grant, metric: str, now_ms: int) -> Meter:
        """The meter for a call now."""
        known = self._known.get((log, grant.subscription_id, metric))
        if known is not None and known.grant is grant and known.from_ms <= now_ms < known.until_ms:
            return known
        made = self._made(log, grant, metric, now_ms)
        self._known[log, grant.subscription_id, metric] = made
        return made

    def then(self, log: Log, grant: Grant, metric: str, at_ms: int) -> Meter:
        """The meter for a call at another moment."""
        known = self._known.get((log, grant.subscription_id, metric))
        if known is not None and known.grant is grant and known.from_ms <= at_ms < known.until_ms:
            return known
        return self._made(log, grant, metric, at_ms)

    def drop_ended(self, now_ms: int) -> None:
        for key in [key for key, meter in self._known.items() if meter.until_ms <= now_ms]:
            del self._known[key]
            self._buckets.pop(key, None)

    def period(self, span: Span, at_ms: int) -> tuple[int, int]:
        known = self._periods.get(span)
        if known is None or not known[0] <= at_ms < known[1]:
            known = self._periods[span] = self._period_at(at_ms, span)
        return known

    def _made(self, log: Log, grant: Grant, metric: str, at_ms: int) -> Meter:
        terms = grant.terms
        quotas = terms.quotas.get(metric, ())
        limits: dict[Span, int | None] = {MONTH: None}
        for quota in quotas:
            known = limits.get(quota.span)
            hard = quota.mode == "HARD"
            limits[quota.span] = quota.limit if hard and (known is None or quota.limit < known) else known
        cap, price = terms.spend_cap, terms.prices.get(metric)
        if cap is not None and price is not None:
            limits.setdefault(cap.span, None)
        found = {span: self._counter(log, grant, metric, span, at_ms, limit) for span, limit in limits.items()}
        for span, limit in limits.items():
            found[span].limit = limit
        cost = self._counter(log, grant, COST, MONTH, at_ms, None)
        self._book.attach(grant, found[MONTH], cost, price)
        counters = tuple(found.values())
        return Meter(
            grant=grant,
            from_ms=max(one.key.starts_ms for one in counters),
            until_ms=min(one.ends_ms for one in counters),
            quotas=tuple((found[quota.span], quota) for quota in quotas),
            counters=counters,
            hard=tuple(one for one in counters if one.hard),
            soft=tuple(one for one in counters if not one.hard),
            named=tuple((one.id, one.hard) for one in counters),
            cost=cost,
            buckets=self._buckets_of(log, grant, metric, at_ms),
            spend=self._spend(log, grant, metric, at_ms),
            own_spend=(found[cap.span], price) if cap is not None and price is not None else None,
        )

    def _counter(self, log: Log, grant: Grant, metric: str, span: Span, at_ms: int, limit: int | None) -> Counter:
        starts, ends = self.period(span, at_ms)
        key = CounterKey(log, grant.tenant_id, grant.subscription_id, metric, span, starts)
        return self._counters.at(key, ends, hard=limit is not None)

    def _spend(self, log: Log, grant: Grant, metric: str, at_ms: int) -> tuple[tuple[Counter, Price], ...]:
        """The other priced metrics that count towards the cap."""
        cap = grant.terms.spend_cap
        if cap is None or metric not in grant.terms.prices:
            return ()
        others = [(name, price) for name, price in grant.terms.prices.items() if name != metric]
        return tuple((self._counter(log, grant, name, cap.span, at_ms, None), price) for name, price in others)

    def _buckets_of(self, log: Log, grant: Grant, metric: str, now_ms: int) -> tuple[Bucket, ...]:
        limits = grant.terms.rate_limits.get(metric, ())
        if not limits:
            return ()
        key = (log, grant.subscription_id, metric)
        known = self._buckets.get(key)
        if known is None or known[0] != limits:
            made = tuple(bucket(one.units, one.per_seconds, one.burst, now_ms) for one in limits)
            known = self._buckets[key] = (limits, made)
        return known[1]
