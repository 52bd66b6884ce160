"""From usage and a rate card to a statement: one line a price, and a total that is the sum of what the lines show.

This is the only place that rounds: each line's exact amount is rounded once, half-even, to the currency's minor units,
and the total adds the rounded lines, so that a reader who adds the column finds the total. The exact amounts stay
beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aforo.customers.rules import rating
from aforo.customers.rules.currency import EXACT, payable
from aforo.customers.rules.rating import Flat, Part, PriceModel


@dataclass(frozen=True, slots=True)
class Priced:
    """One entry of a rate card: what is charged for which metric, and how the line is called. A fee needs no metric."""

    price: PriceModel
    metric: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What one entry comes to: `amount` as it is paid, `exact` as it was calculated."""

    priced: Priced
    quantity: Decimal
    parts: tuple[Part, ...]
    exact: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """`total` is the sum of the lines' amounts, `exact_total` that of their exact ones."""

    currency: str
    lines: tuple[Line, ...]
    total: Decimal
    exact_total: Decimal


def statement(rate_card: Sequence[Priced], usage: Mapping[str, Decimal], currency: str) -> Statement:
    """Lines in the rate card's order; a metric that was not used counts as 0, one without a price costs nothing."""
    lines = tuple(_line(priced, usage, currency) for priced in rate_card)
    return Statement(currency, lines, _sum([line.amount for line in lines]), _sum([line.exact for line in lines]))


def fixed_fees(rate_card: Sequence[Priced]) -> Decimal | None:
    """What a period costs before anything is used; None where the rate card has no fee at all."""
    fees = [priced.price.amount for priced in rate_card if isinstance(priced.price, Flat)]
    return _sum(fees) if fees else None


def _line(priced: Priced, usage: Mapping[str, Decimal], currency: str) -> Line:
    quantity = usage.get(priced.metric, rating.ZERO) if priced.metric else rating.ZERO
    parts = rating.rate(priced.price, quantity)
    exact = rating.total(parts)
    return Line(priced, quantity, parts, exact, payable(exact, currency))


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    whole = rating.ZERO
    for amount in amounts:
        whole = EXACT.add(whole, amount)
    return whole
