"""Reads the edge's ledger from another process."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 2


def read_ledger(ledger: Path, query: str, values: Any) -> list[Any]:
    """The rows; none where the edge has not made the ledger, or its tables, yet. Blocks on the disk."""
    if not ledger.exists():
        return []
    place = f"{ledger.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_SECONDS)) as connection:
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as fault:
            if "no such table" in str(fault):
                return []
            raise
