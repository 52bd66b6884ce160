"""Make an archive of a data folder, whether Aforo runs on it or not.

Order, each step begun after the one before it ended:

1. records, dead letters, gateways' own figures, sums, keys already seen. The last two say up to where they have read
   the log; a log copied later reaches at least there. The other way round, a key would be known whose event is lost,
   and its sender's retry would be taken for a duplicate.
2. How far each log reaches: everything acknowledged before the backup began lies before that place.
3. The ledger. Any decision or lease that an event before that place names was made durable before, so it is in here.
4. The log, up to the place of step 2 or up to where the ledger's counters have read it, whichever is later. More of it
   might name decisions that the copied ledger never gave, and a start would take their units as counted.

Meanwhile no segment goes into history and none is reduced there: the keys already seen were copied before.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

import aforo
from aforo.app.backup.archive import Archive
from aforo.app.backup.contents import CannotBackUp, Contents, fingerprints
from aforo.enforcement.ledger.copies import applied_in
from aforo.kit.clock import Clock, rfc3339
from aforo.usage.history import history_path, no_moves
from aforo.usage.segment_log.manifest import Closed, Manifest, load, segment_path

_LOGS: Final = ("live", "test")
_TRIES: Final = 20


def back_up(data_dir: Path, key_file: Path, target: Path, clock: Clock, *, force: bool = False) -> Contents:
    """Write the archive, whole or not at all, readable by its owner alone. Raises CannotBackUp."""
    _check(data_dir, key_file, target, force=force)
    created_at = rfc3339(clock.now())
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
            fresh = Path(made, "archive")
            with Archive(fresh) as archive, no_moves(data_dir):
                schemas = _copy(data_dir, archive, Path(made, "database"))
                contents = Contents(
                    aforo.__version__, created_at, schemas, fingerprints(key_file), tuple(archive.copied)
                )
                archive.close_with(contents)
            fresh.replace(target)
    except (OSError, sqlite3.Error) as fault:
        raise CannotBackUp(
            f"The backup could not be made: {fault}. See that {target.parent.absolute()} may be written to and has "
            "room for twice what the databases take, then try again."
        ) from fault
    return contents


def _check(data_dir: Path, key_file: Path, target: Path, *, force: bool) -> None:
    if not (data_dir / "records.db").exists():
        raise CannotBackUp(
            f"There is no data of Aforo in {data_dir.absolute()}. Name its folder with --data-dir or AFORO_DATA_DIR."
        )
    if not key_file.exists():
        raise CannotBackUp(
            f"The sealing key {key_file.absolute()} is not there, without which a backup would be worth little. "
            "Name it with AFORO_MASTER_KEY_FILE."
        )
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise CannotBackUp(f"{target} is inside the data folder. Name a place outside, best on another disk.")
    if not target.parent.is_dir():
        raise CannotBackUp(f"There is no folder {target.parent.absolute()}. Make it, or name another file.")
    if target.is_dir() or (target.exists() and not force):
        raise CannotBackUp(f"{target} exists. Name another file, or replace it with --force.")


def _copy(data_dir: Path, archive: Archive, beside: Path) -> dict[str, int]:
    """The four steps; the schemas' versions."""
    schemas: dict[str, int] = {}
    for name in ("records.db", "deadletters.db", "pulled.db", "rollups.db"):
        if (data_dir / name).exists():
            _snapshot(data_dir / name, beside)
            if name == "records.db":
                schemas[name] = records_schema(beside)
            archive.add(name, beside)
    for log in _LOGS:
        _add_keys(archive, data_dir, f"dedupe/{log}")
    reached = reached_by_logs(data_dir)
    return schemas | add_ledger_and_log(archive, data_dir, beside, reached)


def reached_by_logs(data_dir: Path) -> dict[str, tuple[int, int]]:
    """Step 2: segment and offset by log."""
    return {log: _end(data_dir / "log" / log) for log in _LOGS}


def add_ledger_and_log(
    archive: Archive, data_dir: Path, beside: Path, reached: dict[str, tuple[int, int]]
) -> dict[str, int]:
    """Steps 3 and 4; the ledger's version."""
    schemas: dict[str, int] = {}
    if (data_dir / "ledger.db").exists():
        _snapshot(data_dir / "ledger.db", beside)
        schemas["ledger.db"] = ledger_schema(beside)
        for log, place in applied_in(beside).items():
            reached[log] = max(reached[log], place)
        archive.add("ledger.db", beside)
    for log, place in reached.items():
        _add_log(archive, data_dir, f"log/{log}", place)
    return schemas


def records_schema(path: Path) -> int:
    with closing(sqlite3.connect(path)) as records:
        return int(records.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def ledger_schema(path: Path) -> int:
    with closing(sqlite3.connect(path)) as ledger:
        return int(ledger.execute("PRAGMA user_version").fetchone()[0])


def _snapshot(source: Path, target: Path) -> None:
    """By SQLite's online backup, in one step: one moment of it, and no writer waits."""
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without another beside it


def _add_keys(archive: Archive, data_dir: Path, folder: str) -> None:
    """Files of keys never change but go when they are merged: all are opened first, then none can go."""
    with ExitStack() as opened:
        for name, file in _opened_keys(data_dir / folder, opened):
            archive.add_open(f"{folder}/{name}", file, os.fstat(file.fileno()).st_size)


def _opened_keys(folder: Path, opened: ExitStack) -> Iterator[tuple[str, BinaryIO]]:
    if not (folder / "manifest.json").exists():
        return
    for last in (*[False] * (_TRIES - 1), True):
        try:
            manifest = opened.enter_context((folder / "manifest.json").open("rb"))
            named = msgspec.json.decode(manifest.read())["files"]
            manifest.seek(0)
            names = [f"{one['number']:012d}.{kind}" for one in named for kind in ("keys", "filter")]
            files = [opened.enter_context((folder / name).open("rb")) for name in names]
        except FileNotFoundError:
            if last:
                raise
        else:
            yield from (("manifest.json", manifest), *zip(names, files, strict=True))
            return


def _end(folder: Path) -> tuple[int, int]:
    """How far a log reaches; what is behind the last whole frame is cut at the next start."""
    manifest = load(folder)
    if not manifest.open:
        return (0, 0)
    return manifest.open, segment_path(folder, manifest.open).stat().st_size


def _add_log(archive: Archive, data_dir: Path, folder: str, end: tuple[int, int]) -> None:
    """Segments only grow, so that what lies before `end` stays as it is while it is copied."""
    if end == (0, 0):
        return
    now, (last, length) = load(data_dir / folder), end
    closed = tuple(one for one in now.closed if one.number < last)
    known = now.length(last)  # a segment whose last write failed was closed before its end
    for one in (*closed, Closed(last, length if known is None else min(length, known))):
        if one.history:
            path = history_path(data_dir / folder, one.number, one.history)
            archive.add(str(path.relative_to(data_dir)), path)
            continue
        path = segment_path(data_dir / folder, one.number)
        with path.open("rb") as file:
            archive.add_open(f"{folder}/{path.name}", file, one.length)
    archive.add_bytes(f"{folder}/manifest.json", msgspec.json.encode(Manifest(open=last, closed=closed)))
