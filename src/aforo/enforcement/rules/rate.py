"""Rate limits as token buckets: in any span of T seconds at most `capacity + rate * T` units pass.

`burst` of a plan is the capacity: what may come at once on top of the steady rate. Without one, the units of one whole
span may come at once. Buckets live in memory only: after a restart they are full.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Nano-units; times in milliseconds. `per_ms` is nano-units a millisecond, as a fraction, so nothing drifts."""

    capacity: int
    units: int
    span_ms: int
    level: int
    at_ms: int

    def filled(self, now_ms: int) -> int:
        """What the bucket holds now, without touching it."""
        passed = now_ms - self.at_ms
        if passed <= 0:
            return self.level
        return min(self.capacity, self.level + self.units * passed // self.span_ms)

    def take(self, units: int, now_ms: int) -> None:
        """Give out units. Time that brought no whole nano-unit yet is not lost: the bucket's clock stays with it."""
        level = self.filled(now_ms)
        if now_ms > self.at_ms:
            self.at_ms = now_ms
        self.level = level - units

    def wait_ms(self, units: int, now_ms: int) -> int:
        """How long until the bucket holds `units`; what is above its capacity never comes, so: until it is full."""
        missing = min(units, self.capacity) - self.filled(now_ms)
        return 0 if missing <= 0 else -(-missing * self.span_ms // self.units)


def bucket(units: int, per_seconds: int, burst: int | None, now_ms: int) -> Bucket:
    """A full one."""
    capacity = units if burst is None else burst
    return Bucket(capacity, units, per_seconds * 1000, capacity, now_ms)
