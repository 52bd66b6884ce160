"""Reads a log that another process may be writing. Holds no lock, changes nothing, keeps nothing but offsets.

A segment may have gone into history, before or while somebody reads: its frames then come from there.
"""

import array
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from aforo.usage.errors import LogDamaged
from aforo.usage.history import history_path
from aforo.usage.segment_log.frame import FRAME, HEAD, MAX_PAYLOAD_BYTES, Frame, Position, checksum, is_segment_head
from aforo.usage.segment_log.manifest import load, segment_path

if TYPE_CHECKING:
    from aforo.usage.history.segment import HistorySegment

    _File = BufferedReader[FileIO]

_CACHED_SEGMENTS: Final = 8
_CHUNK_BYTES: Final = 1024 * 1024
_TRIES: Final = 3


class LogReader:
    """Frames forwards and backwards. A tail that is just being written simply ends earlier.

    A frame may be seen shortly before it is durable; a closed segment ends where the manifest says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: OrderedDict[int, array.array[int]] = OrderedDict()
        self._lock = threading.Lock()

    def segments(self) -> list[int]:
        """Numbers of all segments, oldest first."""
        return load(self._folder).numbers()

    def history(self, segment: int) -> Path | None:
        """The file of history that holds a segment now; None while it is one of the log."""
        closed = load(self._folder).find(segment)
        return history_path(self._folder, segment, closed.history) if closed and closed.history else None

    def forwards(self, segment: int, offset: int = 0) -> Iterator[Frame]:
        """Frames of one segment from an offset on. Raises LogDamaged where a closed segment does not read back."""
        opened, end = self._opened(segment)
        if not isinstance(opened, BufferedReader):
            yield from opened.forwards(offset)
            return
        with opened as file:
            yield from _frames(file, segment, max(offset, HEAD.size), end)

    def end(self) -> Position:
        """The place behind the last frame that is whole by now."""
        manifest = load(self._folder)
        if not manifest.open:
            return Position(0, 0)
        opened, _ = self._opened(manifest.open)
        if not isinstance(opened, BufferedReader):
            return self.end()  # it was closed and went into history since the manifest was read
        with opened as file:
            return Position(manifest.open, self._known_offsets(file, manifest.open, None)[-1])

    def since(self, position: Position) -> Iterator[Frame]:
        """All frames that begin at a position or behind it, oldest first."""
        for segment in self.segments():
            if segment >= position.segment:
                yield from self.forwards(segment, position.offset if segment == position.segment else 0)

    def backwards(self, before: Position | None = None) -> Iterator[Frame]:
        """All frames, newest first, that begin before a position."""
        manifest = load(self._folder)
        for segment in reversed(manifest.numbers()):
            if before is None or segment <= before.segment:
                limit = before.offset if before is not None and segment == before.segment else None
                yield from self.backwards_in(segment, limit)

    def backwards_in(self, segment: int, limit: int | None = None) -> Iterator[Frame]:
        """Frames of one segment that begin before an offset, newest first."""
        opened, end = self._opened(segment)
        if not isinstance(opened, BufferedReader):
            yield from opened.backwards(limit)
            return
        with opened as file:
            try:
                offsets = self._known_offsets(file, segment, end)
                for index in range(bisect_left(offsets, limit or 2**63, hi=len(offsets) - 1) - 1, -1, -1):
                    yield from _frames(file, segment, offsets[index], offsets[index + 1])
            except LogDamaged:
                with self._lock:
                    self._offsets.pop(segment, None)
                raise

    def _known_offsets(self, file: BinaryIO, segment: int, end: int | None) -> "array.array[int]":
        """Where each frame begins, and where the last one ends; only what was added since is read again."""
        with self._lock:
            known = self._offsets.pop(segment, None)
            if known is None or (end is not None and known[-1] > end):
                known = array.array("Q", [HEAD.size])
            known.extend(frame.end for frame in _frames(file, segment, known[-1], end))
            self._offsets[segment] = known
            while len(self._offsets) > _CACHED_SEGMENTS:
                self._offsets.popitem(last=False)
            return known[:]

    def _opened(self, segment: int) -> "tuple[_File | HistorySegment, int | None]":
        """A segment wherever it stands, and where it ends if it is closed. It may move between the two questions."""
        for _ in range(_TRIES):
            closed = load(self._folder).find(segment)
            end = None if closed is None else closed.length
            with suppress(FileNotFoundError):
                if closed is None or not closed.history:
                    return self._open(segment), end
                from aforo.usage.history.segment import HistorySegment  # heavy: only for who reads history

                path = history_path(self._folder, segment, closed.history)
                return HistorySegment(path, segment, closed.length), end
        raise LogDamaged(f"Segment {segment} of the usage log is missing.")

    def _open(self, segment: int) -> "_File":
        file: _File = BufferedReader(FileIO(segment_path(self._folder, segment)), _CHUNK_BYTES)
        if is_segment_head(file.read(HEAD.size), segment):
            return file
        file.close()
        raise LogDamaged(f"Segment {segment} of the usage log does not begin as one of this format.")


def _frames(file: BinaryIO, segment: int, offset: int, end: int | None) -> Iterator[Frame]:
    """With an `end`, every byte up to it must read back; without, reading stops at what is not whole yet."""
    file.seek(offset)
    while end is None or offset < end:
        payload = _payload(file)
        if payload is None:
            if end is None:
                return
            raise LogDamaged(f"Segment {segment} of the usage log is damaged at byte {offset}.")
        frame = Frame(Position(segment, offset), offset + FRAME.size + len(payload), payload)
        yield frame
        offset = frame.end
        if file.tell() != offset:
            file.seek(offset)


def _payload(file: BinaryIO) -> bytes | None:
    head = file.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    length, crc = FRAME.unpack(head)
    if not 0 < length <= MAX_PAYLOAD_BYTES:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and checksum(payload) == crc else None
