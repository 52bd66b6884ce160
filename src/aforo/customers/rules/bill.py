"""What a subscription owes for a billing period: lines, cap, and what late events change of earlier periods. Pure.

A period's statement is open for `LATENESS` after the period; then it is final and counts what was received until then.
An event that comes later changes no final statement. What it changes of its own period's amount is an adjustment in the
statement that is the oldest open one when it comes, so that the statements of a subscription always sum to what all
events come to.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from aforo.customers.rules import plan as plan_rules
from aforo.customers.rules import rating
from aforo.customers.rules.currency import EXACT, payable
from aforo.customers.rules.periods import Every, Period, PeriodSpec, period_at
from aforo.customers.rules.statement import Line, Statement, statement
from aforo.customers.terms import Rate, SpendCap, Terms

LATENESS: Final = timedelta(hours=24)
"""How long a statement waits for events after its period; what comes later is what usage calls late."""
EARLIER: Final = timedelta(days=92)
"""Events of periods that ended longer ago are no longer taken in (90 days, and what a statement stays open)."""

Usage = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Capped:
    """A spend cap on a statement. `applies`: its period is the billing period; `reduction` is 0 or below."""

    cap: SpendCap
    applies: bool
    reduction: Decimal


@dataclass(frozen=True, slots=True)
class Rated:
    """A period's own amount: `total` is the lines' total and the cap's reduction."""

    told: Statement
    cap: Capped | None
    total: Decimal


@dataclass(frozen=True, slots=True)
class Delta:
    """By how much one entry of the rate card differs, by its place there."""

    place: int
    line: Line
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What events that came late change of an earlier period; `cap` is what its cap takes back or gives free."""

    period: Period
    events: int
    deltas: tuple[Delta, ...]
    cap: Decimal
    amount: Decimal
    rate_card: tuple[Rate, ...]


def billing_spec(terms: Terms) -> PeriodSpec:
    """A month: that of the spend cap, else that of the first monthly quota, else from the first in UTC."""
    named = [terms.spend_cap] if terms.spend_cap else []
    monthly = (one.spec() for one in (*named, *terms.quotas) if one.period is Every.MONTH)
    return next(monthly, PeriodSpec())


def periods(spec: PeriodSpec, first: datetime, last: datetime) -> Iterator[Period]:
    """Those that touch the time from `first` to `last`, newest first."""
    period = period_at(last, spec)
    while period.end > first:
        yield period
        period = period_at(period.start - timedelta(microseconds=1), spec)


def final_at(period: Period) -> datetime:
    return period.end + LATENESS


def rated(terms: Terms, usage: Usage, spec: PeriodSpec) -> Rated:
    """What this usage of one billing period costs under these terms."""
    told = statement(plan_rules.priced(terms.rate_card), usage, terms.currency)
    if terms.spend_cap is None:
        return Rated(told, None, told.total)
    applies = terms.spend_cap.spec() == spec
    most = payable(terms.spend_cap.amount, terms.currency)
    reduction = EXACT.subtract(most, told.total) if applies and told.total > most else rating.ZERO
    return Rated(told, Capped(terms.spend_cap, applies, reduction), EXACT.add(told.total, reduction))


def nothing(terms: Terms) -> Rated:
    """A period after the end of a subscription: no fee, no usage of its own."""
    return Rated(statement((), {}, terms.currency), None, rating.ZERO)


def adjustment(period: Period, terms: Terms, spec: PeriodSpec, events: int, usage: tuple[Usage, Usage]) -> Adjustment:
    """What a period's amount was with the first usage, and is with the second."""
    before, after = (rated(terms, one, spec) for one in usage)
    pairs = enumerate(zip(before.told.lines, after.told.lines, strict=True))
    deltas = [
        Delta(place, new, EXACT.subtract(new.quantity, old.quantity), EXACT.subtract(new.amount, old.amount))
        for place, (old, new) in pairs
    ]
    caps = [one.cap.reduction if one.cap else rating.ZERO for one in (after, before)]
    changed = tuple(one for one in deltas if one.quantity or one.amount)
    taken, amount = EXACT.subtract(*caps), EXACT.subtract(after.total, before.total)
    return Adjustment(period, events, changed, taken, amount, terms.rate_card)


def total(own: Rated, adjustments: Sequence[Adjustment]) -> Decimal:
    """What is to be paid with this statement."""
    whole = own.total
    for one in adjustments:
        whole = EXACT.add(whole, one.amount)
    return whole


def window_of_receipt(period: Period) -> Callable[[datetime], bool]:
    """Whether an event that came late is told in the statement of this period."""
    opens, closes = period.start + LATENESS, period.end + LATENESS
    return lambda received: opens <= received < closes
