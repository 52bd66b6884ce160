"""When calls to a gateway are held back: five failures in a row, 300 seconds of rest, one probe."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from aforo.integrations.model import Breaker, BreakerState

OPEN_AFTER: Final = 5
REST: Final = timedelta(seconds=300)
_PROBE_PATIENCE: Final = timedelta(seconds=60)
"""A probe whose caller died without telling how it ended is given up after this long."""


def admit(breaker: Breaker, now: datetime) -> tuple[bool, Breaker]:
    """Whether one call may go out now, and the breaker afterwards. The call let through after a rest is the probe.

    A rest that began in the future (the clock was set back) begins now, so that it ends at all.
    """
    if breaker.state is BreakerState.CLOSED:
        return True, breaker
    if breaker.since is not None and breaker.since > now:
        breaker = replace(breaker, since=now)
    if seconds_to_probe(breaker, now) > 0:
        return False, breaker
    return True, replace(breaker, state=BreakerState.HALF_OPEN, since=now)


def passed(breaker: Breaker, now: datetime) -> Breaker:
    """The gateway answered."""
    if breaker.state is BreakerState.CLOSED and breaker.failures == 0:
        return breaker
    since = breaker.since if breaker.state is BreakerState.CLOSED else now
    return replace(breaker, state=BreakerState.CLOSED, failures=0, since=since)


def failed(breaker: Breaker, now: datetime, words: str) -> Breaker:
    """The gateway seems to be down."""
    failures = breaker.failures + 1
    if breaker.state is BreakerState.HALF_OPEN or failures >= OPEN_AFTER:
        return Breaker(BreakerState.OPEN, failures, now, words)
    return replace(breaker, failures=failures, last_failure=words)


def answered_with_no(breaker: Breaker, now: datetime) -> Breaker:
    """A 4xx: no sign of a gateway that is down. It ends a probe well, and leaves a count of failures alone."""
    return passed(breaker, now) if breaker.state is BreakerState.HALF_OPEN else breaker


def abandoned(breaker: Breaker) -> Breaker:
    """A call ended without telling anything of the gateway. If it was the probe, the next one is due at once."""
    if breaker.state is not BreakerState.HALF_OPEN or breaker.since is None:
        return breaker
    return replace(breaker, state=BreakerState.OPEN, since=breaker.since - REST)


def seconds_to_probe(breaker: Breaker, now: datetime) -> float:
    """How long calls are still held back, at most REST; 0 when one may go out."""
    if breaker.state is BreakerState.CLOSED or breaker.since is None:
        return 0.0
    wait = REST if breaker.state is BreakerState.OPEN else _PROBE_PATIENCE
    return max(0.0, (min(breaker.since, now) + wait - now).total_seconds())
