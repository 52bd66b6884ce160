"""Keeps us under a vendor's call limits, so that nobody else's automation is throttled because of us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.manifest import CallLimit
from aforo.kit.clock import Clock

_SLOTS: Final = 60


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of one limit was used in the last `window_seconds`: a minute, or the limit's own window if longer.

    `allowed` is what the limiter would let through in such a window at most.
    """

    operation: str
    used: int
    allowed: int
    window_seconds: int

    @property
    def share(self) -> float:
        return self.used / self.allowed


class Budget:
    """Token buckets, one per limit of the manifest. Shared by all who share the vendor's limit.

    Urgent calls (credentials, a person who waits) go before others that are waiting, such as a scan.
    """

    def __init__(self, limits: Sequence[CallLimit], clock: Clock) -> None:
        self.clock = clock
        self._buckets = [_Bucket(limit, clock.monotonic()) for limit in limits]
        self._paused_until = clock.monotonic()
        self._urgent_waiting = 0
        self.calls = 0
        self.throttled = 0

    async def take(self, operation: str, *, urgent: bool = False) -> None:
        """Wait until one more call of this operation is within every limit, then count it."""
        self._urgent_waiting += urgent
        try:
            while (wait := self._wait_seconds(operation, urgent=urgent)) > 0:
                await self.clock.sleep(wait)
            for bucket in self._matching(operation):
                bucket.spend(self.clock.monotonic())
            self.calls += 1
        finally:
            self._urgent_waiting -= urgent

    def pause(self, seconds: float) -> None:
        """The vendor asked us to wait: nobody calls until then."""
        self.throttled += 1
        self._paused_until = max(self._paused_until, self.clock.monotonic() + seconds)

    def paused_seconds(self) -> float:
        """How long the vendor still wants us to wait."""
        return max(0.0, self._paused_until - self.clock.monotonic())

    def meters(self) -> list[Meter]:
        """Of every limit, the fullest first."""
        now = self.clock.monotonic()
        return sorted((bucket.meter(now) for bucket in self._buckets), key=lambda one: -one.share)

    def _wait_seconds(self, operation: str, *, urgent: bool) -> float:
        now = self.clock.monotonic()
        wait = max([self._paused_until - now, *(bucket.wait_seconds(now) for bucket in self._matching(operation))])
        if wait <= 0 and not urgent and self._urgent_waiting and self._buckets:
            return 0.01
        return wait

    def _matching(self, operation: str) -> list["_Bucket"]:
        return [bucket for bucket in self._buckets if operation.startswith(bucket.limit.operation)]


class _Bucket:
    def __init__(self, limit: CallLimit, now: float) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._filled_at = now
        self._recent = _Recent(max(60.0, limit.per_seconds))

    def wait_seconds(self, now: float) -> float:
        """A little is added to a wait, so that rounding never makes us a hair too early."""
        missing = 1.0 - self._level(now)
        return missing * self.limit.per_seconds / self.limit.calls + 1e-6 if missing > 1e-9 else 0.0

    def spend(self, now: float) -> None:
        self._tokens = self._level(now) - 1.0
        self._filled_at = now
        self._recent.count(now)

    def meter(self, now: float) -> Meter:
        window, limit = self._recent.window_seconds, self.limit
        allowed = int(limit.burst + limit.calls * window / limit.per_seconds)
        return Meter(limit.operation, self._recent.total(now), max(1, allowed), int(window))

    def _level(self, now: float) -> float:
        gained = (now - self._filled_at) * self.limit.calls / self.limit.per_seconds
        return min(float(self.limit.burst), self._tokens + gained)


class _Recent:
    """Counts of a sliding window, in sixty slots: right to within one slot's time, in memory that does not grow."""

    def __init__(self, window_seconds: float) -> None:
        self.window_seconds = window_seconds
        self._slot_seconds = window_seconds / _SLOTS
        self._slots = [(-_SLOTS, 0)] * _SLOTS

    def count(self, now: float) -> None:
        number = int(now / self._slot_seconds)
        kept, calls = self._slots[number % _SLOTS]
        self._slots[number % _SLOTS] = (number, calls + 1 if kept == number else 1)

    def total(self, now: float) -> int:
        number = int(now / self._slot_seconds)
        return sum(calls for kept, calls in self._slots if kept > number - _SLOTS)
