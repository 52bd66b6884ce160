"""Closed segments of the log as Parquet, sorted for questions rather than by receipt.

One file for a segment, `history/<log>/NNNNNNNNNNNN.W.parquet`, where W counts how often it was written. The log's
manifest says which segments stand here; a row knows its place in the log, so that everything which reads the log reads
on without noticing. Arrow and DuckDB take a quarter of a second to load: only modules that need them import them, and
these are imported on first use.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def history_path(log: Path, number: int, writing: int) -> Path:
    """Of a log's folder (`<data>/log/<name>`), the Parquet file of a segment."""
    return log.parent.parent / "history" / log.name / f"{number:012d}.{writing}.parquet"


@contextmanager
def no_moves(data_dir: Path) -> Iterator[None]:
    """While this holds no segment moves and no file of history is replaced; waits for one that is just moving."""
    with _locking(data_dir) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def move(log: Path) -> Iterator[bool]:
    """Gives whether a segment of this log may move now; if so, nobody begins to rely on `no_moves` meanwhile."""
    with _locking(log.parent.parent) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _locking(data_dir: Path) -> Iterator[int]:
    handle = os.open(data_dir / "history.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
