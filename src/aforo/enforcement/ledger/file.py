"""ledger.db itself: one SQLite file in WAL mode with synchronous=FULL, so a commit is on the disk when it returns."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from aforo.enforcement.counters import Counter, CounterKey
from aforo.enforcement.leases import Lease
from aforo.enforcement.model import Log, Span
from aforo.enforcement.rules.lease import LeaseState

_NUMBERED: Final = sorted(Path(__file__).parent.glob("[0-9]*.sql"))
_DAY_MS: Final = 86_400_000
KEPT_MS: Final = 2 * _DAY_MS
"""How long an ended period, and the mark that a decision is settled, are kept."""
_DECISIONS_KEPT_MS: Final = 8 * _DAY_MS
_DECISIONS_KEPT: Final = 1_000_000
_DROP_OLD: Final = (
    "DELETE FROM counters WHERE ends_ms < ?",
    "DELETE FROM leases WHERE ends_ms < ?",
    "DELETE FROM settled WHERE at_ms < ?",
)
_PUT_COUNTER: Final = "INSERT OR REPLACE INTO counters VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_PUT_LEASE: Final = "INSERT OR REPLACE INTO leases VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_PUT_DECISION: Final = "INSERT INTO decisions VALUES (NULL,?,?,?,?,?,?,?,?,?,?)"


class Noted(NamedTuple):
    """A decision that people may want to look up."""

    at_ms: int
    log: str
    tenant_id: str
    customer_id: str
    product: str
    metric: str
    reason: str
    enforced: bool
    units: str
    token: str


@dataclass(slots=True)
class Writes:
    """One transaction's worth, as plain rows, so that the thread that writes shares nothing with the one that counts.

    `taken` says for which counter units become durable ahead of need, `sources` what the rows were made from.
    """

    counters: list[tuple[Any, ...]] = field(default_factory=list)
    leases: list[tuple[Any, ...]] = field(default_factory=list)
    settled: list[tuple[int, int]] = field(default_factory=list)
    applied: list[tuple[str, int, int]] = field(default_factory=list)
    decisions: list[Noted] = field(default_factory=list)
    taken: list[tuple[Counter, int]] = field(default_factory=list)
    sources: tuple[frozenset[Counter], frozenset[Lease]] = (frozenset(), frozenset())


@dataclass(slots=True)
class Loaded:
    """What a start finds. `clean`: nothing was stranded by the last stop."""

    counters: list[Counter]
    leases: list[Lease]
    applied: dict[str, tuple[int, int]]
    made_ms: int
    clean: bool


class Ledger:
    """Used by one thread at a time; `settled_among` by another one, on a connection of its own."""

    def __init__(self, path: Path, now_ms: int, *, synchronous: str = "FULL") -> None:
        """Opens or makes the file. Raises sqlite3.Error, OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write = _connect(path, synchronous)
        path.chmod(0o600)
        _bring_up_to_date(self._write, now_ms)
        self._read = _connect(path, synchronous)

    def load(self, now_ms: int) -> Loaded:
        """Units that were taken ahead and may have been given out count as given; what was merely reserved is gone."""
        made_ms, clean = self._write.execute("SELECT made_ms, stopped_cleanly FROM facts").fetchone()
        counters = [
            _counter(row)
            for row in self._write.execute("SELECT * FROM counters WHERE ends_ms >= ?", (now_ms - KEPT_MS,))
        ]
        leases = [
            _lease(row) for row in self._write.execute("SELECT * FROM leases WHERE ends_ms >= ?", (now_ms - KEPT_MS,))
        ]
        applied = {log: (segment, offset) for log, segment, offset in self._write.execute("SELECT * FROM applied")}
        self._write.execute("UPDATE facts SET stopped_cleanly = 0")
        return Loaded(counters, leases, applied, made_ms, bool(clean))

    def commit(self, writes: Writes) -> None:
        """All of it, durable, or nothing of it. Raises sqlite3.Error."""
        run = self._write
        run.execute("BEGIN IMMEDIATE")
        try:
            run.executemany(_PUT_COUNTER, writes.counters)
            run.executemany(_PUT_LEASE, writes.leases)
            run.executemany("INSERT OR IGNORE INTO settled VALUES (?, ?)", writes.settled)
            run.executemany("INSERT OR REPLACE INTO applied VALUES (?, ?, ?)", writes.applied)
            run.executemany(_PUT_DECISION, writes.decisions)
            run.execute("COMMIT")
        except BaseException:
            if run.in_transaction:
                run.execute("ROLLBACK")
            raise

    def settled_among(self, serials: Iterable[int]) -> set[int]:
        """Those of the decisions that were settled, as far as it is durable."""
        wanted = json.dumps(list(serials))
        query = "SELECT serial FROM settled WHERE serial IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._read.execute(query, (wanted,))}

    def forget(self, now_ms: int) -> None:
        """Drop what nothing hangs on any more."""
        for drop in _DROP_OLD:
            self._write.execute(drop, (now_ms - KEPT_MS,))
        self._write.execute("DELETE FROM decisions WHERE at_ms < ?", (now_ms - _DECISIONS_KEPT_MS,))
        self._write.execute(
            "DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions) - ?", (_DECISIONS_KEPT,)
        )

    def close(self, *, clean: bool) -> None:
        if clean:
            self._write.execute("UPDATE facts SET stopped_cleanly = 1")
        self._read.close()
        self._write.close()


def newest() -> int:
    """The number of the newest schema."""
    return int(_NUMBERED[-1].name.partition("_")[0])


def counter_row(counter: Counter, taken: int) -> tuple[Any, ...]:
    key = counter.key
    return (
        counter.id, key.log.value, key.tenant_id, key.subscription_id, key.metric, *key.span, key.starts_ms,
        counter.ends_ms, counter.hard, str(counter.given), str(taken), str(counter.settled), str(counter.stranded),
    )  # fmt: skip


def lease_row(lease: Lease) -> tuple[Any, ...]:
    state = lease.state
    return (
        lease.id, lease.log.value, lease.tenant_id, lease.subscription_id, lease.metric, lease.product, lease.node_id,
        lease.epoch, lease.granted_ms, lease.expires_ms, lease.ends_ms, str(state.units), str(state.seen),
        str(state.used), state.final, state.expired, json.dumps(lease.counters),
    )  # fmt: skip


def _counter(row: tuple[Any, ...]) -> Counter:
    number, log, tenant_id, subscription_id, metric, every, day, zone, starts_ms, ends_ms, hard, *amounts = row
    given, taken, settled, stranded = map(int, amounts)
    key = CounterKey(Log(log), tenant_id, subscription_id, metric, Span(every, day, zone), starts_ms)
    if not hard:
        return Counter(key, number, ends_ms, hard=False, settled=settled, stranded=stranded)
    stranded += max(0, taken - given)
    return Counter(key, number, ends_ms, hard=True, given=taken, taken=taken, settled=settled, stranded=stranded)


def _lease(row: tuple[Any, ...]) -> Lease:
    lease_id, log, tenant_id, subscription_id, metric, product, node_id, epoch, *rest = row
    granted_ms, expires_ms, ends_ms, units, seen, used, final, expired, counters = rest
    return Lease(
        lease_id, Log(log), tenant_id, subscription_id, metric, product, node_id, epoch,
        granted_ms, expires_ms, ends_ms,
        LeaseState(int(units), int(seen), int(used), bool(final), bool(expired)),
        tuple((number, bool(hard)) for number, hard in json.loads(counters)),
    )  # fmt: skip


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, now_ms: int) -> None:
    known = connection.execute("PRAGMA user_version").fetchone()[0]
    for path in _NUMBERED[known:]:
        number = int(path.name.partition("_")[0])
        script = f"BEGIN IMMEDIATE; {path.read_text()}; PRAGMA user_version = {number};"
        if number == 1:
            script += f" INSERT INTO facts VALUES ({now_ms:d}, 1);"  # noqa: S608  `d` writes digits alone, and a script takes no parameters
        connection.executescript(f"{script} COMMIT;")
