"""Keep Aforo alive, on the machine where it is: back up, restore, and look whether all is well."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aforo.app.cli.command import command
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session

if TYPE_CHECKING:
    from aforo.app.backup import Contents

_DataDir = Annotated[Path, typer.Option("--data-dir", envvar="AFORO_DATA_DIR", help="Where Aforo keeps its files.")]
_File = Annotated[Path, typer.Argument(help="The archive.")]


def add_to(app: typer.Typer) -> None:
    """They stand at the top."""
    command(app, "backup", local=True)(backup)
    command(app, "restore", local=True)(restore)


def backup(
    session: Session,
    file: _File,
    check: Annotated[bool, typer.Option("--check", help="Make none: verify the one that is there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Copy all of Aforo's data to one archive, while it runs or not. The sealing key is not in it."""
    from aforo.app import backup as work
    from aforo.app.settings import Settings
    from aforo.kit.clock import SystemClock

    try:
        if check:
            session.answer(_told(file, work.check(file)), lambda told: f"✓ {told['file']} is whole: {_sums(told)}.")
            return
        key = Settings(data_dir=data_dir).key_path
        made = work.back_up(data_dir, key, file, SystemClock(), force=force)
    except (work.CannotBackUp, work.CannotRestore) as fault:
        raise failure("backup_failed", Exit.CONFLICT, "No backup" if not check else "Not whole", str(fault)) from None
    session.answer(
        {**_told(file, made), "keyFile": str(key.absolute())},
        lambda told: (
            f"✓ {told['file']}: {_sums(told)}.\n"
            f"  The sealing key is not in it. Keep a copy of {told['keyFile']} elsewhere."
        ),
    )


def restore(
    session: Session,
    file: _File,
    force: Annotated[
        bool, typer.Option("--force", help="Move a data folder that is not empty aside; it is never deleted.")
    ] = False,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Make a data folder from an archive, while no Aforo runs on it. Everything is checked before it is touched."""
    from aforo.app import backup as work
    from aforo.app.settings import Settings
    from aforo.kit.clock import SystemClock

    try:
        put = work.restore(file, data_dir, Settings(data_dir=data_dir).key_path, SystemClock(), force=force)
    except work.CannotRestore as fault:
        raise failure(
            "restore_failed", Exit.CONFLICT, "Not restored", str(fault), unharmed="No data was changed."
        ) from None
    aside = str(put.moved_aside) if put.moved_aside else None
    session.answer(
        {**_told(file, put.contents), "dataDir": str(data_dir.absolute()), "movedAside": aside},
        lambda told: (
            f"✓ {told['dataDir']} is as of {told['createdAt']}: {_sums(told)}.\n"
            + (f"  What stood there is now {told['movedAside']}.\n" if told["movedAside"] else "")
            + "  Leases from after that moment are unknown. Stop the gateways' nodes or let their leases run out\n"
            "  before you start Aforo, and revoke again what was revoked since."
        ),
    )


def _told(file: Path, contents: "Contents") -> dict[str, Any]:
    return {
        "file": str(file.absolute()),
        "version": contents.version,
        "createdAt": contents.created_at,
        "schemas": contents.schemas,
        "files": len(contents.files),
        "bytes": sum(one.size for one in contents.files),
    }


def _sums(told: Any) -> str:
    return f"{told['files']} files, {told['bytes']:,} bytes, made {told['createdAt']} by Aforo {told['version']}"
