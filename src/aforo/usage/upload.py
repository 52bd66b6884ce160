"""Files of events: CSV or NDJSON, sent on in batches, with a report of the rows that were not kept."""

import csv
import io
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from aforo.kit.errors import Unreadable
from aforo.kit.jsontree import Json, JsonObject
from aforo.usage.model import MAX_EVENTS, Answer

MOST_BYTES: Final = 50 * 1024 * 1024
_MOST_REPORTED: Final = 1_000
_MOST_BATCH_BYTES: Final = 8 * 1024 * 1024
_NESTED: Final = ("metadata", "credential", "trace")

Send = Callable[[bytes], Awaitable[Answer]]
"""Takes NDJSON of at most 1,000 events."""
Progress = Callable[[int, int | None, str], None]


class BadRow(msgspec.Struct, frozen=True):
    """`line` counts from 1, a CSV's head included."""

    line: int
    code: str
    error: str


async def send_file(path: Path, *, is_csv: bool, send: Send, progress: Progress) -> JsonObject:
    """Send a whole file; gives counts and the first 1,000 bad rows. Sending it again counts nothing twice.

    Raises Unreadable, and whatever `send` raises: what was sent until then is kept.
    """
    accepted = duplicates = failed = 0
    bad: list[BadRow] = []
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for batch in _batches(_csv_rows(file) if is_csv else _lines(file)):
            answer = await send(b"\n".join(text for _, text in batch))
            accepted, duplicates = accepted + answer.accepted, duplicates + answer.duplicates
            failed += answer.failed
            if len(bad) < _MOST_REPORTED:
                bad += [BadRow(batch[one.index][0], one.code, one.error) for one in answer.errors]
            progress(file.tell(), size, "bytes")
    named: list[Json] = [{"line": one.line, "code": one.code, "error": one.error} for one in bad[:_MOST_REPORTED]]
    counts = {"accepted": accepted, "duplicates": duplicates, "failed": failed}
    return {**counts, "badRows": named, "badRowsCut": failed > len(named)}


Row = tuple[int, bytes]


def _lines(file: BinaryIO) -> Iterator[Row]:
    return ((number, line.strip()) for number, line in enumerate(file, 1) if line.strip())


def _csv_rows(file: BinaryIO) -> Iterator[Row]:
    """Each row as a JSON object: empty cells are absent, cells of nested members and `metadata.x` are read as such."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        if "idempotencyKey" not in names:
            raise Unreadable("The file has no column idempotencyKey.", next_step="Name the members in the first line.")
        for cells in rows:
            if any(cells):
                yield rows.line_num, _event(names, cells)
    except (csv.Error, UnicodeDecodeError) as fault:
        raise Unreadable(f"The file cannot be read as CSV behind line {rows.line_num}.") from fault
    finally:
        text.detach()  # or the file would be closed before its time


def _event(names: list[str], cells: list[str]) -> bytes:
    event: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=False):
        if not cell:
            continue
        outer, _, inner = name.partition(".")
        if inner and outer in _NESTED:
            nested = event.setdefault(outer, {})
            if isinstance(nested, dict):
                nested[inner] = cell
        else:
            event[name] = _nested(cell) if name in _NESTED else cell
    return msgspec.json.encode(event)


def _nested(cell: str) -> object:
    try:
        return msgspec.Raw(cell.encode()) if isinstance(json.loads(cell), dict) else cell
    except (ValueError, RecursionError):
        return cell


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, 1)):
        size = len(batch[0][1])
        while len(batch) < MAX_EVENTS and size < _MOST_BATCH_BYTES and (row := next(rows, None)) is not None:
            batch.append(row)
            size += len(row[1])
        yield batch
