"""A decision as its asker gets it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, cast

import msgspec

from aforo.enforcement.leases import Lease
from aforo.enforcement.meters import Meter
from aforo.enforcement.rules import quota
from aforo.enforcement.rules.decide import STATUS, Reason, Verdict
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.rules.quota import UNIT
from aforo.enforcement.service.checks import Outcome
from aforo.enforcement.token import sign
from aforo.enforcement.wire import CheckAnswer, Denial, LeaseAnswer, QuotaCheckAnswer
from aforo.kit.clock import rfc3339

_NULL: Final = msgspec.Raw(b"null")
_LEVEL_SHORT: Final = {Level.L2_THROTTLE: "L2", Level.L3_BLOCK: "L3"}
_MARGIN_REASONS: Final = {Reason.MARGIN_BLOCKED: "blocked", Reason.MARGIN_THROTTLED: "throttled"}


def check_answer(
    outcome: Outcome, tenant_id: str, key: bytes, lease: LeaseAnswer | None = None, leased: int = 0
) -> CheckAnswer:
    """`leased` nano-units went out with the lease."""
    verdict, decision, grant = outcome.verdict, outcome.decision, outcome.found.grant
    reason = verdict.reason
    retry = _seconds(verdict.wait_ms)
    left = _left(verdict, decision.reserved + leased)
    denial = Denial(reason.value, STATUS[reason], retry) if reason is not Reason.OK else None
    denied = outcome.denied
    return CheckAnswer(
        allowed=not denied,
        reason=reason.value if denied else "ok",
        plan=grant.terms.key if grant else None,
        customer_id=grant.customer_id if grant else None,
        subscription_id=grant.subscription_id if grant else None,
        quota_mode=verdict.mode,
        remaining=_NULL if left is None else number(left),
        reset_at=None if verdict.ends_ms is None else moment(verdict.ends_ms),
        margin=outcome.level.value,
        enforcement="enforce" if outcome.enforced else "observe",
        decision_id=sign(decision, tenant_id, key),
        headers=_headers(outcome, left, retry),
        status=STATUS[reason] if denied else msgspec.UNSET,
        retry_after_seconds=retry if denied and retry is not None else msgspec.UNSET,
        would_deny=denial if denial is not None and not denied else msgspec.UNSET,
        lease=lease if lease is not None else msgspec.UNSET,
    )


def lease_answer(lease: Lease, outcome: Outcome, shares: int) -> LeaseAnswer:
    """The rate and the outage units are this node's share: the plan's, divided by the nodes that hold a lease."""
    terms = cast("Meter", outcome.meter).grant.terms  # the lease has taken from it
    rates = [one.units / one.per_seconds / UNIT for one in terms.rate_limits.get(lease.metric, ())]
    rate = b"%.6g" % (min(rates) / shares) if rates else b"null"
    outage = number(terms.outage_units // shares) if terms.fail_mode == "open_up_to" else _NULL
    return LeaseAnswer(
        lease.id,
        number(lease.state.units),
        moment(lease.expires_ms),
        msgspec.Raw(rate),
        outcome.throttle_percent,
        terms.fail_mode,
        outage,
    )


def quota_check_answer(outcome: Outcome) -> QuotaCheckAnswer:
    """The older plugins' form: WARN where the call passes and something is close to its end."""
    verdict = outcome.verdict
    warns = verdict.limit is not None and verdict.used is not None and quota.approaches(verdict.limit, verdict.used)
    passes = "WARN" if warns or verdict.reason is not Reason.OK or outcome.level is not Level.NONE else "ALLOW"
    grant = outcome.found.grant
    retry = _seconds(verdict.wait_ms)
    return QuotaCheckAnswer(
        decision="DENY" if outcome.denied else passes,
        reason=verdict.reason.value,
        current_usage=number(max(0, verdict.used)) if verdict.used is not None else msgspec.Raw(b"0"),
        limit=number(verdict.limit) if verdict.limit is not None else _NULL,
        retry_after_ms=verdict.wait_ms or 0 if outcome.denied else 0,
        tier_name=grant.terms.key if grant else None,
        headers=_headers(outcome, _left(verdict, 0), retry),
    )


def number(nanos: int) -> msgspec.Raw:
    """A JSON number with every digit."""
    whole, rest = divmod(nanos, UNIT)
    return msgspec.Raw(b"%d" % whole if not rest else quota.shown(nanos).encode())


@lru_cache(4_096)
def moment(at_ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(at_ms / 1000, UTC))


def _left(verdict: Verdict, reserved: int) -> int | None:
    return None if verdict.remaining is None else max(0, verdict.remaining - reserved)


def _seconds(wait_ms: int | None) -> int | None:
    return None if wait_ms is None else max(1, -(-wait_ms // 1000))


def _headers(outcome: Outcome, left: int | None, retry: int | None) -> dict[str, str]:
    """What the gateway adds to the answer that its caller gets, or, for the margin's warning, sends upstream."""
    verdict, grant = outcome.verdict, outcome.found.grant
    headers = {}
    if left is not None:
        headers["X-Aforo-Remaining"] = quota.shown(left)
    if grant is not None:
        headers["X-Aforo-Plan"] = grant.terms.key
    if verdict.limit is not None and left is not None and quota.approaches(verdict.limit, verdict.limit - left):
        headers["X-RateLimit-Warning"] = "approaching-limit"
    if outcome.denied:
        if retry is not None:
            headers["Retry-After"] = str(retry)
        if verdict.reason in _MARGIN_REASONS:
            headers["X-Margin-Guard"] = _MARGIN_REASONS[verdict.reason]
            headers["X-Margin-Guard-Level"] = _LEVEL_SHORT[outcome.level]
    elif outcome.level is Level.L1_ALERT:
        headers["X-Margin-Guard-Warning"] = "margin-low"
    return headers
