"""What is not right with an installation, told from its settings and files alone. Reads; changes nothing."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import httpx2

from aforo.app.metrics import QUEUES, SCHEDULES
from aforo.app.place import near, origin
from aforo.app.records import newest
from aforo.app.settings import Settings, is_loopback
from aforo.kit.clock import from_rfc3339
from aforo.kit.secretbox import MasterKeys, SecretBox, SecretLost
from aforo.usage.errors import LogDamaged
from aforo.usage.history import history_path
from aforo.usage.segment_log import manifest

Level = Literal["OK", "WARN", "FAIL"]
_GIB: Final = 2**30
_LITTLE_BYTES: Final = 2 * _GIB
_TOO_LITTLE_BYTES: Final = _GIB // 4
_LATE_SECONDS: Final = 900
_STUCK_SECONDS: Final = 3_600
_PATIENCE_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `next_step` where something is to be done."""

    what: str
    level: Level
    words: str
    next_step: str = ""

    def view(self) -> dict[str, Any]:
        return {"what": self.what, "level": self.level, "words": self.words, "nextStep": self.next_step or None}


Look = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which one would mend them. A look that fails is a finding itself."""
    if not settings.records_path.exists():
        where = settings.data_dir.absolute()
        step = "aforo serve makes it; or name the right folder with --data-dir or AFORO_DATA_DIR."
        return [Finding("Data folder", "FAIL", f"there is no data of Aforo in {where}", step)]
    found: list[Finding] = []
    for look in (_folder, _key, _databases, _log, _addresses, _processes, _work, _channels):
        try:
            found += look(settings)
        except (OSError, sqlite3.Error, ValueError, LogDamaged) as fault:
            found.append(Finding(look.__name__.strip("_").capitalize(), "FAIL", f"cannot be looked at: {fault}"))
    return found


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    others = folder.stat().st_mode & 0o077
    yield Finding(
        "Data folder", "WARN" if others else "OK", f"{folder.absolute()}{', open to other users' * bool(others)}",
        f"chmod 700 {folder.absolute()}" if others else "",
    )  # fmt: skip
    free = shutil.disk_usage(folder).free
    level: Level = "FAIL" if free < _TOO_LITTLE_BYTES else "WARN" if free < _LITTLE_BYTES else "OK"
    step = "" if level == "OK" else "Free some: a full disk makes the edge refuse events with 503."
    yield Finding("Free disk", level, f"{free / _GIB:,.1f} GiB", step)


def _key(settings: Settings) -> Iterator[Finding]:
    path = settings.key_path
    if not path.exists():
        yield Finding("Master key", "FAIL", f"{path.absolute()} is not there", "Put it back from where you keep it.")
        return
    if path.stat().st_mode & 0o077:
        yield Finding("Master key", "WARN", f"{path.absolute()} is readable by others", f"chmod 600 {path.absolute()}")
    box = SecretBox(MasterKeys.load_or_create(path))
    query = (
        "SELECT i.tenant_id, s.integration_id, s.field, s.sealed FROM integration_secrets s "
        "JOIN integrations i ON i.id = s.integration_id"
    )
    opened, lost = 0, 0
    with closing(_reading(settings.records_path)) as records:
        for tenant_id, owner_id, field, sealed in records.execute(query):
            try:
                box.open(sealed, tenant_id=tenant_id, owner_id=owner_id, field=field)
                opened += 1
            except SecretLost:
                lost += 1
    if lost:
        step = "Put the key back that sealed them, or enter them again: aforo integrations set."
        yield Finding("Sealed secrets", "FAIL", f"{lost} of {lost + opened} do not open", step)
    else:
        yield Finding("Sealed secrets", "OK", f"{opened} of gateways, and all open")


def _databases(settings: Settings) -> Iterator[Finding]:
    for path in sorted(settings.data_dir.glob("*.db")):
        with closing(_reading(path)) as database:
            told = database.execute("PRAGMA quick_check(3)").fetchall()
        good = told == [("ok",)]
        step = "" if good else "Stop Aforo and restore a backup: aforo restore."
        yield Finding(path.name, "OK" if good else "FAIL", "whole" if good else str(told[0][0]), step)
    with closing(_reading(settings.records_path)) as records:
        (schema,) = records.execute("SELECT version_num FROM alembic_version").fetchone()
    known = f"{newest():04d}"
    if schema > known:
        yield Finding("Schema", "FAIL", f"{schema}, and this program knows {known}", "Install the newer Aforo again.")
    elif schema < known:
        yield Finding("Schema", "WARN", f"{schema}; the next start brings it to {known}", "Make a backup before.")
    else:
        yield Finding("Schema", "OK", schema)


def _log(settings: Settings) -> Iterator[Finding]:
    for place in sorted(path for path in (settings.data_dir / "log").glob("*") if path.is_dir()):
        told, size, kept = manifest.load(place), 0, 0
        for number in told.numbers():
            closed = told.find(number)
            if closed is not None and closed.history:
                kept += history_path(place, number, closed.history).stat().st_size
                continue
            there = manifest.segment_path(place, number).stat().st_size
            if there < (told.length(number) or 0):
                raise LogDamaged(f"segment {number} of the log {place.name} is shorter than it was")
            size += there
        what = f"{len(told.numbers())} segments, {size / 2**20:,.1f} MiB"
        past = f", and {kept / 2**20:,.1f} MiB of history" if kept else ""
        yield Finding(f"Usage log, {place.name}", "OK", what + past)


def _addresses(settings: Settings) -> Iterator[Finding]:
    here_only = is_loopback(settings.host)
    for name, url, who in (
        ("AFORO_PUBLIC_URL", settings.public_url, "people's browsers"),
        ("AFORO_INGEST_URL", settings.ingest_url, "gateways"),
    ):
        if url is None:
            level: Level = "OK" if here_only else "WARN"
            step = "" if here_only else f"Set it to the address by which {who} reach this Aforo."
            yield Finding(name, level, f"not set: {who} are told an address of this machine", step)
        elif not url.startswith("https://") and not here_only:
            yield Finding(name, "WARN", f"{url} is not https", "Put a proxy with TLS before it.")
        else:
            yield Finding(name, "OK", url)


def _processes(settings: Settings) -> Iterator[Finding]:
    lock = settings.data_dir / "serve.lock"
    if not lock.exists() or not _is_held(lock):
        yield Finding("Aforo", "OK", "does not run on this folder")
        return
    for name, port in (("API", settings.port), ("Edge", settings.edge_port)):
        url = f"{origin(near(settings.host), port)}/readyz"
        try:
            answer = httpx2.get(url, timeout=_PATIENCE_SECONDS, trust_env=False)
            told = answer.json()
        except (httpx2.TransportError, ValueError) as fault:
            step = "Aforo runs, but not on this port: give the same AFORO_PORT and AFORO_EDGE_PORT here."
            yield Finding(name, "WARN", f"no answer at {url}: {fault}", step)
            continue
        if answer.status_code == 200:
            yield Finding(name, "OK", f"ready at {url}")
        else:
            words = told.get("reason") or told.get("detail") or answer.status_code
            yield Finding(name, "FAIL", f"not ready: {words}", "Its log says more.")


def _work(settings: Settings) -> Iterator[Finding]:
    now = datetime.now(UTC)
    with closing(_reading(settings.records_path)) as records:
        for queue, query in QUEUES.items():
            count, due = records.execute(query).fetchone()
            late = (now - from_rfc3339(due)).total_seconds() if due else 0.0
            is_stuck = late > _STUCK_SECONDS
            words = f"{count} waiting{f', due since {late / 60:,.0f} min' if late > 60 else ''}"
            step = "The console says what stands in the way." if is_stuck else ""
            yield Finding(queue.replace("_", " ").capitalize(), "WARN" if is_stuck else "OK", words, step)
        overdue = [
            f"{kind} by {late / 60:,.0f} min"
            for kind, next_at, _ in records.execute(SCHEDULES)
            if next_at and (late := (now - from_rfc3339(next_at)).total_seconds()) > _LATE_SECONDS
        ]
    runs = _is_held(settings.data_dir / "serve.lock")
    level: Level = "WARN" if overdue and runs else "OK"
    words = f"overdue: {', '.join(overdue)}" if overdue else "none overdue"
    yield Finding("Schedules", level, words, "Restart Aforo: its worker hangs." if level == "WARN" else "")


def _channels(settings: Settings) -> Iterator[Finding]:
    with closing(_reading(settings.records_path)) as records:
        (count,) = records.execute("SELECT count(*) FROM alert_channels WHERE removed_at IS NULL").fetchone()
    if count:
        yield Finding("Alerts", "OK", f"{count} channel{'s' * (count > 1)}")
    else:
        step = "aforo alerts channels add email, slack or webhook."
        yield Finding("Alerts", "WARN", "nobody is told: there is no channel", step)


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    handle = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
