"""Own usage from rollups: one customer's month by day, among the cells that 100 million events leave.

The reference is the bare reading of the same rows by SQLite, so that the figure tells what Aforo adds.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Final

from aforo.accounts import Caller
from aforo.app.bench import Figure, magnitude
from aforo.usage import UsageLog, UsageQuery
from aforo.usage.rollups.store import RollupStore
from aforo.usage.rules.cells import QUARTER_NS

_EVENTS: Final = 100_000_000
_QUARTERS: Final = 30 * 96
_CUSTOMERS: Final = 300
_FEW: Final = 10
_BAR_SECONDS: Final = 0.005
_BAR_OF_SQLITE_SMALL: Final = 10
_ASKED: Final = 50
_WHO: Final = Caller("ten_bench", "bench", "key_bench", frozenset())
_ROWS: Final = """
    SELECT quarter, events, whole, nano FROM cells
    WHERE log = 'live' AND tenant = 'ten_bench' AND customer = ? AND metric = 'api_calls'
"""
_CELL: Final = """
    INSERT INTO cells VALUES ('live', 'ten_bench', ?, 'api_calls', ?, 'prod', '', '', '', 2, 0, ?, ?, 0, 1, 0)
"""


def measure(*, small: bool = False) -> list[Figure]:
    """Small: a thirtieth of the customers; each still has its month."""
    customers = _FEW if small else _CUSTOMERS
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "rollups.db")
        _fill(path, customers)
        usage = UsageLog(Path(name))
        query = UsageQuery(0, _QUARTERS * QUARTER_NS, "day", (), UTC, "api_calls")
        ours = _median(customers, lambda who: usage.rows(_WHO, _of(query, who), {}))
        with closing(sqlite3.connect(path)) as db:
            bare = _median(customers, lambda who: db.execute(_ROWS, (who,)).fetchall())
    bar, holds = f"≤ {_BAR_SECONDS:g} s", ours <= _BAR_SECONDS
    if small:
        bar, holds = magnitude(f"≤ {_BAR_OF_SQLITE_SMALL} times SQLite alone"), ours <= bare * _BAR_OF_SQLITE_SMALL
    return [Figure("own usage", ours, "s", "SQLite alone", bare, ours / bare, bar, holds)]


def _of(query: UsageQuery, customer: str) -> UsageQuery:
    return UsageQuery(query.from_ns, query.to_ns, query.window, query.groups, query.zone, query.metric, customer)


def _fill(path: Path, customers: int) -> None:
    RollupStore(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(_CELL, _cells(customers))


def _cells(customers: int) -> Iterator[tuple[str, int, int, int]]:
    events = _EVENTS // _CUSTOMERS // _QUARTERS
    return ((_name(one), quarter, events, events) for one in range(customers) for quarter in range(_QUARTERS))


def _name(number: int) -> str:
    return f"cust_{number:05d}"


def _median(customers: int, ask: Callable[[str], object]) -> float:
    took = []
    for number in range(_ASKED):
        started = time.perf_counter()
        ask(_name(number * 7 % customers))
        took.append(time.perf_counter() - started)
    return statistics.median(took)
