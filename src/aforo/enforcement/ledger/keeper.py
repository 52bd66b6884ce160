"""Makes counters durable: one transaction for everything that waits, on a thread of its own.

Chunks are taken here, ahead of need: whenever half of what a counter had in hand is gone, the next transaction takes
more. A check waits only for the first chunk of a period, or when calls come faster than the disk commits.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from aforo.enforcement.counters import Counter, Counters
from aforo.enforcement.errors import LedgerUnavailable
from aforo.enforcement.leases import Leases
from aforo.enforcement.ledger.file import Ledger, Noted, Writes, counter_row, lease_row
from aforo.enforcement.model import Log
from aforo.enforcement.rules import quota
from aforo.kit.clock import Clock

_NOTED: Final = 10_000
_UNLIMITED: Final = 1_000 * quota.UNIT
_FAULT_SECONDS: Final = 1.0


class Keeper:
    """Owns what is not durable yet. Whatever belongs together is moved in one go and so ends in one transaction."""

    def __init__(self, ledger: Ledger, counters: Counters, leases: Leases, clock: Clock) -> None:
        self._ledger = ledger
        self._counters = counters
        self._leases = leases
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._noted: deque[Noted] = deque()
        self._asking: set[Counter] = set()
        self._settled: dict[int, int] = {}
        self._settled_in_flight: dict[int, int] = {}
        self._applied: dict[Log, tuple[int, int]] = {}
        self._applied_is_new = False
        self._fault_until = 0.0
        self.commits = 0
        self.lost_notes = 0

    def durable(self) -> "asyncio.Future[None]":
        """Resolves once everything up to now is durable; fails with LedgerUnavailable."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._rests():
            future.set_exception(_unavailable())
        else:
            self._waiting.append(future)
            self._wake()
        return future

    def ask(self, counter: Counter, units: int = 0) -> None:
        """Take a chunk for this counter, and `units` that somebody waits for."""
        counter.asked += units
        self._asking.add(counter)
        self._wake()

    def note(self, noted: Noted) -> None:
        """Keep a decision for people; when they come faster than the disk takes them, some are lost, and counted."""
        if len(self._noted) < _NOTED:
            self._noted.append(noted)
        else:
            self.lost_notes += 1

    def touch(self) -> None:
        """Write soon, when nobody waits."""
        if self._is_dirty():
            self._wake()

    async def in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def aclose(self) -> None:
        """Return the chunks, write everything, and close."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        for counter in self._counters.all():
            if counter.hard and counter.taken != counter.given:
                counter.taken = counter.given
                self._counters.dirty.add(counter)
        self._asking.clear()
        writes, clean = self._collect(), True
        try:
            await self.in_thread(lambda: self._ledger.commit(writes))
        except sqlite3.Error:
            clean = False
            structlog.get_logger().exception("the ledger could not be written at the end; chunks stay stranded")
        self._thread.shutdown()
        with contextlib.suppress(sqlite3.Error):
            self._ledger.close(clean=clean)

    async def abandon(self) -> None:
        """Close as a crash would, once the transaction under way has ended; for tests of what survives one."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        self._thread.shutdown()
        self._ledger.close(clean=False)

    def is_settled(self, serials: Collection[int]) -> set[int]:
        """Those of the decisions for which the counters were moved already."""
        near = {serial for serial in serials if serial in self._settled or serial in self._settled_in_flight}
        far = [serial for serial in serials if serial not in near]
        return near | (self._ledger.settled_among(far) if far else set())

    def settle(self, serial: int, at_ms: int) -> None:
        """Mark a decision; the mark becomes durable together with what it moved."""
        self._settled[serial] = at_ms

    def apply(self, log: Log, segment: int, offset: int) -> None:
        """The counters now hold every event up to and with this frame of the log."""
        self._applied[log] = (segment, offset)
        self._applied_is_new = True

    def applied(self, log: Log) -> tuple[int, int] | None:
        return self._applied.get(log)

    def _is_dirty(self) -> bool:
        return bool(self._counters.dirty or self._leases.dirty or self._noted or self._settled or self._applied_is_new)

    def _wake(self) -> None:
        if self._writing is None and not self._rests():
            self._writing = asyncio.create_task(self._write_groups())

    def _rests(self) -> bool:
        """After a fault everybody is refused at once for a moment, instead of waiting for the next one."""
        return self._clock.monotonic() < self._fault_until

    async def _write_groups(self) -> None:
        """Until nobody waits."""
        try:
            once = True
            while once or self._waiting or self._asking:
                once = False
                group, self._waiting = self._waiting, []
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: "list[asyncio.Future[None]]") -> None:
        writes = self._collect()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._ledger.commit, writes)
        except sqlite3.Error as fault:
            self._put_back(writes)
            structlog.get_logger().error("the ledger could not be written", reason=str(fault))
            self._fault_until = self._clock.monotonic() + _FAULT_SECONDS
            self._asking.clear()
            group, self._waiting = group + self._waiting, []
            for future in group:
                if not future.done():
                    future.set_exception(_unavailable())
            return
        self.commits += 1
        self._settled_in_flight = {}
        for counter, taken in writes.taken:
            counter.taken = max(counter.taken, taken)
        for future in group:
            if not future.done():
                future.set_result(None)

    def _collect(self) -> Writes:
        """Everything that is not durable, at one instant."""
        taken = {counter: self._chunk(counter) for counter in self._asking}
        self._asking.clear()
        writes = Writes(
            counters=[counter_row(one, taken.get(one, one.taken)) for one in self._counters.dirty | taken.keys()],
            leases=[lease_row(one) for one in self._leases.dirty],
            settled=list(self._settled.items()),
            applied=[(log.value, *place) for log, place in self._applied.items()],
            decisions=list(self._noted),
            taken=list(taken.items()),
            sources=(frozenset(self._counters.dirty), frozenset(self._leases.dirty)),
        )
        self._settled_in_flight, self._settled = self._settled, {}
        self._counters.dirty.clear()
        self._leases.dirty.clear()
        self._noted.clear()
        self._applied_is_new = False
        return writes

    def _chunk(self, counter: Counter) -> int:
        """Up to where the counter's units are to be durable."""
        asked, counter.asked = counter.asked, 0
        if counter.limit is None:  # the plan has no HARD quota here any more
            return counter.given + asked + _UNLIMITED
        rest, now = counter.limit - counter.used, self._clock.monotonic()
        if counter.chunk:
            counter.chunk = quota.next_chunk(counter.chunk, rest, now - counter.chunk_at)
        else:
            counter.chunk = quota.first_chunk(rest)
        counter.chunk_at = now
        return max(counter.taken, quota.taken_until(counter.given, rest, counter.chunk, asked))

    def _put_back(self, writes: Writes) -> None:
        """A failed transaction wrote nothing; all of it is due again."""
        self._counters.dirty |= writes.sources[0]
        self._leases.dirty |= writes.sources[1]
        self._settled = {**self._settled_in_flight, **self._settled}
        self._settled_in_flight = {}
        self._noted.extendleft(reversed(writes.decisions[: _NOTED - len(self._noted)]))
        self._applied_is_new = True


def _unavailable() -> LedgerUnavailable:
    return LedgerUnavailable(
        "Nothing could be made durable, so nothing was given out.",
        next_step="Use the plan's fail mode, and try again.",
        retry_after_seconds=5,
    )
