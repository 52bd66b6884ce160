"""The edge's side of usage: both logs of a data folder with everything that hangs on them."""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from aforo.accounts import Caller
from aforo.kit.clock import Clock
from aforo.usage import erasing, record
from aforo.usage.commands import CommandSocket
from aforo.usage.dead_letters import DeadLetters, Replayed, replay
from aforo.usage.dedupe import Dedupe
from aforo.usage.history.keeper import HistoryKeeper
from aforo.usage.model import Answer
from aforo.usage.record import Digests, Record
from aforo.usage.rollups import RollupKeeper, RollupReader
from aforo.usage.rollups.store import RollupStore
from aforo.usage.segment_log import LogReader, Position, SegmentLog
from aforo.usage.service import Ingest, Metrics, Parts, Settle, every_metric

LOGS: Final = ("live", "test")
_DAY_NS: Final = 24 * 3600 * 10**9


class Ingests:
    """The live log and the test log; a key's kind decides which one it writes to.

    `folder` is the logs'; the keys already seen stand in `dedupe` beside it. `metrics` gives the names of a tenant's
    metrics; `settle` is told of accepted events once they are durable, of live and test keys alike. `counted` says up
    to where whoever is settled with has read each log, durably; it may block.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        metrics: Metrics = every_metric,
        settle: Settle | None = None,
        counted: Callable[[], Mapping[str, tuple[int, int]]] | None = None,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        """Opens both logs and reads back what is not yet in files. Raises Conflict, LogDamaged, OSError."""
        self.logs = {name: SegmentLog(folder / name, sync=sync) for name in LOGS}
        self._dedupes = {name: opened_dedupe(folder.parent / "dedupe" / name, folder / name, clock) for name in LOGS}
        self.letters = DeadLetters(folder.parent / "deadletters.db", writes=True)
        self._store = RollupStore(folder.parent / "rollups.db")
        self._rollups = {
            name: RollupKeeper(self._store, name, folder / name, log.durable_end) for name, log in self.logs.items()
        }
        self._ingests = {
            name: Ingest(
                self.logs[name],
                self._dedupes[name],
                clock,
                Parts(metrics, settle, self._rollups[name].durable, self.letters.keep),
            )
            for name in LOGS
        }
        for keeper in self._rollups.values():
            keeper.wake()
        self._settle, self._counted, self._sums = settle, counted, RollupReader(folder.parent / "rollups.db")
        turn = asyncio.Lock()
        self._history = {
            name: HistoryKeeper(folder / name, log, partial(self._covered, name), turn)
            for name, log in self.logs.items()
        }
        self._keeping = [asyncio.create_task(one.run()) for one in self._history.values()]
        erases = erasing.Erasing({name: self._parts(name, folder / name) for name in LOGS}, self.letters)
        self.commands = CommandSocket(folder.parent)
        self.commands.offer("erase", erases.erase)
        self.commands.offer("retention", erases.retain)
        self.commands.offer("replay", self._replay)
        self.commands.offer("ingest", self._ingest_lines)
        self._opening = asyncio.create_task(self._open_commands())

    def _parts(self, name: str, folder: Path) -> erasing.Parts:
        covered, nudge = partial(self._covered, name), partial(self._settle, []) if self._settle else _nothing
        return erasing.Parts(folder, self.logs[name], self._dedupes[name], self._history[name], covered, nudge)

    def _covered(self, name: str) -> Position:
        """Up to where nobody needs the log itself any more: keys in files, sums and counters durable. Blocks."""
        places = [self._dedupes[name].covered(self.logs[name].durable_end), Position(*self._sums.position(name))]
        if self._counted is not None:
            places.append(Position(*self._counted().get(name, (0, 0))))
        return min(places)

    async def _replay(self, asked: dict[str, Any], _body: bytes) -> Replayed:
        caller = msgspec.convert(asked["caller"], Caller)
        return await replay(self.of(caller), self.letters, caller, ids=asked["ids"], code=asked["code"])

    async def _ingest_lines(self, asked: dict[str, Any], body: bytes) -> Answer:
        caller = msgspec.convert(asked["caller"], Caller)
        return await self.of(caller).ingest(body, caller, content_type="application/x-ndjson")

    async def _open_commands(self) -> None:
        try:
            await self.commands.open()
        except OSError as fault:
            structlog.get_logger().error("the edge hears no commands of the api", reason=str(fault))

    def of(self, caller: Caller) -> Ingest:
        return self._ingests["test" if caller.test else "live"]

    async def aclose(self) -> None:
        """Everything that waits becomes durable, then the logs are let go."""
        await asyncio.wait([self._opening])
        await self.commands.aclose()
        for keeping in self._keeping:
            keeping.cancel()
        await asyncio.wait(self._keeping)
        for log in self.logs.values():
            await log.aclose()
        for dedupe in self._dedupes.values():
            await dedupe.aclose()
        for keeper in self._rollups.values():
            await keeper.aclose()
        self._store.close()
        self.letters.close()


def _nothing() -> None:
    """Nobody is settled with."""


def opened_dedupe(folder: Path, log: Path, clock: Clock) -> Dedupe:
    """Call after the log was opened for writing, which cuts a torn tail."""
    dedupe = Dedupe(folder, lambda: int(clock.now().timestamp()) // (24 * 3600))
    for frame in LogReader(log).since(dedupe.files.position):
        found = record.decode(frame.payload)
        if found is not None and found.count:
            digests = found.digests()
            if digests is None or digests.mark != dedupe.digester.mark:
                digests = _digests(dedupe, found)
            _read_back(dedupe, digests, found.received_ns, Position(frame.position.segment, frame.end))
    return dedupe


def _digests(dedupe: Dedupe, found: Record) -> Digests:
    """Of those events that still have a key: reduced ones are remembered in the files alone."""
    digests = dedupe.digester.of(found.tenant_id, found.columns())
    has_key = list(map(bool, found.column("idempotency_key")))
    keys, contents = compress(digests.keys, has_key), compress(digests.contents, has_key)
    return digests if all(has_key) else Digests(digests.mark, list(keys), list(contents))


def _read_back(dedupe: Dedupe, digests: Digests, received_ns: int, end: Position) -> None:
    keys = dict(zip(digests.keys, digests.contents, strict=True))
    dedupe.read_back(keys, received_ns // _DAY_NS, end)
