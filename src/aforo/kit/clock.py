"""Time as a value that is handed in, so that a test can move it by hand."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the time is and how to wait. `monotonic` is for spans, `now` for records; both in seconds or UTC."""

    def now(self) -> datetime: ...

    def epoch_ms(self) -> int:
        """`now` as milliseconds since 1970, a fifth as costly."""
        ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HandClock:
    """A clock that moves when told to, and when somebody sleeps on it."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self._passed

    def forward(self, seconds: float) -> None:
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        self.forward(max(0.0, seconds))
        await asyncio.sleep(0)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and a Z: the one form in which Aforo writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """Read what `rfc3339` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)
