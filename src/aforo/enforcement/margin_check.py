"""The older plugins' question: how is this scope's margin? It names no call, so nothing is added to what is booked."""

from collections.abc import Iterable

from aforo.enforcement.margins import Watched
from aforo.enforcement.model import Grant, Log, Tenant
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.service.parts import Parts
from aforo.enforcement.wire import MarginAnswer

_MESSAGES = {
    Level.NONE: "The margin is above its floors, or nobody guards it.",
    Level.L1_ALERT: "The margin is low.",
    Level.L2_THROTTLE: "The margin is low: a share of calls is let through.",
    Level.L3_BLOCK: "The margin is below its floor: calls are refused.",
}


def quick_check(parts: Parts, tenant_id: str, log: Log, kind: str, ref: str) -> MarginAnswer:
    """`throttle_rate` is the percent to let through: 100 unless an enforced guard throttles."""
    tenant = parts.tenant(tenant_id)
    watched = _worst(parts, tenant, log, _grants(tenant, kind, ref))
    level = watched.level if watched is not None else Level.NONE
    enforced = watched is not None and watched.guard.enforced and not tenant.paused
    throttles = enforced and level is Level.L2_THROTTLE
    return MarginAnswer(
        allowed=not (enforced and level is Level.L3_BLOCK),
        level=level.value,
        throttle_rate=watched.guard.throttle_percent if watched is not None and throttles else 100,
        retry_after_seconds=watched.guard.retry_seconds if watched is not None and level is Level.L3_BLOCK else 0,
        message=_MESSAGES[level],
    )


def _grants(tenant: Tenant, kind: str, ref: str) -> Iterable[Grant]:
    """One subscription of the scope; all of a scope share its account."""
    if kind == "CUSTOMER":
        return tenant.by_customer.get(ref, ())
    if kind == "TIER":
        return (grant for grant in tenant.grants.values() if grant.terms.key == ref)
    return tenant.grants.values() if kind == "TENANT" and ref in (tenant.id, "") else ()


def _worst(parts: Parts, tenant: Tenant, log: Log, grants: Iterable[Grant]) -> Watched | None:
    grant = next(iter(grants), None)
    if grant is None or not tenant.guards:
        return None
    metric = next(iter(grant.terms.prices), "api_calls")
    meter = parts.meters.at(log, grant, metric, parts.now_ms())
    return parts.book.standing(tenant, grant, meter.counters[0], (0, 0))
