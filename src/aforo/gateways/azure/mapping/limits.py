"""A plan's limits as a product's policy holds them: one rate limit and one quota of calls. Pure.

`rate-limit` answers 429, over 300 seconds at most; `quota` answers 403, over 300 seconds at least, and its periods
begin with the subscription. Each may stand once in a policy. Source: the vendor's policy reference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING
from typing import Final

from aforo.gateway_sdk.pricing import Limit

RATE: Final = "rate-limit"
QUOTA: Final = "quota"
_CALLS: Final = "api_calls"
_BORDER_SECONDS: Final = 300

Policies = Mapping[str, tuple[int, int]]
"""Element → (calls, renewal period in seconds)."""


def policies(limits: Sequence[Limit]) -> Policies:
    """What is carried. A burst is added to its own window, since Azure knows none."""
    return {element: (_calls(one), one.seconds) for element, one in _chosen(limits).items()}


def left_out(limits: Sequence[Limit]) -> tuple[str, ...]:
    """What is not carried and why, and in what the quota differs from the plan's."""
    return tuple(_words(limits, _chosen(limits)))


def elements(found: Policies) -> list[str]:
    """As they stand in a policy, the rate first."""
    return [
        f'<{name} calls="{found[name][0]}" renewal-period="{found[name][1]}" />'
        for name in (RATE, QUOTA)
        if name in found
    ]


def _words(limits: Sequence[Limit], chosen: Mapping[str, Limit]) -> Iterator[str]:
    for one in limits:
        if why := _why_not(one):
            yield f"{_name(one)}: {why}"
        elif one is not chosen[_element(one)]:
            yield f"{_name(one)}: a policy holds one {_element(one)}, and another limit of this plan is carried"
    if quota := chosen.get(QUOTA):
        yield (
            f"{_name(quota)}: Azure answers a spent quota with 403 instead of 429, counts each product by itself, and "
            f"its periods of {quota.seconds:,} s begin with the subscription, not with the calendar's {quota.period}"
        )


def _chosen(limits: Iterable[Limit]) -> dict[str, Limit]:
    """Of several the longest period, then the tightest."""
    found: dict[str, Limit] = {}
    for one in sorted(limits, key=lambda one: (-one.seconds, one.units)):
        if _why_not(one) is None:
            found.setdefault(_element(one), one)
    return found


def _element(limit: Limit) -> str:
    return RATE if limit.seconds < _BORDER_SECONDS else QUOTA


def _why_not(limit: Limit) -> str | None:
    if limit.metric != _CALLS:
        return "Azure's quota and rate-limit count calls only"
    if not limit.hard:
        return "Azure can only refuse, and the plan lets these calls pass"
    return "Azure's smallest limit is one call" if limit.units < 1 else None


def _calls(limit: Limit) -> int:
    return int((limit.units + (limit.burst or 0)).to_integral_value(ROUND_CEILING))


def _name(limit: Limit) -> str:
    return f"{limit.units:f} {limit.metric} per {limit.period}"
