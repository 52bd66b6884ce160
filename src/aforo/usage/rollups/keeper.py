"""Keeps rollups.db close behind the log."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from aforo.usage import record
from aforo.usage.errors import LogDamaged
from aforo.usage.record import Record
from aforo.usage.rollups.store import RollupStore
from aforo.usage.segment_log import LogReader, Position

PAUSE_SECONDS: Final = 0.2
_QUEUED_RECORDS: Final = 512
_EVENTS_AT_ONCE: Final = 20_000


class RollupKeeper:
    """Told of each durable frame, in the order of the log; writes a little later, on another thread.

    Frames that came lately are taken from memory, all others from the log: at start, and after too many had to wait.
    A crash loses nothing: the log is read again from where rollups.db says.
    """

    def __init__(self, store: RollupStore, log: str, folder: Path, durable: Position) -> None:
        """`durable` is where the log ends now."""
        self._store = store
        self._log = log
        self._reader = LogReader(folder)
        self._lock = threading.Lock()
        self._durable = durable
        self._queue: list[tuple[Record, Position]] = []
        self._has_gap = True
        self._writing: asyncio.Task[None] | None = None

    def durable(self, record: Record, end: Position) -> None:
        """One more frame is on the disk."""
        with self._lock:
            self._durable = end
            if not self._has_gap:
                self._queue.append((record, end))
            if len(self._queue) > _QUEUED_RECORDS:
                self._queue, self._has_gap = [], True
        self.wake()

    def wake(self) -> None:
        """See to it that what is durable gets written; needs a running loop."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())

    async def aclose(self) -> None:
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def write(self) -> None:
        """Write all that is durable by now. Blocks. Raises sqlite3.Error, LogDamaged."""
        with self._lock:
            queue, has_gap, end = self._queue, self._has_gap, self._durable
            self._queue, self._has_gap = [], False
        try:
            if has_gap:
                self._catch_up(end)
            else:
                self._add_all(queue)
        except Exception:
            with self._lock:
                self._queue, self._has_gap = [], True
            raise

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.to_thread(self.write)
        except (sqlite3.Error, LogDamaged, OSError) as fault:
            structlog.get_logger().error("the rollups are behind", log=self._log, reason=str(fault))
            await asyncio.sleep(5)
        finally:
            self._writing = None
        if self._queue or self._has_gap:
            self.wake()

    def _catch_up(self, end: Position) -> None:
        frames = self._reader.since(self._store.position(self._log))
        known = ((record.decode(frame.payload), Position(frame.position.segment, frame.end)) for frame in frames)
        self._add_all((found, place) for found, place in known if found is not None and place <= end)

    def _add_all(self, records: Iterable[tuple[Record, Position]]) -> None:
        waiting: list[Record] = []
        place: Position | None = None
        for found, place in records:
            waiting.append(found)
            if sum(one.count for one in waiting) >= _EVENTS_AT_ONCE:
                self._store.add(self._log, waiting, place)
                waiting = []
        if waiting and place is not None:
            self._store.add(self._log, waiting, place)
