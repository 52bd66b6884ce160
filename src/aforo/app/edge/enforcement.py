"""Opens the enforcement room for the edge: the ledger, the watch over records.db, and what it needs of other rooms."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from aforo.credentials import credential_rows, credential_version
from aforo.enforcement import CredentialSource, Enforcement, Ledger, RecordsWatch, Snapshot, Span
from aforo.kit.clock import Clock
from aforo.usage import LogReader, Position, Record, SegmentLog, record

POLL_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.2
CREDENTIALS: Final = CredentialSource(credential_rows, credential_version)


class OpenEnforcement:
    """The room while the edge runs. `start` reads the grants and catches up with the logs; `aclose` gives back.

    Events are taken from the logs themselves, as far as they are durable, and so in their order, each once: whoever
    appends only says `logged`.
    """

    def __init__(
        self, data_dir: Path, clock: Clock, credentials: CredentialSource = CREDENTIALS, *, synchronous: str = "FULL"
    ) -> None:
        """Opens ledger.db. Raises sqlite3.Error, OSError."""
        self._folder = data_dir / "log"
        self._logs: Mapping[str, SegmentLog] = {}
        self._logged = asyncio.Event()
        self.ledger = Ledger(data_dir / "ledger.db", int(clock.now().timestamp() * 1000), synchronous=synchronous)
        self.room = Enforcement(self.ledger, clock, period_at)
        self._watch = RecordsWatch(data_dir / "records.db", self._hand_over, credentials)
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._poked = asyncio.Event()
        self._reading = asyncio.Lock()

    async def start(self, logs: Mapping[str, SegmentLog]) -> None:
        self._logs = logs
        await self.refresh()
        self._tasks = [asyncio.create_task(work) for work in (self._poll(), self._tick(), self._follow())]

    def logged(self) -> None:
        """Events have become durable."""
        self._logged.set()

    def poke(self) -> None:
        """Something has changed: look now."""
        self._poked.set()

    async def refresh(self) -> None:
        """Read what changed in records.db; revocations are in force before anything that takes longer is read."""
        async with self._reading:
            await asyncio.to_thread(self._watch.refresh)

    async def caught_up(self) -> None:
        """Everything that is durable in the logs now has moved the counters."""
        for name in self._logs:
            for found, end in self._frames(name):
                self.room.settle(name, found, end)

    async def aclose(self) -> None:
        await self._end()
        await self.caught_up()
        await self.room.aclose()
        self._watch.close()

    async def abandon(self) -> None:
        """End as a crash would: nothing more is written."""
        await self._end()
        await self.room.abandon()
        self._watch.close()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _hand_over(self, snapshot: Snapshot) -> None:
        """On the thread that reads, as soon as there is something to put in force."""
        self._loop.call_soon_threadsafe(self._take, snapshot, self._watch.decision_key)

    def _take(self, snapshot: Snapshot, key: bytes) -> None:
        first = not self.room.ready
        self.room.take(snapshot, key)
        if first:
            for name in self._logs:
                for found, end in self._frames(name):
                    self.room.settle(name, found, end)

    def _frames(self, name: str) -> Iterator[tuple[Record, Position]]:
        """What is durable and was not taken yet."""
        last = self._logs[name].durable_end
        since = self.room.applied(name)
        if since >= last:
            return
        for frame in LogReader(self._folder / name).since(since):
            end = Position(frame.position.segment, frame.end)
            if end > last:
                return
            found = record.decode(frame.payload)
            if found is not None:
                yield found, end

    async def _follow(self) -> None:
        log = structlog.get_logger()
        while True:
            await self._logged.wait()
            self._logged.clear()
            try:
                for name in self._logs:
                    for found, end in self._frames(name):
                        self.room.settle(name, found, end)
                        await asyncio.sleep(0)
            except Exception:
                log.exception("the log could not be followed; it is tried again with the next events")

    async def _poll(self) -> None:
        log = structlog.get_logger()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), POLL_SECONDS)
            self._poked.clear()
            try:
                await self.refresh()
            except Exception:
                log.exception("grants could not be read; the last ones known stay in force")

    async def _tick(self) -> None:
        log = structlog.get_logger()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            try:
                await self.room.tick()
            except Exception:
                log.exception("reservations and leases could not be gone through")


def period_at(at_ms: int, span: Span) -> tuple[int, int]:
    """A period as the customers room counts it. Imported when the first counter is made, since it brings much along."""
    from aforo.customers.rules.periods import Every, PeriodSpec
    from aforo.customers.rules.periods import period_at as period

    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    found = period(moment, PeriodSpec(Every(span.every), span.anchor_day, span.time_zone))
    return int(found.start.timestamp() * 1000), int(found.end.timestamp() * 1000)
