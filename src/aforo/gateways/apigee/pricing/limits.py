"""A plan's limits as an API product holds them: one quota of calls, in whole intervals. Pure."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING
from typing import Final, NamedTuple

from aforo.gateway_sdk.pricing import Limit

CALLS: Final = "api_calls"
_INTERVALS: Final = {
    "minute": (1, "minute"),
    "hour": (1, "hour"),
    "day": (1, "day"),
    "week": (7, "day"),
    "month": (1, "month"),
    "year": (12, "month"),
}


class Quota(NamedTuple):
    """So many calls an app and interval."""

    calls: int
    interval: int
    unit: str


def quota(limits: Sequence[Limit]) -> Quota | None:
    """The one that is carried: of several a quota before a rate, then the longest period, then the tightest."""
    limit = _chosen(limits)
    if limit is None:
        return None
    interval, unit = _INTERVALS[limit.period]
    units = limit.units + (limit.burst or 0)
    return Quota(int(units.to_integral_value(ROUND_CEILING)), interval, unit)


def left_out(limits: Sequence[Limit]) -> tuple[str, ...]:
    """What is not carried, and why."""
    chosen = _chosen(limits)
    return tuple(f"{_name(one)}: {_why_not(one) or _ONE}" for one in limits if one is not chosen)


_ONE: Final = "an API product has one quota, and another limit of this plan is carried"


def _chosen(limits: Iterable[Limit]) -> Limit | None:
    able = [limit for limit in limits if _why_not(limit) is None]
    return min(able, key=lambda one: (one.is_rate, -one.seconds, one.units), default=None)


def _why_not(limit: Limit) -> str | None:
    if limit.metric != CALLS:
        return "Apigee's product quota counts calls only"
    if limit.period not in _INTERVALS:
        return f"Apigee has no quota by the {limit.period}"
    if not limit.hard:
        return "Apigee can only refuse, and the plan lets these calls pass"
    return "Apigee's smallest quota is one call" if limit.units < 1 else None


def _name(limit: Limit) -> str:
    return f"{limit.units:f} {limit.metric} per {limit.period}"
