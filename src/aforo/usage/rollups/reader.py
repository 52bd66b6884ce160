"""Reading rollups.db, beside the process that writes it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from aforo.usage.rules.cells import DAY_QUARTERS, DayKey, Key
from aforo.usage.rules.sequences import Run
from aforo.usage.rules.windows import CellRow

_SUMS: Final = "events, whole, nano, most_whole, most_nano"
_OF_THESE_DAYS: Final = """ AND (customer, metric) IN
    (SELECT DISTINCT customer, metric FROM days WHERE log = ? AND tenant = ? AND day >= ? AND day < ?)"""
"""Cells begin with the customer: without one, those who used something in these days are looked up first."""


class Selection(NamedTuple):
    """Which cells: `from_quarter` ≤ quarter < `to_quarter`; None selects all. `late`: only those of late events."""

    tenant: str
    from_quarter: int
    to_quarter: int
    customer: str | None = None
    metric: str | None = None
    product: str | None = None
    subscription: str | None = None
    late: bool = False

    def selects(self, key: Key) -> bool:
        """Whether a cell is one of these."""
        is_in_time = self.from_quarter <= key.quarter < self.to_quarter
        return is_in_time and self.names(key) and (key.received > 0 or not self.late)

    def names(self, key: Key) -> bool:
        """Whether a cell is of what is named here, whenever it was."""
        told = ((self.customer, key.customer), (self.metric, key.metric), (self.product, key.product))
        return all(wanted in (None, value) for wanted, value in (*told, (self.subscription, key.subscription)))


class Node(NamedTuple):
    """One epoch of one node: how many numbered events of the period it sent, its runs, and what came again."""

    node: str
    epoch: str
    received: int
    runs: list[Run]
    repeated: list[tuple[int, int]]


def _only(chosen: Selection) -> tuple[str, list[str]]:
    told = {name: getattr(chosen, name) for name in ("customer", "metric", "product", "subscription")}
    kept = {name: value for name, value in told.items() if value is not None}
    return "".join(f" AND {name} = ?" for name in kept), [*kept.values()]


def _days(chosen: Selection) -> tuple[int, int]:
    """The days that this reaches into."""
    return chosen.from_quarter // DAY_QUARTERS, -(-chosen.to_quarter // DAY_QUARTERS)


class RollupReader:
    """Opens the file for each question, so that one that was made anew is found. Blocks on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def cells(self, log: str, chosen: Selection, groups: Sequence[str]) -> list[CellRow]:
        """A row a cell. `groups` are names of `Key`'s members."""
        values: list[Any] = [log, chosen.tenant]
        where = ""
        if chosen.customer is None:
            where = _OF_THESE_DAYS
            values += [log, chosen.tenant, *_days(chosen)]
        only, told = _only(chosen)
        columns = ", ".join(("quarter", *(name for name in Key._fields if name in groups), _SUMS))
        where += f"{only} AND quarter >= ? AND quarter < ?" + (" AND received > 0" if chosen.late else "")
        sql = f"SELECT {columns} FROM cells WHERE log = ? AND tenant = ?{where}"  # noqa: S608  names of ours
        return self._rows(sql, (*values, *told, chosen.from_quarter, chosen.to_quarter))

    def days(self, log: str, chosen: Selection, groups: Sequence[str]) -> list[CellRow]:
        """A row a cell of a whole day, with the quarter in which it begins; `chosen` begins and ends with a day of UTC.
        `groups` are names of `DayKey`'s members."""
        only, told = _only(chosen)
        columns = ", ".join((f"day * {DAY_QUARTERS}", *(name for name in DayKey._fields if name in groups), _SUMS))
        sql = f"SELECT {columns} FROM days WHERE log = ? AND tenant = ? AND day >= ? AND day < ?{only}"  # noqa: S608
        return self._rows(sql, (log, chosen.tenant, *_days(chosen), *told))

    def position(self, log: str) -> tuple[int, int]:
        """Up to which segment and offset the log was read."""
        rows = self._rows("SELECT segment, offset FROM position WHERE log = ?", (log,))
        return rows[0] if rows else (0, 0)

    def nodes(self, log: str, chosen: Selection) -> Iterator[Node]:
        """The nodes that sent numbered events of the period, in order."""
        sql = "SELECT node, epoch, SUM(events) FROM node_cells WHERE log = ? AND tenant = ?"
        values: list[Any] = [log, chosen.tenant]
        if chosen.customer is not None:
            sql += " AND customer = ?"
            values.append(chosen.customer)
        sql += " AND quarter >= ? AND quarter < ? GROUP BY node, epoch ORDER BY node, epoch"
        for node, epoch, received in self._rows(sql, (*values, chosen.from_quarter, chosen.to_quarter)):
            mine = (log, chosen.tenant, node, epoch)
            runs = self._rows(
                "SELECT first, last, from_ns, to_ns FROM runs WHERE log = ? AND tenant = ? AND node = ? AND epoch = ?"
                " ORDER BY first",
                mine,
            )
            repeated = self._rows(
                "SELECT seq, times FROM repeated WHERE log = ? AND tenant = ? AND node = ? AND epoch = ? ORDER BY seq",
                mine,
            )
            yield Node(node, epoch, received, [Run(*row) for row in runs], [(seq, times) for seq, times in repeated])

    def events(self, log: str, tenant: str) -> int:
        """How many events the sums of a tenant hold."""
        found = self._rows("SELECT sum(events) FROM days WHERE log = ? AND tenant = ?", (log, tenant))
        return int(found[0][0] or 0) if found else 0

    def mark(self) -> tuple[int, ...]:
        """Differs when something was written, judged by the file and its write-ahead log."""
        seen: list[int] = []
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            with suppress(FileNotFoundError):
                told = path.stat()
                seen += (told.st_ino, told.st_mtime_ns, told.st_size)
        return tuple(seen)

    def _rows(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        if not self._path.exists():
            return []
        place = f"{self._path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=5)) as db:
            try:
                return db.execute(sql, values).fetchall()
            except sqlite3.OperationalError as fault:
                if "no such table" in str(fault):  # the edge is just making the file
                    return []
                raise
