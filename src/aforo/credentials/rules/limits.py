"""A plan's quotas and rate limits as gateways understand them: so many units in a calendar word's time."""

from decimal import ROUND_CEILING, Decimal
from typing import Final

from aforo.customers import QuotaMode, Terms
from aforo.gateway_sdk.pricing import Limit

_SECONDS: Final = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}


def limits(terms: Terms) -> tuple[Limit, ...]:
    """Quotas, then rate limits. A quota of zero units forbids, which is scope and not limit, so it is left out."""
    return (
        *(_quota(quota.metric, quota.units, quota.period.value, quota.mode) for quota in terms.quotas if quota.units),
        *(_rate(one.metric, one.units, one.per_seconds, one.burst) for one in terms.rate_limits),
    )


def _quota(metric: str, units: Decimal, period: str, mode: QuotaMode) -> Limit:
    """A quarter is carried as a year of four: looser for a while, never tighter than what was sold."""
    if period == "quarter":
        return Limit(metric, units * 4, "year", _SECONDS["year"], hard=mode is QuotaMode.HARD)
    return Limit(metric, units, period, _SECONDS[period], hard=mode is QuotaMode.HARD)


def _rate(metric: str, units: Decimal, per_seconds: int, burst: Decimal | None) -> Limit:
    """In the shortest word that is as long; where none fits exactly, with as many units more."""
    word, seconds = next((word, length) for word, length in _SECONDS.items() if length >= per_seconds)
    scaled = units if seconds == per_seconds else (units * seconds / per_seconds).to_integral_value(ROUND_CEILING)
    return Limit(metric, scaled, word, seconds, burst=burst, is_rate=True)
