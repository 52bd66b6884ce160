"""Make a data folder from an archive: all of it beside its place first, then moved there in one go."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from aforo.app.backup.archive import check, unpack
from aforo.app.backup.contents import CannotRestore, Contents, fingerprints
from aforo.app.place import CannotStart, Place
from aforo.app.records import is_newest, newest, upgrade
from aforo.enforcement.ledger.copies import mark_restored
from aforo.enforcement.ledger.file import newest as newest_ledger
from aforo.kit.clock import Clock
from aforo.usage.segment_log.manifest import sync_folder

_LOCK: Final = "serve.lock"


class Restored(NamedTuple):
    """What was put back, and where the folder went that stood there before."""

    contents: Contents
    moved_aside: Path | None


def restore(source: Path, data_dir: Path, key_file: Path, clock: Clock, *, force: bool = False) -> Restored:
    """Check everything, then put it in place. Raises CannotRestore, and then the data folder is as before."""
    data_dir = data_dir.absolute()
    contents = check(source)
    _check_schemas(contents)
    _check_keys(contents, key_file)
    if not force and _holds_something(data_dir):
        raise CannotRestore(
            f"The data folder {data_dir} is not empty. Name another one with --data-dir, or move it aside with --force."
        )
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        lock = Place("", 0, 0, data_dir).hold()
    except (CannotStart, OSError) as fault:
        raise CannotRestore(str(fault)) from None
    try:
        return Restored(contents, _put_in_place(source, data_dir, clock))
    except OSError as fault:
        raise CannotRestore(
            f"The backup could not be put back: {fault}. See that {data_dir.parent} may be written to and has "
            f"room, and that {data_dir} is no mount point itself; then try again."
        ) from fault
    finally:
        os.close(lock)


def _check_schemas(contents: Contents) -> None:
    for name, known in (("records.db", newest()), ("ledger.db", newest_ledger())):
        if contents.schemas.get(name, 0) > known:
            raise CannotRestore(
                f"This backup was made by Aforo {contents.version}, whose {name} is newer than this program's. "
                "Install that version, or a later one."
            )


def _check_keys(contents: Contents, key_file: Path) -> None:
    known = fingerprints(key_file)
    if lacking := [number for number, print_ in contents.keys.items() if known.get(number) != print_]:
        numbers = ", ".join(map(str, sorted(lacking)))
        what = "is not there" if not known else f"lacks key {numbers}, or holds another one under that number"
        raise CannotRestore(
            f"The sealing key {key_file.absolute()} {what}, so nothing sealed in this backup would open. "
            "Put the key there that was kept with it, mode 0600, or name it with AFORO_MASTER_KEY_FILE."
        )


def _holds_something(folder: Path) -> bool:
    """A lock alone is what an attempt to start leaves."""
    return folder.exists() and (not folder.is_dir() or any(one.name != _LOCK for one in folder.iterdir()))


def _put_in_place(source: Path, data_dir: Path, clock: Clock) -> Path | None:
    """The lock on the folder that stands there is held meanwhile. Where the old one went, if it held anything."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{data_dir.name}.restoring-", dir=data_dir.parent))
    try:
        unpack(source, fresh)
        if not is_newest(fresh / "records.db"):
            upgrade(fresh / "records.db")
        if (fresh / "ledger.db").exists():
            mark_restored(fresh / "ledger.db", int(clock.now().timestamp() * 1000))
        for folder in (fresh, *(one for one in fresh.rglob("*") if one.is_dir())):
            sync_folder(folder)
        had_something = _holds_something(data_dir)
        aside = data_dir.with_name(f"{data_dir.name}.before-{clock.now():%Y%m%dT%H%M%S%f}")
        data_dir.rename(aside)
        try:
            fresh.rename(data_dir)
        except OSError:
            aside.rename(data_dir)
            raise
        sync_folder(data_dir.parent)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if had_something:
        return aside
    with suppress(OSError):
        (aside / _LOCK).unlink(missing_ok=True)
        aside.rmdir()
    return None
