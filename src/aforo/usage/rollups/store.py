"""The one writer of rollups.db. What a stretch of the log adds and how far the log was read are one transaction."""

import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aforo.usage.record import Record
from aforo.usage.rules.cells import DayKey, Key, Sums, by_day, cells, epoch_text, node_cells
from aforo.usage.rules.quantity import NANOS
from aforo.usage.rules.sequences import Run, joined
from aforo.usage.segment_log import Position

VERSION: Final = 3
_LARGEST: Final = 2**63 - 1
_READ: Final = """
    SELECT events, whole, nano, most_whole, most_nano FROM cells WHERE log = ? AND tenant = ? AND customer = ?
    AND metric = ? AND quarter = ? AND product = ? AND integration = ? AND credential = ? AND subscription = ?
    AND status = ? AND received = ?
"""
_WRITE: Final = "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_READ_DAY: Final = """
    SELECT events, whole, nano, most_whole, most_nano FROM days WHERE log = ? AND tenant = ? AND day = ?
    AND customer = ? AND metric = ? AND product = ? AND integration = ? AND credential = ? AND subscription = ?
"""
_WRITE_DAY: Final = "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_EVENTS: Final = """
    INSERT INTO node_cells VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events
"""
_MINE: Final = "log = ? AND tenant = ? AND node = ? AND epoch = ?"
Numbers = dict[tuple[str, str, str], list[tuple[int, int]]]


class RollupStore:
    """Opens or makes the file; one of another version is made anew, since the log has everything."""

    def __init__(self, path: Path) -> None:
        self._db = _opened(path)
        self._lock = threading.Lock()

    def position(self, log: str) -> Position:
        """How far a log was read."""
        row = self._db.execute("SELECT segment, offset FROM position WHERE log = ?", (log,)).fetchone()
        return Position(*row) if row else Position(0, 0)

    def add(self, log: str, records: Sequence[Record], end: Position) -> None:
        """Take in the records of one log up to `end`, or nothing of them. Raises sqlite3.Error."""
        sums, numbered = cells(records), node_cells(records)
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._add(log, sums, _READ, _WRITE)
            self._add(log, by_day(sums), _READ_DAY, _WRITE_DAY)
            self._add_node_cells(log, numbered)
            self._add_numbers(log, records)
            self._db.execute("INSERT OR REPLACE INTO position VALUES (?, ?, ?)", (log, *end))

    def close(self) -> None:
        self._db.close()

    def _add(self, log: str, added: Mapping[Key, Sums] | Mapping[DayKey, Sums], read: str, write: str) -> None:
        for key, sums in added.items():
            row = self._db.execute(read, (log, *key)).fetchone()
            total = sums.plus(sums_of(row)) if row else sums
            self._db.execute(write, (log, *key, *_columns(total)))

    def _add_node_cells(self, log: str, added: "Counter[tuple[str, str, int, str, str]]") -> None:
        self._db.executemany(
            _ADD_EVENTS,
            [(log, *key, events) for key, events in added.items()],
        )

    def _add_numbers(self, log: str, records: Sequence[Record]) -> None:
        repeated: Counter[tuple[str, str, str, int]] = Counter()
        for (tenant, node, epoch), numbers in _numbers(records).items():
            repeated.update((tenant, node, epoch, seq) for seq in self._join((log, tenant, node, epoch), numbers))
        for record in records:
            repeated.update((record.tenant_id, node, epoch_text(epoch), seq) for node, epoch, seq in record.retries())
        self._db.executemany(
            "INSERT INTO repeated VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
            [(log, *key, times) for key, times in repeated.items()],
        )

    def _join(self, mine: tuple[str, str, str, str], numbers: list[tuple[int, int]]) -> list[int]:
        """Add numbers to the runs that they touch; gives those that were there already."""
        lowest, highest = min(numbers)[0] - 1, max(numbers)[0] + 1
        near = f"FROM runs WHERE {_MINE} AND last >= ? AND first <= ?"
        found = self._db.execute(f"SELECT first, last, from_ns, to_ns {near}", (*mine, lowest, highest))
        runs, again = joined([Run(*row) for row in found], numbers)
        self._db.execute(f"DELETE {near}", (*mine, lowest, highest))
        self._db.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(*mine, *run) for run in runs])
        return again


def sums_of(row: Sequence[Any]) -> Sums:
    events, whole, nano, most_whole, most_nano = row
    return Sums(events, int(whole) * NANOS + nano, most_whole * NANOS + most_nano)


def _columns(sums: Sums) -> tuple[int | str, ...]:
    whole, nano = divmod(sums.nanos, NANOS)
    return sums.events, whole if whole <= _LARGEST else str(whole), nano, *divmod(sums.most_nanos, NANOS)


def _numbers(records: Sequence[Record]) -> Numbers:
    found: Numbers = defaultdict(list)
    for record in records:
        for node, epoch, seq, moment in zip(
            *map(record.column, ("node_id", "epoch", "seq", "occurred_ns")), strict=True
        ):
            if node and seq is not None:
                found[record.tenant_id, node, epoch_text(epoch)].append((seq, moment))
    return found


def _opened(path: Path) -> sqlite3.Connection:
    db = _connected(path)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        db.close()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        db, version = _connected(path), 0
    if version == 0:
        script = (files("aforo.usage.rollups") / "schema.sql").read_text()
        db.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")  # whole or not at all, also over a crash
    return db


def _connected(path: Path) -> sqlite3.Connection:
    """The log is what is durable: a lost transaction is made again from it, so the disk need not be waited for."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db
