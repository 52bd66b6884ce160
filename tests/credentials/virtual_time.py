"""A clock on which waiting costs nothing: it moves to the next sleeper exactly when nobody has anything left to do.

HandClock moves once for every sleeper, so that four who wait for one second together pass four. Here they pass one,
as on a real clock; that is what makes spans under a call limit worth comparing. All work must happen in one loop,
without sockets: what the loop cannot see, the clock does not wait for. Work for a thread is done at once instead.
"""

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aforo.kit.clock import Clock, SystemClock

_Made = TypeVar("_Made")
_START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class VirtualClock:
    """Fulfils `kit.clock.Clock` inside `run`."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return _START + timedelta(seconds=self._passed)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + max(0.0, seconds), next(self._numbers), woken))
        await woken

    def move_on(self) -> bool:
        """Go to the next moment at which somebody wakes; whether there was one."""
        while self._sleepers:
            self._passed, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
                return True
        return False


class TodaysDate:
    """The clock for spans, and the machine's for dates: for signatures, which a vendor's library dates by itself."""

    def __init__(self, clock: Clock) -> None:
        self.monotonic = clock.monotonic
        self.sleep = clock.sleep
        self.now = SystemClock().now


def run(work: Callable[[VirtualClock], Coroutine[Any, Any, _Made]]) -> _Made:
    """Do the work in a loop of its own, on a clock of its own."""
    clock = VirtualClock()

    def loop() -> asyncio.AbstractEventLoop:
        made = asyncio.SelectorEventLoop(_Impatient(clock))
        made.set_default_executor(_AtOnce())
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work(clock))


class _AtOnce(ThreadPoolExecutor):
    """Does in the loop's own thread what `asyncio.to_thread` is asked for: signing, at AWS."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class _Impatient(selectors.DefaultSelector):
    """Where the loop would wait, the clock moves on instead. A time-out of 0 says that there is work to do."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        return super().select(0) or ([] if self._clock.move_on() else super().select(timeout))
