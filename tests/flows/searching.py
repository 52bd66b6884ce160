"""Looks for a secret in whatever Aforo keeps, in every form in which it might have been written."""

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote


def forms(secret: str) -> Iterator[bytes]:
    """As it is, in a URL, in JSON, in hex, and in base64 at each of its three offsets."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield raw.hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw)
        yield encoded[(shift * 8 + 5) // 6 + 1 : -4]


def found(secret: str, store: bytes) -> bool:
    return any(form in store for form in forms(secret))


def files(folder: Path) -> dict[str, bytes]:
    """Every file that Aforo keeps, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def planted(database: Path, table: str, secret: str, to: Path) -> bytes:
    """A copy of the database in which the first text of one of the table's rows is the secret; the copy's bytes."""
    to.mkdir(parents=True)
    copy = to / "records.db"
    for path in database.parent.glob(database.name + "*"):
        shutil.copy(path, copy.with_name(path.name.replace(database.name, copy.name)))
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        name = next(column[1] for column in columns if column[2].startswith(("VARCHAR", "TEXT")))
        one = f"SELECT rowid FROM {table} LIMIT 1"
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
        for (trigger,) in triggers.fetchall():  # such as those that keep the audit trail as it is
            connection.execute(f"DROP TRIGGER {trigger}")
        changed = connection.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ({one})", (secret,)).rowcount
        assert changed == 1, f"{table} has no row: nothing of it was searched"
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copy.read_bytes()
