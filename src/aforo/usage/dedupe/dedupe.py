"""Keys in flight, keys of late, and keys in files, asked as one."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Final

import structlog

from aforo.kit.errors import Overloaded
from aforo.usage.dedupe.ageing import KeyFile
from aforo.usage.dedupe.files import KeyFiles
from aforo.usage.digest import Digester
from aforo.usage.segment_log import Position

_YOUNG_KEYS: Final = 128 * 1024
_MOST_WAITING: Final = 4
"""So many times the young keys may wait in memory while the disk does not take them."""


class Seen(Enum):
    """What is known of a key."""

    NEW = "new"
    SAME = "same"
    OTHER_CONTENT = "other content"


class Dedupe:
    """Remembers every key of the last 91 days, exactly: a filter's "maybe" is confirmed on disk.

    A key is *in flight* from the moment its batch is judged until the batch is durable, then *young*; when there are
    enough young ones they are sealed into a file, on another thread. What is not sealed is read back from the log.
    """

    def __init__(self, folder: Path, today: Callable[[], int], *, young_keys: int = _YOUNG_KEYS) -> None:
        """`today` counts days of UTC since 1970. Raises LogDamaged, OSError."""
        self.files = KeyFiles(folder)
        self.digester = Digester(self.files.seed)
        self._today = today
        self._young_keys = young_keys
        self._in_flight: dict[bytes, int] = {}
        self._young: dict[bytes, int] = {}
        self._sealing: dict[bytes, int] = {}
        self._days = (today(), today())
        self._position = self.files.position
        self._tidying: asyncio.Task[None] | None = None
        self._merging: asyncio.Task[None] | None = None

    def known(self, keys: list[bytes]) -> dict[bytes, int]:
        """The contents of those keys that were seen before. Reads the disk where a filter says "maybe"."""
        found = self.files.find(keys)
        for memory in (self._sealing, self._young, self._in_flight):
            if memory and not memory.keys().isdisjoint(keys):
                found |= {key: memory[key] for key in keys if key in memory}
        return found

    def begin(self, keys: dict[bytes, int]) -> None:
        """These are on their way to the disk. Raises Overloaded when too many wait to be sealed."""
        if len(self._young) > _MOST_WAITING * self._young_keys:
            raise Overloaded("The keys already seen cannot be stored now.", retry_after_seconds=5)
        self._in_flight |= keys

    def forget(self, keys: Iterable[bytes]) -> None:
        """Their batch did not become durable."""
        for key in keys:
            self._in_flight.pop(key, None)

    def durable(self, keys: dict[bytes, int], end: Position) -> None:
        """Their batch is on the disk; the log is durable up to `end`."""
        self.forget(keys)
        self._add(keys, self._today(), end)
        if len(self._young) >= self._young_keys and self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy())

    def read_back(self, keys: dict[bytes, int], day: int, end: Position) -> None:
        """At start: the keys of a frame behind `files.position`."""
        self._add(keys, day, end)
        if len(self._young) >= self._young_keys:
            self.files.seal(self._young, self._days, self._position)
            self._young = {}

    async def sealed(self) -> None:
        """Wait for the sealing that is under way, if any."""
        while self._tidying is not None:
            await asyncio.wait([self._tidying])

    async def seal(self) -> None:
        """Bring what is in memory into files now, if the disk takes it; keys that are still on their way stay."""
        await self.sealed()
        if self._young:
            self._tidying = asyncio.create_task(self._tidy())
            await self.sealed()

    def covered(self, durable: Position) -> Position:
        """Up to where all keys of the log are in files; `durable` is where the log ends."""
        return self.files.position if self._young or self._sealing or self._in_flight else durable

    async def merged(self) -> None:
        """Wait for the merging that is under way, if any."""
        while self._merging is not None:
            await asyncio.wait([self._merging])

    async def aclose(self) -> None:
        """Let the sealing end; a merge is left undone, which costs nothing but itself."""
        await self.sealed()
        if self._merging is not None:
            self._merging.cancel()
            await asyncio.wait([self._merging])

    def _add(self, keys: dict[bytes, int], day: int, end: Position) -> None:
        self._days = (min(self._days[0], day), max(self._days[1], day)) if self._young else (day, day)
        self._young |= keys
        self._position = end

    async def _tidy(self) -> None:
        try:
            await self._seal()
            await asyncio.to_thread(self.files.drop_past, self._today())
        except OSError as fault:
            structlog.get_logger().warning("keys already seen stay in memory for now", reason=str(fault))
        finally:
            self._young = {**self._sealing, **self._young} if self._sealing else self._young
            self._sealing = {}
            self._tidying = None
        if self._merging is None and self.files.to_merge() is not None:
            self._merging = asyncio.create_task(self._merge())

    async def _seal(self) -> None:
        days, position = self._days, self._position
        self._sealing, self._young = self._young, {}
        await asyncio.to_thread(self.files.seal, self._sealing, days, position)
        self._sealing = {}

    async def _merge(self) -> None:
        """Two neighbours at a time, in a child process, until there are few files."""
        try:
            while (pair := self.files.to_merge()) is not None:
                number = await asyncio.to_thread(self.files.reserve_number)
                if not await _merged_by_child(self.files.folder, pair, number):
                    return
                await asyncio.to_thread(self.files.merged, pair, number)
        except OSError as fault:
            structlog.get_logger().warning("files of keys stay unmerged for now", reason=str(fault))
        finally:
            self._merging = None


async def _merged_by_child(folder: Path, pair: tuple[KeyFile, KeyFile], number: int) -> bool:
    numbers = [str(file.number) for file in pair]
    command = ("-m", "aforo.usage.dedupe.merge", str(folder), *numbers, str(number))
    child = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        return await child.wait() == 0
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
