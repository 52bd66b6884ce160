"""`manifest.json`: which segments the log has, and how far each closed one counts. Replaced as a whole."""

import os
from pathlib import Path
from typing import Final

import msgspec

from aforo.usage.errors import LogDamaged

FORMAT: Final = 1
NAME: Final = "manifest.json"


class Closed(msgspec.Struct, frozen=True):
    """A segment that no longer grows. Bytes behind `length` are not part of the log.

    `history`: which writing of its file of history holds it now; 0 while it is still a file of the log.
    """

    number: int
    length: int
    history: int = 0


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """Closed segments in order, and the number of the one that is written to (0: none yet).

    A reader ignores members that it does not know and refuses a format that it does not know.
    """

    format: int = FORMAT
    open: int = 0
    closed: tuple[Closed, ...] = ()

    def numbers(self) -> list[int]:
        """All segments, oldest first."""
        return [segment.number for segment in self.closed] + ([self.open] if self.open else [])

    def length(self, number: int) -> int | None:
        """Where a closed segment ends; None for the open one."""
        segment = self.find(number)
        return None if segment is None else segment.length

    def find(self, number: int) -> Closed | None:
        """The closed segment of this number."""
        return next((segment for segment in self.closed if segment.number == number), None)

    def moved(self, number: int, writing: int) -> "Manifest":
        """The same, with a closed segment in that writing of its file of history."""
        closed = (msgspec.structs.replace(one, history=writing) if one.number == number else one for one in self.closed)
        return msgspec.structs.replace(self, closed=tuple(closed))


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:012d}.log"


def load(folder: Path) -> Manifest:
    """The manifest, or an empty one where the log has not begun. Raises LogDamaged."""
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except msgspec.MsgspecError as fault:
        raise LogDamaged(f"The manifest of the usage log `{folder.name}` cannot be read.") from fault
    if manifest.format != FORMAT:
        raise LogDamaged(f"The usage log `{folder.name}` has format {manifest.format}; this version reads {FORMAT}.")
    return manifest


def store(folder: Path, manifest: Manifest) -> None:
    """Durable and whole, or not at all; raises OSError."""
    fresh = folder / f"{NAME}.new"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / NAME)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
