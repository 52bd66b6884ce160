"""Apigee's limit of management calls, counted over a sliding minute."""

from collections import deque
from collections.abc import Callable

from .answers import throttled


class Throttle:
    """At most so many calls in any minute; `now` is in seconds and never goes back."""

    def __init__(self, calls_per_minute: int | None, now: Callable[[], float]) -> None:
        self._most = calls_per_minute
        self._now = now
        self._calls: deque[float] = deque()

    def count(self) -> None:
        """Count one call, or raise the refusal."""
        if self._most is None:
            return
        now = self._now()
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) >= self._most:
            raise throttled(max(1, round(self._calls[0] + 60 - now)))
        self._calls.append(now)
