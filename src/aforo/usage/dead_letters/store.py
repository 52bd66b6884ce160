"""deadletters.db: written by the edge, read by the api."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from aforo.accounts import Caller
from aforo.kit.errors import Overloaded
from aforo.kit.ids import new_id
from aforo.usage.dead_letters.letter import Letter, is_of, kept
from aforo.usage.decode import Request, Row
from aforo.usage.model import Refused, Rejection
from aforo.usage.rules.moment import text_of

MOST_BYTES_A_TENANT: Final = 64 * 1024 * 1024
_EXTRA_BYTES: Final = 200
"""What a row weighs beside its event."""
_COLUMNS: Final = "id, code, error, received_ns, times, event"
_KEEP: Final = """
    INSERT INTO letters VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT (log, tenant, digest) DO UPDATE
    SET received_ns = excluded.received_ns, times = times + 1, code = excluded.code, error = excluded.error
"""


class LetterQuery(msgspec.Struct, frozen=True):
    """Which letters, newest first; `cursor` is the id of the last one seen."""

    code: str | None = None
    limit: int = 100
    cursor: str | None = None


class DeadLetters:
    """Each refused event once, with its last reason. At most 64 MiB a tenant: the oldest go first.

    Opened by the writer with `writes=True`, which makes the file; a reader of a file that is not there finds nothing.
    """

    def __init__(self, path: Path, *, writes: bool = False, most_bytes: int = MOST_BYTES_A_TENANT) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._db = _made(path) if writes else None

    def keep(self, caller: Caller, received_ns: int, request: Request, rejections: Sequence[Rejection]) -> None:
        """Keep refused rows of a request; durable when it returns. Blocks. Raises Overloaded when it cannot."""
        rows = request.rows
        letters = [_letter(caller, received_ns, rows[one.index], one) for one in rejections]
        try:
            with self._lock, self._writing() as db:
                db.execute("BEGIN IMMEDIATE")
                db.executemany(_KEEP, letters)
                self._forget_oldest(db, _log(caller), caller.tenant_id)
        except sqlite3.Error as fault:
            raise Overloaded(
                "Refused events of this request could not be stored; those that were good are kept.",
                next_step="Send the same bytes again: what was kept counts once.",
                retry_after_seconds=5,
            ) from fault

    def page(self, caller: Caller, query: LetterQuery) -> list[Letter]:
        """The caller's letters. Blocks."""
        rows = self._read(caller, query, "")
        return [
            Letter(id_, code, error, text_of(received_ns), times, None if event is None else msgspec.Raw(event))
            for id_, code, error, received_ns, times, event in rows
        ]

    def to_replay(self, caller: Caller, query: LetterQuery, ids: Sequence[str] | None) -> list[tuple[str, bytes]]:
        """Ids and events, oldest last, of those letters that can be sent again. Blocks."""
        named = "" if ids is None else f"AND id IN ({', '.join('?' * len(ids))})"
        rows = self._read(caller, query, f"AND event IS NOT NULL {named}", *(ids or ()))
        return [(row[0], row[5]) for row in rows]

    def by_code(self, tenant_id: str) -> list[tuple[str, int, int]]:
        """(code, letters, ns of the oldest) of the tenant's live traffic. Blocks."""
        if not self._path.exists():
            return []
        sql = "SELECT code, count(*), min(received_ns) FROM letters WHERE log = 'live' AND tenant = ? GROUP BY code"
        with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(sql, (tenant_id,)).fetchall()

    def remove(self, ids: Sequence[str]) -> None:
        """They have arrived. Blocks."""
        with self._lock, self._writing() as db:
            db.executemany("DELETE FROM letters WHERE id = ?", [(one,) for one in ids])

    def erase(self, tenant_id: str, customers: Sequence[str]) -> int:
        """Remove a tenant's letters that tell of these customers, and those of which nobody knows whose they are;
        gives their number. Blocks."""
        with self._lock, self._writing() as db:
            rows = db.execute("SELECT id, customer, event FROM letters WHERE tenant = ?", (tenant_id,)).fetchall()
            going = [(id_,) for id_, customer, event in rows if customer in customers or is_of(event, customers)]
            db.execute("PRAGMA secure_delete = ON")
            db.executemany("DELETE FROM letters WHERE id = ?", going)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what was deleted stands in the write-ahead log no more
        return len(going)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _read(self, caller: Caller, query: LetterQuery, more: str, *values: Any) -> list[Any]:
        if not self._path.exists():
            return []
        sql = f"SELECT {_COLUMNS} FROM letters WHERE log = ? AND tenant = ? {more}"  # noqa: S608  constants and marks
        values = (_log(caller), caller.tenant_id, *values)
        for clause, value in (("customer = ?", caller.customer_id), ("code = ?", query.code)):
            if value is not None:
                sql, values = f"{sql} AND {clause}", (*values, value)
        if query.cursor is not None:
            sql += " AND (received_ns, id) < (SELECT received_ns, id FROM letters WHERE id = ?)"
            values = (*values, query.cursor)
        sql += " ORDER BY received_ns DESC, id DESC LIMIT ?"
        with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(sql, (*values, query.limit)).fetchall()

    def _writing(self) -> sqlite3.Connection:
        assert self._db is not None  # noqa: S101  only the edge writes, and it says so when it opens the file
        return self._db

    def _forget_oldest(self, db: sqlite3.Connection, log: str, tenant: str) -> None:
        mine = "log = ? AND tenant = ?"
        held = db.execute(f"SELECT TOTAL(bytes) FROM letters WHERE {mine}", (log, tenant)).fetchone()[0]  # noqa: S608
        while held > self._most_bytes:
            oldest = db.execute(
                f"SELECT id, bytes FROM letters WHERE {mine} ORDER BY received_ns, id LIMIT 20",  # noqa: S608
                (log, tenant),
            ).fetchall()
            db.executemany("DELETE FROM letters WHERE id = ?", [(id_,) for id_, _ in oldest])
            held -= sum(size for _, size in oldest)


def _letter(caller: Caller, received_ns: int, row: Row, rejection: Rejection) -> tuple[Any, ...]:
    event = kept(row)
    identity = event if event is not None else _unkept(row)
    digest = blake2b(identity, digest_size=16).digest()
    return (
        new_id("dead"), _log(caller), caller.tenant_id, caller.customer_id, digest, received_ns,
        rejection.code, rejection.error, event, len(event or b"") + _EXTRA_BYTES,
    )  # fmt: skip


def _unkept(row: Row) -> bytes:
    """What tells a row that is not kept from others."""
    return row.raw if isinstance(row, Refused) else msgspec.json.encode(row[0])


def _log(caller: Caller) -> str:
    return "test" if caller.test else "live"


def _made(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if db.execute("PRAGMA user_version").fetchone()[0] == 0:
        script = (files("aforo.usage.dead_letters") / "schema.sql").read_text()
        db.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")  # whole or not at all, also over a crash
    return db
