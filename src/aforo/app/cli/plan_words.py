"""A plan's terms in the short words of the command line, such as `api_calls=100000/month:SOFT`. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure

_QUOTA: Final = "METRIC=UNITS/PERIOD[:MODE]"
_RATE: Final = "METRIC=UNITS/SECONDS"
_PRICE: Final = "METRIC=AMOUNT"


@dataclass(frozen=True, slots=True)
class Words:
    """What was typed; None where an option was not given, so that it changes nothing."""

    quotas: list[str] | None = None
    rates: list[str] | None = None
    prices: list[str] | None = None
    fee: str | None = None


def terms(words: Words) -> dict[str, Any]:
    """Members of a plan as the API takes them. Amounts stay the strings that they were; the API judges them."""
    told: dict[str, Any] = {}
    if words.quotas is not None:
        told["quotas"] = [_quota(one) for one in words.quotas]
    if words.rates is not None:
        told["rateLimits"] = [_rate(one) for one in words.rates]
    if words.prices is not None or words.fee is not None:
        told["rateCard"] = [*_fee(words.fee), *(_price(one) for one in words.prices or ())]
    return told


def assignment(word: str, shape: str) -> tuple[str, str]:
    """`a=b` as a pair."""
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise _not_read(word, shape)
    return name, value


def _quota(word: str) -> dict[str, Any]:
    metric, rest = assignment(word, _QUOTA)
    units, slash, tail = rest.partition("/")
    if not (units and slash and tail):
        raise _not_read(word, _QUOTA)
    period, _, mode = tail.partition(":")
    return {"metric": metric, "units": units, "period": period, **({"mode": mode.upper()} if mode else {})}


def _rate(word: str) -> dict[str, Any]:
    metric, rest = assignment(word, _RATE)
    units, _, seconds = rest.partition("/")
    if not units or not seconds.isdecimal():
        raise _not_read(word, _RATE)
    return {"metric": metric, "units": units, "perSeconds": int(seconds)}


def _price(word: str) -> dict[str, Any]:
    metric, amount = assignment(word, _PRICE)
    return {"model": "per_unit", "metric": metric, "unitPrice": amount}


def _fee(amount: str | None) -> list[dict[str, Any]]:
    return [{"model": "flat", "name": "Base fee", "amount": amount}] if amount else []


def _not_read(word: str, shape: str) -> Exception:
    return failure(
        "not_read",
        Exit.USAGE,
        "Not understood",
        f"{word!r} does not look like {shape}.",
        next_step=f"Write it as {shape}; richer terms go into a file, with --file.",
        unharmed="Nothing was sent.",
    )
