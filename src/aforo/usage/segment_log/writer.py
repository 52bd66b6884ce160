"""The one writer of a log: many waiting batches, one write and one sync for all of them, on a thread of its own."""

import asyncio
import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aforo.kit.errors import Conflict, Overloaded
from aforo.usage.errors import LogUnavailable
from aforo.usage.segment_log.frame import HEAD, Position, framed
from aforo.usage.segment_log.manifest import Manifest, segment_path, store
from aforo.usage.segment_log.recovery import next_segment, recovered

_SEGMENT_BYTES: Final = 64 * 1024 * 1024
_WAITING_BYTES: Final = 64 * 1024 * 1024
_BUFFERS: Final = 512  # well under IOV_MAX
_RETRY_SECONDS: Final = 5

Waiting = tuple[bytes, "asyncio.Future[Position]"]


class SegmentLog:
    """Appends frames. A future from `append` resolves only after its frame is durable.

    After a failed write or sync nothing can be said about the bytes behind the last good sync, and the kernel may
    report the fault only once: all waiting batches fail with LogUnavailable, the segment is cut and closed at its last
    good sync, and the next append begins a new one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = _SEGMENT_BYTES,
        waiting_bytes: int = _WAITING_BYTES,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        """Opens the folder, cutting a torn tail. Raises LogDamaged; Conflict when another process writes to it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._most_waiting_bytes = waiting_bytes
        self._sync = sync
        self._lock = _locked(folder)
        self._manifest = recovered(folder)
        self._handle: int | None = None
        self._length = 0
        self._waiting: list[Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"log-{folder.name}")
        self.waiting_bytes = 0
        self.syncs = 0
        self.sync_seconds = 0.0
        self._reopen()

    @property
    def durable_end(self) -> Position:
        """The place behind the last frame that is on the disk."""
        return Position(self._manifest.open, self._length)

    @property
    def manifest(self) -> Manifest:
        """Which segments there are, as it stands on the disk."""
        return self._manifest

    async def rotate(self) -> Position:
        """Close the open segment if anything is in it; gives the place where the log goes on. Raises OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._rotate_filled)
        return self.durable_end

    async def moved(self, number: int, writing: int) -> None:
        """A closed segment stands in that writing of its file of history from now on. Raises OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._move, number, writing)

    def append(self, payload: bytes) -> "asyncio.Future[Position]":
        """Queue a frame for the next group. Raises Overloaded when too much waits already."""
        if self.waiting_bytes + len(payload) > self._most_waiting_bytes and self.waiting_bytes:
            raise Overloaded("The usage log is behind; nothing of this request was kept.", retry_after_seconds=1)
        done: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._waiting.append((framed(payload), done))
        self.waiting_bytes += len(payload)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_groups())
        return done

    async def aclose(self) -> None:
        """Finish what waits, sync, and let go of the folder."""
        while self._committing is not None:
            await asyncio.wait([self._committing])
        self._thread.shutdown()
        for handle in (self._handle, self._lock):
            if handle is not None:
                os.close(handle)

    async def _commit_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            frames = [frame for frame, _ in group]
            try:
                positions = await loop.run_in_executor(self._thread, self._commit, frames)
            except Exception as fault:  # noqa: BLE001 - whatever it was, a waiting batch must hear that it was not kept
                _fail(group, fault)
            else:
                for (_, done), position in zip(group, positions, strict=True):
                    if not done.cancelled():
                        done.set_result(position)
            self.waiting_bytes = sum(len(frame) for frame, _ in self._waiting)
        self._committing = None

    def _commit(self, frames: list[bytes]) -> list[Position]:
        """On the log's thread: write the group and sync once. Raises OSError, and then none of it counts."""
        if self._handle is None or self._length >= self._segment_bytes:
            self._rotate()
        handle = self._handle
        assert handle is not None  # noqa: S101 - _rotate has opened one, or raised
        begun = time.monotonic()
        try:
            end = _write(handle, frames, self._length)
            self._sync(handle)
        except Exception:
            self._abandon(handle)
            raise
        self.syncs += 1
        self.sync_seconds += time.monotonic() - begun
        positions = _positions(self._manifest.open, self._length, frames)
        self._length = end
        return positions

    def _rotate(self) -> None:
        self._manifest, handle = next_segment(self._folder, self._manifest, self._length)
        if self._handle is not None:
            os.close(self._handle)
        self._handle, self._length = handle, HEAD.size

    def _rotate_filled(self) -> None:
        if self._handle is not None and self._length > HEAD.size:
            self._rotate()

    def _move(self, number: int, writing: int) -> None:
        fresh = self._manifest.moved(number, writing)
        store(self._folder, fresh)
        self._manifest = fresh

    def _abandon(self, handle: int) -> None:
        self._handle = None
        with contextlib.suppress(OSError):  # the manifest will end the segment here all the same
            os.ftruncate(handle, self._length)
        os.close(handle)

    def _reopen(self) -> None:
        """Go on in the open segment. Its recovered tail is synced first: a duplicate may soon be answered from it."""
        if not self._manifest.open:
            return
        handle = os.open(segment_path(self._folder, self._manifest.open), os.O_RDWR)
        self._length = os.fstat(handle).st_size
        try:
            os.fsync(handle)
        except OSError:
            os.close(handle)
            raise
        self._handle = handle


def _write(handle: int, frames: list[bytes], offset: int) -> int:
    """Write all frames from `offset` on; gives the offset behind them."""
    for start in range(0, len(frames), _BUFFERS):
        group = frames[start : start + _BUFFERS]
        written = os.pwritev(handle, group, offset)
        wanted = sum(map(len, group))
        if written < wanted:
            _write_rest(handle, memoryview(b"".join(group))[written:], offset + written)
        offset += wanted
    return offset


def _write_rest(handle: int, rest: memoryview, offset: int) -> None:
    while rest:
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def _positions(segment: int, offset: int, frames: list[bytes]) -> list[Position]:
    positions = []
    for frame in frames:
        positions.append(Position(segment, offset))
        offset += len(frame)
    return positions


def _fail(group: list[Waiting], fault: Exception) -> None:
    full = isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    reason = "the disk is full" if full else "the disk failed"
    for _, done in group:
        if not done.cancelled():
            done.set_exception(
                LogUnavailable(
                    f"The events could not be made durable: {reason}. None of this request was kept.",
                    next_step="Send the same bytes again later.",
                    retry_after_seconds=_RETRY_SECONDS,
                )
            )


def _locked(folder: Path) -> int:
    handle = os.open(folder / "writer.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(handle)
        raise Conflict(
            f"Another process writes to the usage log `{folder.name}`.", next_step="Stop it, then start this one."
        ) from fault
    return handle
