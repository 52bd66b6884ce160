"""Decimal text to exact integers: never through a float."""

import re
from typing import Final

from aforo.usage.model import Refused

WHOLE_LIMIT: Final = 10**15
NANOS: Final = 10**9
_DECIMAL: Final = re.compile(r"([+-]?)(\d{1,64})(?:\.(\d{1,64}))?(?:[eE]([+-]?\d{1,3}))?", re.ASCII)


def nano_units(text: str) -> int:
    """Billionths of a unit, exactly; may be negative. Raises ValueError for anything that is not a finite decimal with
    at most 9 significant fraction digits (zeros behind them change nothing and are allowed)."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError("not a finite decimal number")
    sign, whole, fraction, exponent = match.groups(default="")
    shift = 9 - len(fraction) + int(exponent or 0)
    nanos, lost = _shifted(int(whole + fraction), shift)
    if lost:
        raise ValueError("more than 9 fraction digits")
    return -nanos if sign == "-" else nanos


def quantity(text: str, *, zero_allowed: bool) -> tuple[int, int]:
    """(whole, nano) of a quantity; raises Refused `invalid_quantity`."""
    if len(text) < 16 and text.isdigit() and text.isascii():
        whole, nano = int(text), 0
    else:
        whole, nano = _exact(text)
    if whole == nano == 0 and not zero_allowed:
        raise Refused("invalid_quantity", "quantity must be greater than 0")
    return whole, nano


def cost(text: str) -> str:
    """A provider's cost as plain decimal text; raises Refused `invalid_cost`. Costs may be 0, not negative."""
    try:
        nanos = nano_units(text)
    except ValueError as fault:
        raise Refused("invalid_cost", f"cost is {fault}") from None
    if not 0 <= nanos < WHOLE_LIMIT * NANOS:
        raise Refused("invalid_cost", "cost must be at least 0 and below 10^15")
    return decimal_text(*divmod(nanos, NANOS))


def decimal_text(whole: int, nano: int) -> str:
    """The shortest plain decimal text of a quantity: `3`, `0.000000001`."""
    return f"{whole}.{nano:09d}".rstrip("0") if nano else str(whole)


def _exact(text: str) -> tuple[int, int]:
    try:
        nanos = nano_units(text)
    except ValueError as fault:
        raise Refused("invalid_quantity", f"quantity is {fault}") from None
    if not 0 <= nanos < WHOLE_LIMIT * NANOS:
        raise Refused("invalid_quantity", "quantity must be greater than 0 and below 10^15")
    return divmod(nanos, NANOS)


def _shifted(number: int, places: int) -> tuple[int, int]:
    if number == 0 or places >= 0:
        return number * int(10 ** max(places, 0)), 0
    return divmod(number, int(10**-places))
