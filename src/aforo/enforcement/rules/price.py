"""What a quantity costs, as one exact integer, in about a microsecond.

Quantities are whole nano-units, prices pico-units of the currency, so an amount counts 10^-21 of it: within the bounds
of a plan's terms nothing is ever rounded. `customers.rules.rating` prices the same models in Decimal and shows the
parts; a test holds the two together over generated rate cards.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

Price: TypeAlias = Callable[[int], int]
"""Nano-units to 10^-21 of the currency."""

FINE: Final = 10**21
PICO: Final = 10**12


def per_unit(unit_price: int) -> Price:
    return lambda quantity: quantity * unit_price


def percentage(percent_nano: int, min_fee_pico: int) -> Price:
    """The quantity is itself money; the fee is the least in a period in which there was any."""
    least = min_fee_pico * 10**9
    return lambda quantity: max(quantity * percent_nano * 10, least) if quantity > 0 else 0


def included_quota(included: int, price: int, block: int | None) -> Price:
    """Free up to `included`; beyond it by the unit, or by begun blocks of `block` nano-units."""
    if block is None:
        return lambda quantity: max(0, quantity - included) * price
    return lambda quantity: -(-max(0, quantity - included) // block) * price * 10**9


def graduated(tiers: Sequence[tuple[int | None, int]]) -> Price:
    """Each unit at the price of the tier that it falls into."""

    def amount(quantity: int) -> int:
        whole, floor = 0, 0
        for up_to, price in tiers:
            top = quantity if up_to is None or quantity < up_to else up_to
            whole += (top - floor) * price
            if top == quantity:
                break
            floor = top
        return whole

    return amount


def volume(tiers: Sequence[tuple[int | None, int]]) -> Price:
    """All units at the price of the tier that the whole quantity falls into."""

    def amount(quantity: int) -> int:
        return quantity * next(price for up_to, price in tiers if up_to is None or quantity <= up_to)

    return amount
