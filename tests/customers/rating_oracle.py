"""What a rate card's entry costs, from its JSON, in exact fractions: shares nothing with the rules."""

from fractions import Fraction
from math import floor
from typing import Any


def cost(entry: dict[str, Any], quantity: Fraction) -> Fraction:
    """The whole amount of one entry."""
    price = {name: Fraction(text) for name, text in entry.items() if name not in ("model", "metric", "name", "tiers")}
    match entry["model"]:
        case "per_unit":
            return quantity * price["unitPrice"]
        case "flat":
            return price["amount"]
        case "percentage":
            share = quantity * price["percent"] / 100
            return max(share, price.get("minFee", Fraction(0))) if quantity else Fraction(0)
        case "included_quota":
            return _overage(price, max(Fraction(0), quantity - price["includedUnits"]))
        case "graduated":
            return sum(
                (
                    max(Fraction(0), min(quantity, top) - low) * unit_price
                    for low, top, unit_price in _bands(entry["tiers"], quantity)
                ),
                Fraction(0),
            )
        case "volume":
            return quantity * next(
                unit_price for low, top, unit_price in _bands(entry["tiers"], quantity) if quantity <= top
            )
    raise AssertionError(entry["model"])


def half_even(amount: Fraction, decimals: int) -> Fraction:
    """Python rounds a fraction half to even by itself."""
    scale: int = 10**decimals
    return Fraction(round(amount * scale), scale)


def _overage(price: dict[str, Fraction], over: Fraction) -> Fraction:
    if "unitPrice" in price:
        return over * price["unitPrice"]
    return -floor(-over / price["blockUnits"]) * price["blockPrice"]


def _bands(tiers: list[dict[str, Any]], quantity: Fraction) -> list[tuple[Fraction, Fraction, Fraction]]:
    """(from, to, price) of each tier; the last ends at the quantity or its own beginning."""
    tops = [Fraction(tier["upTo"]) for tier in tiers[:-1]]
    lows = [Fraction(0), *tops]
    ends = [*tops, max(quantity, lows[-1])]
    return [(low, end, Fraction(tier["unitPrice"])) for low, end, tier in zip(lows, ends, tiers, strict=True)]
