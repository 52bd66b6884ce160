"""What a quantity costs under each of the six price models. Exact: nothing here rounds.

A price is a list of parts that sum to the whole, so that a statement can show how an amount came about. Quantities are
at least 0 and below 10^15 with at most 9 fraction digits, prices below 10^12 with at most 12; within these the context
`EXACT` holds every digit, and one that it could not hold is an error, never a rounded figure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from enum import StrEnum
from typing import Final, TypeAlias

from aforo.customers.rules.currency import EXACT

ZERO: Final = Decimal(0)
_STRICT: Final = Context(prec=EXACT.prec, traps=[Inexact, InvalidOperation, Overflow])


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Every unit at one price."""

    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Flat:
    """A fee a period, whatever is used."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of a quantity that is itself money, at least `min_fee` in a period in which there was any."""

    percent: Decimal
    min_fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class IncludedQuota:
    """The first units are free; what goes beyond is charged in blocks, a begun block as a whole one.

    Overage per unit is the case without blocks: `block_units` is None and a fraction of a unit costs its fraction.
    """

    included_units: Decimal
    price: Decimal
    block_units: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """Up to and with `up_to` units; None, without end."""

    up_to: Decimal | None
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each unit at the price of the tier that it falls into."""

    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """All units at the price of the tier that the whole quantity falls into."""

    tiers: tuple[Tier, ...]


PriceModel: TypeAlias = PerUnit | Flat | Percentage | IncludedQuota | Graduated | Volume


class PartKind(StrEnum):
    """UNITS and BLOCKS: quantity by price. PERCENT: price is the percentage. FEE and MINIMUM: an amount by itself."""

    UNITS = "units"
    INCLUDED = "included"
    BLOCKS = "blocks"
    PERCENT = "percent"
    MINIMUM = "minimum"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a calculation: how many, at what price, and what it comes to, exactly."""

    kind: PartKind
    quantity: Decimal
    price: Decimal
    amount: Decimal


def rate(price: PriceModel, quantity: Decimal) -> tuple[Part, ...]:
    """The parts of what `quantity` costs; their amounts sum to the whole."""
    if not quantity.is_finite() or quantity < 0:
        raise ValueError("a quantity is finite and at least 0")
    with localcontext(_STRICT):
        return tuple(_PARTS[type(price)](price, quantity))


def total(parts: Sequence[Part]) -> Decimal:
    """The sum of the parts, exactly."""
    with localcontext(_STRICT):
        return sum((part.amount for part in parts), ZERO)


def _per_unit(price: PerUnit, quantity: Decimal) -> Iterator[Part]:
    yield _units(quantity, price.unit_price)


def _flat(price: Flat, _: Decimal) -> Iterator[Part]:
    yield Part(PartKind.FEE, Decimal(1), price.amount, price.amount)


def _percentage(price: Percentage, quantity: Decimal) -> Iterator[Part]:
    share = (quantity * price.percent).scaleb(-2)
    yield Part(PartKind.PERCENT, quantity, price.percent, share)
    if quantity > 0 and share < price.min_fee:
        yield Part(PartKind.MINIMUM, Decimal(1), price.min_fee, price.min_fee - share)


def _included_quota(price: IncludedQuota, quantity: Decimal) -> Iterator[Part]:
    yield _part(PartKind.INCLUDED, min(quantity, price.included_units), ZERO)
    over = quantity - price.included_units
    if over <= 0:
        return
    if price.block_units is None:
        yield _units(over, price.price)
    else:
        blocks, rest = divmod(over, price.block_units)
        yield _part(PartKind.BLOCKS, blocks + (1 if rest else 0), price.price)


def _graduated(price: Graduated, quantity: Decimal) -> Iterator[Part]:
    floor = ZERO
    for tier in price.tiers:
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield _units(top - floor, tier.unit_price)
        if top == quantity:
            return
        floor = top


def _volume(price: Volume, quantity: Decimal) -> Iterator[Part]:
    tier = next(tier for tier in price.tiers if tier.up_to is None or quantity <= tier.up_to)
    yield _units(quantity, tier.unit_price)


def _units(quantity: Decimal, unit_price: Decimal) -> Part:
    return _part(PartKind.UNITS, quantity, unit_price)


def _part(kind: PartKind, quantity: Decimal, price: Decimal) -> Part:
    return Part(kind, quantity, price, quantity * price)


_PARTS: Final[dict[type[PriceModel], Callable[..., Iterator[Part]]]] = {
    PerUnit: _per_unit,
    Flat: _flat,
    Percentage: _percentage,
    IncludedQuota: _included_quota,
    Graduated: _graduated,
    Volume: _volume,
}
