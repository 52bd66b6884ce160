"""How the api shows switches and decisions."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from aforo.enforcement.desk import Seen, status_of
from aforo.enforcement.levels import Level, plain
from aforo.enforcement.model import Log
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.rules.quota import shown
from aforo.enforcement.token import Decision
from aforo.kit.wire import Moment, WireModel

Mode = Literal["observe", "enforce"]


class ModeShape(WireModel):
    """`observe` lets everything pass and notes what would have been refused; `enforce` refuses."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"mode": "enforce"}]}}
    mode: Mode


class PauseView(WireModel):
    """The kill switch of a tenant."""

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"paused": True, "since": "2026-11-22T12:00:00.000Z"}]}
    }
    paused: bool
    since: str | None


class DecisionRow(WireModel):
    """A decision that was kept: a denial (`enforced` false when it was only observed), or one of a sample of passes."""

    decision_id: str
    at: Moment
    customer_id: str | None
    product: str | None
    metric: str
    units: str
    reason: str
    status: int
    enforced: bool


class CounterView(WireModel):
    """A counter that the call moved, as it stands in the ledger now."""

    metric: str
    period: str
    anchor_day: int
    time_zone: str
    period_start: Moment
    period_end: Moment
    used: str
    hard: bool


QUOTA_EXAMPLE: Final = {
    "metric": "api_calls",
    "period": "month",
    "anchorDay": 1,
    "timeZone": "Europe/Berlin",
    "mode": "HARD",
    "limit": "100000",
    "used": "74210",
    "remaining": "25790",
    "stranded": "0",
    "periodStart": "2026-10-31T23:00:00.000Z",
    "resetAt": "2026-11-30T23:00:00.000Z",
}


class QuotaView(WireModel):
    """One quota in its present period. Units that are reserved, or lent to a gateway, count as used; `stranded` is the
    part of them that a crash keeps from use until the period ends."""

    metric: str
    period: str
    anchor_day: int
    time_zone: str
    mode: str
    limit: str
    used: str
    remaining: str
    stranded: str
    period_start: Moment
    reset_at: Moment


def quota_view(level: Level) -> QuotaView:
    quota = level.quota
    return QuotaView(
        metric=quota.metric,
        period=quota.period,
        anchor_day=quota.anchor_day,
        time_zone=quota.time_zone,
        mode=quota.mode,
        limit=plain(quota.limit),
        used=plain(level.used),
        remaining=plain(level.remaining),
        stranded=plain(level.stranded),
        period_start=quota.starts_at,
        reset_at=quota.resets_at,
    )


_DECISION: Final[dict[str, Any]] = {
    "decisionId": "dec_hYH1cQ",
    "at": "2026-11-22T12:00:00.000Z",
    "allowed": False,
    "reason": "quota_exceeded",
    "rule": "A HARD quota of the plan is used up.",
    "status": 429,
    "enforcement": "enforce",
    "log": "live",
    "catalogVersion": 42,
    "customerId": "cust_01k9q3",
    "subscriptionId": "sub_01k9q3",
    "plan": "pro",
    "product": "prod_01k9q3",
    "metric": "api_calls",
    "units": "1",
    "reserved": "0",
    "remainingBefore": "0",
    "limit": "100000",
    "settled": False,
    "counters": [],
}


class DecisionView(WireModel):
    """Why a call was let through or refused: told by the id itself, with the counters as they are now."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_DECISION]}}
    decision_id: str
    at: Moment
    allowed: bool
    reason: str
    rule: str
    status: int
    enforcement: Mode
    log: Literal["live", "test"]
    catalog_version: int
    customer_id: str | None
    subscription_id: str | None
    plan: str | None
    product: str | None
    metric: str
    units: str
    reserved: str
    remaining_before: str | None
    limit: str | None
    settled: bool
    counters: list[CounterView]


def decision_row(seen: Seen) -> DecisionRow:
    return DecisionRow(
        decision_id=seen.token,
        at=_moment(seen.at_ms),
        customer_id=seen.customer_id or None,
        product=seen.product or None,
        metric=seen.metric,
        units=seen.units,
        reason=seen.reason,
        status=status_of(Reason(seen.reason)),
        enforced=bool(seen.enforced),
    )


def decision_view(token: str, decision: Decision, explained: dict[str, Any]) -> DecisionView:
    why = decision.why
    return DecisionView(
        decision_id=token,
        at=_moment(decision.at_ms),
        allowed=not decision.denied,
        reason=why.value,
        rule=explained["rule"],
        status=status_of(why),
        enforcement="enforce" if decision.enforced else "observe",
        log="test" if decision.log is Log.TEST else "live",
        catalog_version=decision.version,
        customer_id=decision.customer_id or None,
        subscription_id=decision.subscription_id or None,
        plan=decision.plan or None,
        product=decision.product or None,
        metric=decision.metric,
        units=shown(decision.units),
        reserved=shown(decision.reserved),
        remaining_before=None if decision.rest is None else shown(decision.rest),
        limit=None if decision.limit is None else shown(decision.limit),
        settled=explained["settled"],
        counters=[_counter(row) for row in explained["counters"]],
    )


def _counter(row: tuple[Any, ...]) -> CounterView:
    _, metric, every, anchor_day, time_zone, starts_ms, ends_ms, given, settled, hard = row
    return CounterView(
        metric=metric,
        period=every,
        anchor_day=anchor_day,
        time_zone=time_zone,
        period_start=_moment(starts_ms),
        period_end=_moment(ends_ms),
        used=shown(int(given) + int(settled)),
        hard=bool(hard),
    )


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
