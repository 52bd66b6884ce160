"""One segment as a Parquet file: written once, whole or not at all, and read back as the frames that it was."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from aforo.usage.errors import LogDamaged
from aforo.usage.history.schema import ORDER, SCHEMA, Rows, by_place, slices, table_of
from aforo.usage.record import Record
from aforo.usage.segment_log.frame import Frame, Position
from aforo.usage.segment_log.manifest import sync_folder

_GROUP_ROWS: Final = 65_536
_SLICE_ROWS: Final = 16_384


def write(path: Path, table: pa.Table) -> None:
    """Sorted by customer and time, durable, for the owner only. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        pq.write_table(
            table.sort_by([(name, "ascending") for name in ORDER]),
            file,
            row_group_size=_GROUP_ROWS,
            compression="zstd",
            write_page_index=True,
        )
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def write_frames(path: Path, frames: Iterable[tuple[Position, Record]]) -> int:
    """Write a segment's frames; gives the number of rows. Raises OSError."""
    table = table_of(frames)
    write(path, table)
    return int(table.num_rows)


def read(path: Path, columns: list[str] | None = None, only: Any = None) -> pa.Table:
    """The rows for which the expression `only` holds, sorted as they lie. Raises FileNotFoundError, LogDamaged."""
    try:
        with path.open("rb") as file:
            table = pq.read_table(file, columns=columns, filters=only)
    except (pa.ArrowInvalid, OSError) as fault:
        if isinstance(fault, FileNotFoundError):
            raise
        raise LogDamaged(f"The file of history `{path.name}` cannot be read.") from fault
    return table if columns else table.select(SCHEMA.names)


class HistorySegment:
    """A segment's frames from its file, which is opened and read at once."""

    def __init__(self, path: Path, number: int, length: int) -> None:
        """`length` is where the segment ended as a log. Raises FileNotFoundError, LogDamaged."""
        self._number = number
        self._table = by_place(read(path))
        offsets: list[int] = self._table.column("segment_offset").to_pylist()
        self._bounds = list(slices(offsets))
        self._starts = [offsets[first] for first, _ in self._bounds]
        self._ends = [*self._starts[1:], length]

    def forwards(self, offset: int = 0) -> Iterator[Frame]:
        """Frames that begin at an offset or behind it, oldest first."""
        at = bisect_left(self._starts, offset)
        while at < len(self._bounds):
            behind = bisect_right(self._bounds, self._bounds[at][0] + _SLICE_ROWS, key=lambda bound: bound[1])
            behind = max(behind, at + 1)
            yield from self._frames(at, behind)
            at = behind

    def backwards(self, before: int | None = None) -> Iterator[Frame]:
        """Frames that begin before an offset, newest first."""
        behind = len(self._starts) if before is None else bisect_left(self._starts, before)
        while behind:
            at = bisect_left(self._bounds, self._bounds[behind - 1][1] - _SLICE_ROWS, key=lambda bound: bound[0])
            at = min(at, behind - 1)
            yield from reversed(self._frames(at, behind))
            behind = at

    def _frames(self, at: int, behind: int) -> list[Frame]:
        first = self._bounds[at][0]
        rows = Rows(self._table.slice(first, self._bounds[behind - 1][1] - first))
        return [
            Frame(
                Position(self._number, self._starts[index]),
                self._ends[index],
                rows.payload(self._bounds[index][0] - first, self._bounds[index][1] - first),
            )
            for index in range(at, behind)
        ]
