"""How large a lease is, how long it lives, and what it counts for.

A lease moves its counters by its units when it is granted. Its events consume these units, and only what exceeds them
moves the counters again. HARD units come back by the final settlement alone; SOFT and OVERAGE units at expiry.
"""

from dataclasses import dataclass
from typing import Final

from aforo.enforcement.rules.quota import UNIT

LIFE_MS: Final = 30_000
_PART_OF_REST: Final = 10


@dataclass(slots=True)
class LeaseState:
    """What is known of a lease. `seen` sums its events, `used` is what its node reported last."""

    units: int
    seen: int = 0
    used: int = 0
    final: bool = False
    expired: bool = False


def size(want: int, rest: int | None) -> int:
    """Whole units: what is wanted, at most a tenth of what remains, at least one. 0 where not even one is left.

    So five nodes that race for a quota share its end in single units, and none sits on a large rest.
    """
    if rest is None:
        return want
    if rest < UNIT:
        return 0
    return min(want, max(UNIT, rest // _PART_OF_REST // UNIT * UNIT))


def expires_ms(now_ms: int, period_ends_ms: int | None) -> int:
    """Thirty seconds on, never past the end of the period."""
    return now_ms + LIFE_MS if period_ends_ms is None else min(now_ms + LIFE_MS, period_ends_ms)


def counts_for(lease: LeaseState, *, hard: bool) -> int:
    """By how much the lease moves a counter, all in all."""
    spent = max(lease.used, lease.seen)
    closed = lease.final if hard else lease.final or lease.expired
    return spent if closed else max(lease.units, lease.seen)


def smaller(units: int) -> int:
    """The next size to try where these units are too many: half, in whole units, at least one."""
    return max(UNIT, units // 2 // UNIT * UNIT)


def awaited(lease: LeaseState) -> int:
    """Units whose events may still come, so that what they cost is held against the margin until then."""
    return 0 if lease.final or lease.expired else max(0, lease.units - lease.seen)


def stranded(lease: LeaseState) -> int:
    """HARD units that nobody accounts for: the lease is over, and was never settled for good."""
    return max(0, lease.units - max(lease.used, lease.seen)) if lease.expired and not lease.final else 0
