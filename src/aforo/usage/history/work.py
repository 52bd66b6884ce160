"""A child of the edge: brings closed segments into history and reduces what stands there. Names what it has made, and
leaves it to the edge to put that in force.

`python -m aforo.usage.history.work FOLDER`; the task as one line of JSON on standard input, which the edge keeps open:
when it ends, so does this process. A line of JSON on standard output for each file that was made.
"""

import os
import sys
import threading
from itertools import zip_longest
from pathlib import Path
from typing import Final

import msgspec

from aforo.usage import record
from aforo.usage.errors import LogDamaged
from aforo.usage.history import history_path
from aforo.usage.history.reduce import Reduction, chosen, reduced
from aforo.usage.history.segment import HistorySegment, read, write, write_frames
from aforo.usage.record import Record
from aforo.usage.rules.columns import rows
from aforo.usage.segment_log import LogReader
from aforo.usage.segment_log.manifest import Closed, load

_NICE: Final = 10


class Task(msgspec.Struct, frozen=True, rename="camel"):
    """`segments` go into history; then, without any, whatever the reductions choose is reduced everywhere."""

    segments: tuple[int, ...] = ()
    reductions: tuple[Reduction, ...] = ()


class Made(msgspec.Struct, frozen=True):
    """A writing of a segment's file that is durable; `rows` went into it, or were reduced in it."""

    number: int
    writing: int
    rows: int


def compact(folder: Path, number: int) -> Made:
    """The first writing of a closed segment, compared with the log frame by frame. Raises LogDamaged, OSError."""
    frames = ((frame.position, _known(frame.payload)) for frame in LogReader(folder).forwards(number))
    path = history_path(folder, number, 1)
    rows = write_frames(path, frames)
    length = load(folder).length(number)
    kept = HistorySegment(path, number, length or 0).forwards()
    for frame, other in zip_longest(LogReader(folder).forwards(number), kept):
        if frame is None or other is None or frame.end != other.end or not _same(frame.payload, other.payload):
            path.unlink()
            raise LogDamaged(f"Segment {number} of the usage log would not read back from history; it stays a log.")
    return Made(number, 1, rows)


def reduce(folder: Path, segment: Closed, reductions: tuple[Reduction, ...]) -> Made | None:
    """A further writing of a segment's file, if the reductions choose anything in it. Raises LogDamaged, OSError."""
    path, which = history_path(folder, segment.number, segment.history), chosen(reductions)
    if read(path, ["segment_index"], which).num_rows == 0:
        return None
    table, rows = reduced(read(path), which)
    writing = segment.history + 1
    write(history_path(folder, segment.number, writing), table)
    return Made(segment.number, writing, rows)


def _known(payload: bytes) -> Record:
    found = record.decode(payload)
    if found is None:
        raise LogDamaged("The log holds a record of a later version, which this version cannot bring into history.")
    return found


def _same(payload: bytes, other: bytes) -> bool:
    one, two = _known(payload), _known(other)
    return (one.tenant_id, one.received_ns, one.count) == (two.tenant_id, two.received_ns, two.count) and (
        one.retries() == two.retries() and [*rows(one.columns())] == [*rows(two.columns())]
    )


def _end_with_the_edge() -> None:
    os.read(0, 1)  # not through a buffer, whose lock would be in the way when this process ends
    os._exit(1)


def main() -> None:
    """Ends without taking the interpreter apart: what was made is durable, and Arrow's threads may still be busy."""
    try:
        _work()
    except (LogDamaged, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _work() -> None:
    folder = Path(sys.argv[1])
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    threading.Thread(target=_end_with_the_edge, daemon=True, name="edge's life").start()
    os.nice(_NICE)
    for number in task.segments:
        _tell(compact(folder, number))
    if task.reductions:
        for segment in load(folder).closed:
            made = reduce(folder, segment, task.reductions) if segment.history else None
            if made is not None:
                _tell(made)


def _tell(made: Made) -> None:
    sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
