"""What a call's outcome means for an integration's health and breaker."""

from dataclasses import replace
from datetime import datetime

from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.tokens import ReconnectNeeded
from aforo.integrations.model import Health, Vitals
from aforo.integrations.rules import breaker as breaker_rules


def after_success(vitals: Vitals, now: datetime) -> Vitals:
    return replace(
        vitals,
        health=Health.HEALTHY,
        failures=0,
        last_ok_at=now,
        breaker=breaker_rules.passed(vitals.breaker, now),
    )


def after_failure(vitals: Vitals, now: datetime, error: GatewayError) -> Vitals:
    """429 and other 4xx leave the breaker alone; 401 and 403 count for health; a mere "no" to a request for neither.

    A consent that is gone is an ERROR at once, since no further try can end better. An ERROR stays one until a call
    passes, so that one episode is told once.
    """
    if error.counts_for_breaker:
        breaker = breaker_rules.failed(vitals.breaker, now, error.detail)
    else:
        breaker = breaker_rules.answered_with_no(vitals.breaker, now)
    if not error.counts_for_health:
        return replace(vitals, breaker=breaker)
    failures = vitals.failures + 1
    final = isinstance(error, ReconnectNeeded) or vitals.health is Health.ERROR
    return replace(
        vitals,
        health=Health.ERROR if final or failures >= 3 else Health.DEGRADED,
        failures=failures,
        last_failed_at=now,
        last_error_code=error.code,
        last_error=error.detail,
        breaker=breaker,
    )
