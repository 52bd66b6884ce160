"""The edge's work for `erase` and `retention`: rows of history lose what no sum needs."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from aforo.kit.errors import Overloaded
from aforo.usage.dead_letters import DeadLetters
from aforo.usage.dedupe import Dedupe
from aforo.usage.history.keeper import HistoryKeeper
from aforo.usage.segment_log import Position, SegmentLog

_PATIENCE: Final = 300
_POLL_SECONDS: Final = 0.1


class Erased(msgspec.Struct, frozen=True):
    """How many events were reduced, and how many dead letters went."""

    events: int
    letters: int = 0


class Parts(msgspec.Struct, frozen=True):
    """One log and all that follows it. `covered` is up to where everything that keeps its place has read it."""

    folder: Path
    log: SegmentLog
    dedupe: Dedupe
    history: HistoryKeeper
    covered: Callable[[], Position]
    nudge: Callable[[], None]


class Erasing:
    """Both logs of a data folder; one question at a time."""

    def __init__(self, parts: Mapping[str, Parts], letters: DeadLetters) -> None:
        self._parts = parts
        self._letters = letters
        self._turn = asyncio.Lock()

    async def erase(self, asked: dict[str, Any], _body: bytes) -> Erased:
        """All that was received by now of a tenant's customers, by the names that events have for them.

        Doing it again finds nothing more. Raises Overloaded, LogDamaged, OSError.
        """
        tenant, customers = str(asked["tenant"]), [str(one) for one in asked["customers"]]
        if not customers:
            return Erased(0)
        async with self._turn:
            events = 0
            for one in self._parts.values():
                await _brought(one)
                events += await one.history.reduce([{"tenantId": tenant, "customers": customers}])
                await asyncio.to_thread(_drop_torn, one.folder)
            letters = await asyncio.to_thread(self._letters.erase, tenant, customers)
        return Erased(events, letters)

    async def retain(self, asked: dict[str, Any], _body: bytes) -> Erased:
        """All events of a tenant that occurred before `beforeNs`. Raises as `erase` does."""
        reduction = {"tenantId": str(asked["tenant"]), "beforeNs": int(asked["beforeNs"])}
        async with self._turn:
            events = 0
            for one in self._parts.values():
                await _brought(one)
                events += await one.history.reduce([reduction])
        return Erased(events)


async def _brought(one: Parts) -> None:
    """Everything that is durable by now stands in history. Raises Overloaded where somebody lags behind."""
    place = await one.log.rotate()
    end = max((Position(closed.number, closed.length) for closed in one.log.manifest.closed), default=Position(0, 0))
    for _ in range(_PATIENCE):
        one.nudge()
        await one.dedupe.seal()
        if await asyncio.to_thread(one.covered) >= min(end, place):
            await one.history.compact()
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise Overloaded("The sums are behind the log; nothing was erased.", next_step="Try again.", retry_after_seconds=60)


def _drop_torn(folder: Path) -> None:
    """What was cut from a log after a crash was never acknowledged, and nobody knows whose it is."""
    for path in folder.glob("*.torn"):
        path.unlink()
