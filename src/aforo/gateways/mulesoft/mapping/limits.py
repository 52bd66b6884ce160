"""A plan's limits as an SLA tier holds them: windows of calls, each with its own length. Pure."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from aforo.gateway_sdk.pricing import Limit

CALLS: Final = "api_calls"
ENFORCING: Final = "rate-limiting-sla-based"
"""The policy without which a tier is a name and nothing more."""
CHECKING: Final = ("client-id-enforcement", ENFORCING)
"""Policies that ask for a client id and secret."""
UNLIMITED: Final[dict[str, Any]] = {"maximumRequests": 1_000_000, "timePeriodInMilliseconds": 1_000, "visible": False}
"""For a plan without a limit of calls, where the instance wants every contract to have a tier."""


def windows(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """The tightest of each length, shortest first. A burst is added to its own window, since Anypoint knows none."""
    found: dict[int, Decimal] = {}
    for limit in limits:
        if why_not(limit) is None:
            units = limit.units + (limit.burst or 0)
            found[limit.seconds] = min(found.get(limit.seconds, units), units)
    return [
        {"maximumRequests": _whole(found[seconds]), "timePeriodInMilliseconds": seconds * 1_000, "visible": True}
        for seconds in sorted(found)
    ]


def why_not(limit: Limit) -> str | None:
    """Why a tier cannot hold this limit, in words; None if it can."""
    named = f"{limit.units:f} {limit.metric} per {limit.period}"
    if limit.metric != CALLS:
        return f"{named}: MuleSoft's tiers count calls only"
    if not limit.hard:
        return f"{named}: a tier can only refuse, and the plan lets these calls pass"
    if limit.units < 1:
        return f"{named}: a tier's smallest limit is one call"
    return None


def _whole(units: Decimal) -> int:
    return int(units.to_integral_value(ROUND_CEILING))
