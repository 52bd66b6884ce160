"""What a copy of ledger.db knows, and what must be told to one that is put back."""

import sqlite3
from contextlib import closing
from pathlib import Path


def applied_in(path: Path) -> dict[str, tuple[int, int]]:
    """Up to where each usage log has moved the counters of this copy: segment and offset by log."""
    with closing(sqlite3.connect(path)) as copy:
        return {log: (segment, offset) for log, segment, offset in copy.execute("SELECT * FROM applied")}


def mark_restored(path: Path, now_ms: int) -> None:
    """Decisions from before now may have been given out after the copy was made, so none of them is taken as counted.

    Their events then count in full. What the copy did know as reserved counts twice until its period ends: a quota may
    end early by that, and is never sold again.
    """
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("UPDATE facts SET made_ms = ?, stopped_cleanly = 0", (now_ms,))
