"""The breaker: five failures in a row, 300 seconds of rest, exactly one probe."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from aforo.gateway_sdk.tokens import ReconnectNeeded
from aforo.integrations.model import Breaker, BreakerState, Health, Vitals
from aforo.integrations.rules import breaker as rules
from aforo.integrations.rules.vitals import after_failure, after_success

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _opened(now: datetime = START) -> Breaker:
    breaker = Breaker()
    for _ in range(rules.OPEN_AFTER):
        breaker = rules.failed(breaker, now, "503")
    return breaker


def test_four_failures_hold_nothing_back_and_the_fifth_does() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker = rules.failed(breaker, START, "503")
        assert rules.admit(breaker, START)[0]
    assert not rules.admit(rules.failed(breaker, START, "503"), START)[0]


@given(st.floats(0, 299.9))
def test_an_open_breaker_lets_nothing_through_during_its_rest(seconds: float) -> None:
    assert not rules.admit(_opened(), START + timedelta(seconds=seconds))[0]


def test_after_its_rest_exactly_one_call_may_try() -> None:
    later = START + timedelta(seconds=300)
    first, breaker = rules.admit(_opened(), later)
    second, _ = rules.admit(breaker, later)
    assert (first, second, breaker.state) == (True, False, BreakerState.HALF_OPEN)


def test_a_failed_probe_rests_another_300_seconds() -> None:
    later = START + timedelta(seconds=300)
    _, breaker = rules.admit(_opened(), later)
    breaker = rules.failed(breaker, later, "503")
    assert not rules.admit(breaker, later + timedelta(seconds=299))[0]
    assert rules.admit(breaker, later + timedelta(seconds=300))[0]


def test_a_probe_that_is_answered_closes_the_breaker_even_with_a_no() -> None:
    _, breaker = rules.admit(_opened(), START + timedelta(seconds=300))
    assert rules.passed(breaker, START).state is BreakerState.CLOSED
    assert rules.answered_with_no(breaker, START).state is BreakerState.CLOSED


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(10):
        for _ in range(4):
            breaker = rules.failed(breaker, START, "503")
        breaker = rules.passed(breaker, START)
    assert breaker.state is BreakerState.CLOSED


def test_health_follows_the_failures_in_a_row() -> None:
    vitals = Vitals()
    seen = []
    for _ in range(4):
        vitals = after_failure(vitals, START, GatewayUnavailable("down"))
        seen.append(vitals.health)
    assert seen == [Health.DEGRADED, Health.DEGRADED, Health.ERROR, Health.ERROR]
    assert after_success(vitals, START).health is Health.HEALTHY


def test_an_error_stays_one_until_a_call_passes() -> None:
    vitals = after_failure(Vitals(), START, ReconnectNeeded("consent is gone"))
    assert vitals.health is Health.ERROR
    assert after_failure(vitals, START, GatewayUnavailable("down")).health is Health.ERROR


def test_a_refused_credential_counts_for_health_but_not_for_the_breaker() -> None:
    vitals = Vitals()
    for _ in range(9):
        vitals = after_failure(vitals, START, GatewayAuthFailed("401"))
    assert (vitals.health, vitals.breaker.state) == (Health.ERROR, BreakerState.CLOSED)


def test_throttling_never_opens_the_breaker() -> None:
    vitals = Vitals()
    for _ in range(9):
        vitals = after_failure(vitals, START, GatewayThrottled("429"))
    assert vitals.breaker.state is BreakerState.CLOSED


def test_a_refused_request_is_no_sign_of_bad_health() -> None:
    assert after_failure(Vitals(), START, GatewayRejected("400", status=400)).health is Health.UNKNOWN


def test_a_probe_that_tells_nothing_leaves_the_next_call_to_probe_at_once() -> None:
    later = START + timedelta(seconds=300)
    _, probing = rules.admit(_opened(), later)
    left = rules.abandoned(probing)
    assert left.state is BreakerState.OPEN
    assert rules.admit(left, later) == (True, probing)


@given(st.sampled_from([Breaker(), _opened()]))
def test_a_call_that_is_no_probe_and_tells_nothing_changes_nothing(breaker: Breaker) -> None:
    assert rules.abandoned(breaker) == breaker


@given(st.floats(1, 10**8))
def test_a_clock_that_was_set_back_holds_calls_no_longer_than_a_rest(seconds: float) -> None:
    now = START - timedelta(seconds=seconds)
    assert rules.seconds_to_probe(_opened(), now) <= 300
    allowed, breaker = rules.admit(_opened(), now)
    assert not allowed
    assert not rules.admit(breaker, now + timedelta(seconds=299))[0]
    assert rules.admit(breaker, now + timedelta(seconds=300))[0]
