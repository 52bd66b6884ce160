"""pulled.db: written and read by the api."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

from aforo.kit.clock import from_rfc3339, rfc3339

_FIGURE: Final = """
    INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, integration, day, counter, credential)
    DO UPDATE SET products = excluded.products, calls = excluded.calls
"""
_DAY: Final = """
    INSERT INTO days VALUES (?, ?, ?, ?) ON CONFLICT (tenant, integration, day)
    DO UPDATE SET read_at = max(read_at, excluded.read_at)
"""
_FIGURES: Final = """
    SELECT day, counter, products, credential, calls FROM figures
    WHERE tenant = ? AND integration = ? AND day >= ? AND day <= ? ORDER BY day, counter, credential
"""
_DAYS: Final = "SELECT day, read_at FROM days WHERE tenant = ? AND integration = ? AND day >= ? AND day <= ?"


@dataclass(frozen=True, slots=True)
class Figure:
    """Calls of one day by one of the vendor's counters; `products` are native ids, together where several."""

    day: date
    counter: str
    products: tuple[str, ...]
    credential: str | None
    calls: int


class PulledStore:
    """Figures of all integrations. Every method blocks on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(
        self, tenant: str, integration: str, days: tuple[date, date], figures: Iterable[Figure], at: datetime
    ) -> None:
        """What a complete reading of these days told, all of it or, after a crash, nothing.

        A figure that is told again is replaced. One that is no longer told, as of a key that was deleted at the vendor
        since, stays: its calls were made.
        """
        rows = [
            (tenant, integration, one.day.isoformat(), one.counter, one.credential or "",
             json.dumps(one.products), one.calls)
            for one in figures
        ]  # fmt: skip
        first, last = days
        each = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_FIGURE, rows)
            db.executemany(_DAY, [(tenant, integration, day.isoformat(), rfc3339(at)) for day in each])

    def figures(self, tenant: str, integration: str, first: date, last: date) -> list[Figure]:
        """In order of day, counter and credential."""
        return [
            Figure(date.fromisoformat(day), counter, tuple(json.loads(products)), credential or None, int(calls))
            for day, counter, products, credential, calls in self._rows(_FIGURES, tenant, integration, first, last)
        ]

    def read_at(self, tenant: str, integration: str, first: date, last: date) -> dict[date, datetime]:
        """The days that were read whole, and when last."""
        found = self._rows(_DAYS, tenant, integration, first, last)
        return {date.fromisoformat(day): from_rfc3339(at) for day, at in found}

    def last_day(self, tenant: str, integration: str) -> date | None:
        """The newest day that was read."""
        told = [*self.read_at(tenant, integration, date.min, date.max)]
        return max(told, default=None)

    def forget(self, tenant: str, integration: str) -> None:
        """Delete all that is kept of an integration."""
        if not self._path.exists():
            return
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM figures WHERE tenant = ? AND integration = ?", (tenant, integration))
            db.execute("DELETE FROM days WHERE tenant = ? AND integration = ?", (tenant, integration))

    def _rows(self, sql: str, tenant: str, integration: str, first: date, last: date) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        with closing(self._open()) as db:
            return db.execute(sql, (tenant, integration, first.isoformat(), last.isoformat())).fetchall()

    def _open(self) -> sqlite3.Connection:
        """Makes the file where there is none, whole or not at all."""
        db = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._path.chmod(0o600)
            db.execute("PRAGMA journal_mode = WAL")
            script = (files("aforo.usage.pulled") / "schema.sql").read_text()
            db.executescript(f"BEGIN IMMEDIATE; {script.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS')} COMMIT;")
        return db
