"""May this call through? Cheapest question first: status, scope, feature, rate, quota, spend cap, margin.

What is made for each call is a msgspec struct, since a named tuple costs five times as much to make.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from aforo.enforcement.rules.margin import Level
from aforo.enforcement.rules.rate import Bucket


class Reason(StrEnum):
    """Part of the wire contract."""

    OK = "ok"
    NO_SUBSCRIPTION = "no_subscription"
    SUBSCRIPTION_SUSPENDED = "subscription_suspended"
    CREDENTIAL_REVOKED = "credential_revoked"
    PRODUCT_NOT_IN_PLAN = "product_not_in_plan"
    FEATURE_NOT_IN_PLAN = "feature_not_in_plan"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    SPEND_CAP = "spend_cap"
    MARGIN_BLOCKED = "margin_blocked"
    MARGIN_THROTTLED = "margin_throttled"


STATUS: Final = {
    Reason.OK: 200,
    Reason.NO_SUBSCRIPTION: 403,
    Reason.SUBSCRIPTION_SUSPENDED: 403,
    Reason.CREDENTIAL_REVOKED: 401,
    Reason.PRODUCT_NOT_IN_PLAN: 403,
    Reason.FEATURE_NOT_IN_PLAN: 403,
    Reason.RATE_LIMITED: 429,
    Reason.QUOTA_EXCEEDED: 429,
    Reason.SPEND_CAP: 402,
    Reason.MARGIN_BLOCKED: 429,
    Reason.MARGIN_THROTTLED: 429,
}


class QuotaStanding(msgspec.Struct, frozen=True, gc=False):
    """One quota as it stands: nano-units, and when its period ends."""

    limit: int
    used: int
    hard: bool
    ends_ms: int
    mode: str | None = None


class SpendStanding(msgspec.Struct, frozen=True, gc=False):
    """What the period has cost so far together with this call, and what it may cost."""

    with_call: int
    cap: int
    ends_ms: int


class MarginStanding(msgspec.Struct, frozen=True, gc=False):
    """The worst of the guards that watch this call. `passes` is this call's turn under a throttle."""

    level: Level
    passes: bool
    retry_seconds: int
    enforced: bool


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Everything that a decision depends on."""

    refusal: Reason | None = None
    feature: bool = True
    buckets: Sequence[Bucket] = ()
    quotas: Sequence[QuotaStanding] = ()
    spend: SpendStanding | None = None
    margin: MarginStanding | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """`remaining` before this call, `ends_ms` and `mode` are those of the tightest quota; None where nothing limits."""

    reason: Reason
    remaining: int | None = None
    ends_ms: int | None = None
    wait_ms: int | None = None
    limit: int | None = None
    used: int | None = None
    mode: str | None = None
    observed: bool = False


def decide(standing: Standing, units: int, now_ms: int) -> Verdict:
    """Units 0 asks whether a call could pass at all, and takes nothing."""
    if standing.refusal is not None:
        return Verdict(standing.refusal)
    if not standing.feature:
        return Verdict(Reason.FEATURE_NOT_IN_PLAN)
    tight = _tightest(standing.quotas)
    rest, limit, used, ends, mode = tight
    for bucket in standing.buckets:
        if bucket.filled(now_ms) < units:
            return Verdict(Reason.RATE_LIMITED, rest, ends, bucket.wait_ms(units, now_ms), limit, used, mode)
    for quota in standing.quotas:
        left = quota.limit - quota.used
        if quota.hard and (left < units or left <= 0):
            wait, rest = max(0, quota.ends_ms - now_ms), max(0, left)
            return Verdict(Reason.QUOTA_EXCEEDED, rest, quota.ends_ms, wait, quota.limit, quota.used, mode=quota.mode)
    spend = standing.spend
    if spend is not None and spend.with_call > spend.cap:
        return Verdict(Reason.SPEND_CAP, rest, ends, max(0, spend.ends_ms - now_ms), limit, used, mode)
    return _by_margin(standing.margin, tight)


_Tight = tuple[int | None, int | None, int | None, int | None, str | None]
_UNLIMITED: Final[_Tight] = (None, None, None, None, None)


def _tightest(quotas: Sequence[QuotaStanding]) -> _Tight:
    tight: _Tight = _UNLIMITED
    for quota in quotas:
        left = quota.limit - quota.used
        if tight[0] is None or left < tight[0]:
            tight = (left, quota.limit, quota.used, quota.ends_ms, quota.mode)
    return tight


def _by_margin(margin: MarginStanding | None, tight: _Tight) -> Verdict:
    rest, limit, used, ends, mode = tight
    if margin is None or margin.level in (Level.NONE, Level.L1_ALERT):
        return Verdict(Reason.OK, rest, ends, None, limit, used, mode)
    if margin.level is Level.L2_THROTTLE:
        if margin.passes:
            return Verdict(Reason.OK, rest, ends, None, limit, used, mode)
        return Verdict(Reason.MARGIN_THROTTLED, rest, ends, 60_000, limit, used, mode, not margin.enforced)
    wait = margin.retry_seconds * 1000
    return Verdict(Reason.MARGIN_BLOCKED, rest, ends, wait, limit, used, mode, not margin.enforced)
