"""A plan's limits as an AWS usage plan holds them: one quota of calls and one rate with a burst. Pure.

AWS aims at both and guarantees neither, and counts each key by itself; a quota's day, week or month begins at midnight
UTC. Source: API Gateway's developer guide on usage plans.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from aforo.gateway_sdk.pricing import Limit

CALLS: Final = "api_calls"
_QUOTAS: Final = {"day": "DAY", "week": "WEEK", "month": "MONTH"}
_RATES: Final = ("second", "minute", "hour")


def carried(limits: Sequence[Limit]) -> dict[str, Any]:
    """`quota` and `throttle` as AWS spells them, each only if the plan has such a limit."""
    found: dict[str, Any] = {}
    if quota := _quota(limits):
        found["quota"] = {"limit": _whole(quota.units), "period": _QUOTAS[quota.period]}
    if rate := _rate(limits):
        per_second = float(round(rate.units / rate.seconds, 6))
        found["throttle"] = {"rateLimit": per_second, "burstLimit": _whole(rate.burst or rate.units)}
    return found


def left_out(limits: Sequence[Limit]) -> list[str]:
    """What AWS cannot hold, in words."""
    taken = (_quota(limits), _rate(limits))
    return [why for limit in limits if not any(limit is one for one in taken) and (why := _why_not(limit))]


def _quota(limits: Sequence[Limit]) -> Limit | None:
    """The longest period, since that is what was sold; of two as long, the tighter."""
    fitting = [limit for limit in limits if _fits(limit) and limit.period in _QUOTAS]
    return min(fitting, key=lambda limit: (-limit.seconds, limit.units), default=None)


def _rate(limits: Sequence[Limit]) -> Limit | None:
    """The slowest. A whole window may come at once, so that AWS never refuses what Aforo would allow."""
    fitting = [limit for limit in limits if _fits(limit) and limit.period in _RATES]
    return min(fitting, key=lambda limit: limit.units / limit.seconds, default=None)


def _fits(limit: Limit) -> bool:
    return limit.metric == CALLS and limit.hard and limit.units > 0


def _why_not(limit: Limit) -> str:
    name = f"{limit.units:f} {limit.metric} per {limit.period}"
    if limit.metric != CALLS:
        return f"{name}: AWS counts calls only"
    if not limit.hard:
        return f"{name}: AWS can only refuse, and the plan lets these calls pass"
    if limit.units <= 0:
        return f"{name}: AWS has no limit below one call"
    if limit.period in _QUOTAS:
        return f"{name}: a usage plan has one quota, and holds that of the longest period"
    if limit.period in _RATES:
        return f"{name}: a usage plan has one rate, and holds the slowest"
    return f"{name}: AWS has no quota of a {limit.period}, only of a day, a week or a month"


def _whole(units: Decimal) -> int:
    return int(units.to_integral_value(ROUND_CEILING))
