"""A plan's limits as Kong's bundled rate-limiting plugin holds them: fixed windows of calls. Pure."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from aforo.gateway_sdk.pricing import Limit

PERIODS: Final = ("second", "minute", "hour", "day", "month", "year")
CALLS: Final = "api_calls"


def windows(limits: Sequence[Limit]) -> dict[str, int]:
    """Calls by period, the tightest of each.

    Kong refuses a shorter period with more calls than a longer one; such a shorter limit never bites, so it is lowered
    to the longer one. A burst is added to its own window, since Kong knows none.
    """
    found: dict[str, Decimal] = {}
    for limit in limits:
        if why_not(limit) is None:
            units = limit.units + (limit.burst or 0)
            found[limit.period] = min(found.get(limit.period, units), units)
    lowest: Decimal | None = None
    for period in reversed(PERIODS):
        if period in found:
            lowest = found[period] if lowest is None else min(lowest, found[period])
            found[period] = lowest
    return {period: _whole(found[period]) for period in PERIODS if period in found}


def why_not(limit: Limit) -> str | None:
    """Why Kong cannot hold this limit, in words; None if it can."""
    if limit.metric != CALLS:
        return f"{_name(limit)}: Kong counts calls only"
    if limit.period not in PERIODS:
        return f"{_name(limit)}: Kong has no window of a {limit.period}"
    if not limit.hard:
        return f"{_name(limit)}: Kong can only refuse, and the plan lets these calls pass"
    if limit.units < 1:
        return f"{_name(limit)}: Kong's smallest limit is one call"
    return None


def config(found: Mapping[str, int]) -> dict[str, object]:
    """What is set at the plugin; the rest stays Kong's default."""
    return {period: found.get(period) for period in PERIODS}


def _name(limit: Limit) -> str:
    return f"{limit.units:f} {limit.metric} per {limit.period}"


def _whole(units: Decimal) -> int:
    return int(units.to_integral_value(ROUND_CEILING))
