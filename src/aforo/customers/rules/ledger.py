"""A subscription's usage laid out by billing period, and its statements. Pure: the same log, the same statement."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from zoneinfo import ZoneInfo

from aforo.customers.model import Plan, Subscription
from aforo.customers.rules import bill
from aforo.customers.rules.bill import Adjustment, Rated
from aforo.customers.rules.currency import plain
from aforo.customers.rules.periods import Period, PeriodSpec, period_at
from aforo.customers.terms import Terms
from aforo.usage import QUARTER_SECONDS, Used, figures

Pin = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bill:
    """One statement. `events` and `hours` are of the period's own usage; `is_ended`: the subscription was over."""

    subscription: Subscription
    plan: Plan
    spec: PeriodSpec
    period: Period
    own: Rated
    adjustments: tuple[Adjustment, ...]
    total: Decimal
    events: int
    hours: tuple[datetime, datetime] | None
    is_ended: bool

    @property
    def id(self) -> str:
        return f"stmt_{self.subscription.id.removeprefix('sub_')}_{self.period.start:%Y%m%dt%H%M%S}"

    def digest(self) -> str:
        """SHA-256 over all that is counted and charged; what only time changes (open or final, as of) is left out."""
        told = [
            *(self.subscription.id, self.subscription.customer_id, *_pin(self.plan)),
            *(self.period.start.isoformat(), self.period.end.isoformat(), self.spec.time_zone, self.own.told.currency),
            [[plain(line.quantity), plain(line.exact), plain(line.amount)] for line in self.own.told.lines],
            plain(self.own.cap.reduction) if self.own.cap else None,
            [[one.period.start.isoformat(), one.events, plain(one.amount)] for one in self.adjustments],
            *(plain(self.total), self.events),
        ]
        return f"sha256:{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"


def parsed(statement_id: str) -> tuple[str, datetime] | None:
    """The subscription and the begin of the period that a statement's id names; None for what is no such id."""
    body, _, start = statement_id.removeprefix("stmt_").rpartition("_")
    try:
        return f"sub_{body}", datetime.strptime(start, "%Y%m%dt%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


class Ledger:
    """`pins`: which plan version was left when, oldest first, then the present one; `used`: the subscription's own."""

    def __init__(
        self,
        subscription: Subscription,
        spec: PeriodSpec,
        pins: Sequence[tuple[datetime | None, Plan]],
        used: Iterable[Used],
        aggregations: Mapping[str, str],
    ) -> None:
        self.zone = ZoneInfo(spec.time_zone)
        self._subscription = subscription
        self._spec = spec
        self._pins = pins
        self._aggregations = aggregations
        self._used = _by_period(used, spec)

    def bills(self, now: datetime) -> Iterable[Bill]:
        """The statements of all periods until now, newest first; after the subscription's end such as adjust."""
        for period in self.periods(now):
            if made := self.bill(period):
                yield made

    def periods(self, now: datetime) -> Iterable[Period]:
        """From the present one back to that in which the subscription began; none before it has begun."""
        starts_at = self._subscription.starts_at
        return bill.periods(self._spec, starts_at, now) if starts_at <= now else ()

    def bill(self, period: Period) -> Bill | None:
        """None after the subscription's end, unless there is something to adjust."""
        cancelled = self._subscription.cancelled_at
        is_ended = cancelled is not None and cancelled <= period.start
        plan = self._plan(period)
        used = [] if is_ended else self._until(period, bill.final_at(period))
        own = (
            bill.nothing(plan.terms)
            if is_ended
            else bill.rated(plan.terms, self._figures(used, plan.terms), self._spec)
        )
        adjustments = tuple(self._adjustments(period))
        if is_ended and not adjustments:
            return None
        quarters = [one.quarter for one in used]
        hours = (_moment(min(quarters)), _moment(max(quarters) + 1)) if quarters else None
        total, events = bill.total(own, adjustments), sum(one.sums.events for one in used)
        return Bill(self._subscription, plan, self._spec, period, own, adjustments, total, events, hours, is_ended)

    def _adjustments(self, period: Period) -> Iterable[Adjustment]:
        told_here = bill.window_of_receipt(period)
        for earlier in sorted(self._used, key=lambda one: one.start):
            if period.start - bill.EARLIER < earlier.end <= period.start:
                late = [one for one in self._used[earlier] if one.received and told_here(_moment(one.received))]
                if late:
                    yield self._adjustment(earlier, period, sum(one.sums.events for one in late))

    def _adjustment(self, earlier: Period, period: Period, events: int) -> Adjustment:
        cutoffs = period.start + bill.LATENESS, period.end + bill.LATENESS
        terms = self._plan(earlier).terms
        before, after = (self._figures(self._until(earlier, cutoff), terms) for cutoff in cutoffs)
        return bill.adjustment(earlier, terms, self._spec, events, (before, after))

    def _until(self, period: Period, cutoff: datetime) -> list[Used]:
        """What was received before; an event that was not late always was."""
        return [one for one in self._used.get(period, ()) if not one.received or _moment(one.received) < cutoff]

    def _figures(self, used: Iterable[Used], terms: Terms) -> Mapping[str, Decimal]:
        """Of what has a price."""
        priced = {entry.metric for entry in terms.rate_card}
        return figures((one for one in used if one.metric in priced), self._aggregations)

    def _plan(self, period: Period) -> Plan:
        """The version in force when the period ends; while it lasts, the present one."""
        return next(plan for left_at, plan in self._pins if left_at is None or period.end <= left_at)


def _by_period(used: Iterable[Used], spec: PeriodSpec) -> dict[Period, list[Used]]:
    found: dict[Period, list[Used]] = defaultdict(list)
    period, behind = None, -1
    for one in sorted(used, key=itemgetter(0)):
        if period is None or one.quarter >= behind:
            period = period_at(_moment(one.quarter), spec)
            behind = int(period.end.timestamp()) // QUARTER_SECONDS
        found[period].append(one)
    return dict(found)


def _moment(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC)


def _pin(plan: Plan) -> Pin:
    return plan.id, plan.version
