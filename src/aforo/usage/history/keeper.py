"""The edge's side of history: which segments may go there, and what becomes of the files they leave behind."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, cast

import msgspec
import structlog

from aforo.usage.errors import LogUnavailable
from aforo.usage.history import history_path, move
from aforo.usage.segment_log import Position, SegmentLog
from aforo.usage.segment_log.manifest import segment_path

_PAUSE_SECONDS: Final = 30
_RETRY_SECONDS: Final = 0.5
_Pipes: TypeAlias = "tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamReader]"
_AT_ONCE: Final = 16
"""Segments that one child works on; a child takes half a second to begin."""


class HistoryKeeper:
    """Brings closed segments into history once everything else has read them.

    `covered` says up to where all readers that remember their place have come. One child at a time.
    """

    def __init__(self, folder: Path, log: SegmentLog, covered: Callable[[], Position], turn: asyncio.Lock) -> None:
        self._folder = folder
        self._log = log
        self._covered = covered
        self._turn = turn
        clear_strays(folder, log)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self.compact()
            except LogUnavailable as fault:
                structlog.get_logger().error("the log does not go into history", reason=str(fault))
            except Exception:  # noqa: BLE001  the log goes on without history; what is in the way may pass
                structlog.get_logger().exception("the log does not go into history; it is tried again")

    async def compact(self) -> int:
        """Bring into history what may go there; gives the number of segments. Raises LogUnavailable, OSError."""
        count = 0
        while waiting := await asyncio.to_thread(self._waiting):
            async with self._turn:
                count += len(await self._work({"segments": waiting[:_AT_ONCE]}))
        return count

    async def reduce(self, reductions: list[dict[str, object]]) -> int:
        """Reduce what stands in history; gives the number of rows. Raises LogUnavailable, OSError."""
        async with self._turn:
            return sum(await self._work({"reductions": reductions}))

    def _waiting(self) -> list[int]:
        waiting = [one for one in self._log.manifest.closed if not one.history]
        reached = self._covered() if waiting else Position(0, 0)
        return [one.number for one in waiting if Position(one.number, one.length) <= reached]

    async def _work(self, task: dict[str, object]) -> list[int]:
        """Rows of each file that a child has made and that is in force now."""
        command = ("-m", "aforo.usage.history.work", str(self._folder))
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=-1, stdout=-1, stderr=-1, limit=1024 * 1024
        )
        asked, told, complaint = cast("_Pipes", (child.stdin, child.stdout, child.stderr))
        try:
            asked.write(msgspec.json.encode(task) + b"\n")
            rows = []
            async for line in told:
                made = msgspec.json.decode(line)
                await self._take(made["number"], made["writing"])
                rows.append(made["rows"])
            reason = (await complaint.read()).decode(errors="replace").strip()
            if await child.wait():
                raise LogUnavailable(f"History could not be written: {reason.splitlines()[-1] if reason else 'ended'}")
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return rows

    async def _take(self, number: int, writing: int) -> None:
        """The manifest names the new file, then the one before goes. Whoever reads the old one has it open."""
        while True:
            with move(self._folder) as may:
                if may:
                    await self._log.moved(number, writing)
                    await asyncio.to_thread(old_file(self._folder, number, writing).unlink, missing_ok=True)
                    return
            await asyncio.sleep(_RETRY_SECONDS)  # a backup is being made


def old_file(folder: Path, number: int, writing: int) -> Path:
    """Where a segment stood before this writing."""
    return history_path(folder, number, writing - 1) if writing > 1 else segment_path(folder, number)


def clear_strays(folder: Path, log: SegmentLog) -> None:
    """Remove files that an interrupted move left behind: the manifest says which ones count."""
    kept = {history_path(folder, one.number, one.history) for one in log.manifest.closed if one.history}
    for path in history_path(folder, 0, 0).parent.glob("*"):
        if path not in kept:
            path.unlink()
    for one in log.manifest.closed:
        if one.history:
            segment_path(folder, one.number).unlink(missing_ok=True)
