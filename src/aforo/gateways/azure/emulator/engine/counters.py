"""The gateway's internal cache, and the counters of its rate limits and quotas. They end with the process."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aforo.kit.clock import Clock


@dataclass(slots=True)
class Counters:
    """By one clock."""

    clock: Clock
    _cache: dict[str, tuple[Any, float]] = field(default_factory=dict)
    _windows: dict[tuple[object, ...], deque[tuple[float, int]]] = field(default_factory=dict)
    _quotas: dict[tuple[object, ...], tuple[float, int]] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.clock.now()

    def look_up(self, key: str) -> Any:
        """None where there is nothing, or no more."""
        value, ends_at = self._cache.get(key, (None, 0.0))
        return value if ends_at > self.clock.monotonic() else None

    def store(self, key: str, value: Any, seconds: float) -> None:
        self._cache[key] = (value, self.clock.monotonic() + seconds)

    def remove(self, key: str) -> None:
        self._cache.pop(key, None)

    def in_window(self, key: tuple[object, ...], seconds: float, adds: int) -> tuple[int, float]:
        """How many calls there are in a sliding window with these, and when the oldest of them leaves it."""
        now = self.clock.monotonic()
        window = self._windows.setdefault(key, deque())
        while window and window[0][0] <= now - seconds:
            window.popleft()
        if adds:
            window.append((now, adds))
        return sum(count for _, count in window), (window[0][0] + seconds - now) if window else 0.0

    def take_back(self, key: tuple[object, ...]) -> None:
        """The last call was refused, and does not count."""
        self._windows[key].pop()

    def in_period(self, key: tuple[object, ...], seconds: float) -> tuple[int, float]:
        """How many calls there are in a fixed period with this one, and how long it still lasts."""
        now = self.clock.monotonic()
        began, count = self._quotas.get(key, (now, 0))
        if now >= began + seconds:
            began, count = now, 0
        self._quotas[key] = (began, count + 1)
        return count + 1, began + seconds - now
