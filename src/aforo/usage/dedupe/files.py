"""The files of keys of one log, and the manifest that names them. What the manifest does not name does not exist."""

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import numpy as np

from aforo.usage.dedupe.ageing import KeyFile, is_past, to_merge
from aforo.usage.dedupe.key_file import KeyFileReader, KeyFileWriter, delete, keys_of
from aforo.usage.errors import LogDamaged
from aforo.usage.segment_log import Position
from aforo.usage.segment_log.manifest import sync_folder

FORMAT: Final = 1
_NAME: Final = "manifest.json"


_Files: TypeAlias = tuple[KeyFile, ...]


class _Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """`segment` and `offset`: the keys of all frames before that place of the log are in the files."""

    seed: int
    format: int = FORMAT
    segment: int = 0
    offset: int = 0
    next: int = 1
    files: _Files = ()


class KeyFiles:
    """Opens what the manifest names and clears away what it does not; a folder without one begins anew.

    What writes is durable before it returns, raises OSError, and may run on any thread: `find` sees either the files
    before or the files after.
    """

    def __init__(self, folder: Path) -> None:
        """Raises LogDamaged when a file that the manifest names is not whole, or the format is a later one."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.RLock()
        self._manifest = self._loaded()
        self._readers = {file.number: self._opened(file.number) for file in self._manifest.files}
        self._clear_strays()

    @property
    def seed(self) -> int:
        return self._manifest.seed

    @property
    def position(self) -> Position:
        return Position(self._manifest.segment, self._manifest.offset)

    @property
    def files(self) -> _Files:
        return self._manifest.files

    def find(self, digests: list[bytes]) -> dict[bytes, int]:
        """The contents of those keys that are in any file."""
        readers = list(self._readers.values())
        if not readers:
            return {}
        halves = np.frombuffer(b"".join(digests), "<u8").reshape(len(digests), 2)
        high, low = np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])
        return {
            digests[place]: content for reader in readers for place, content in reader.content_of(high, low).items()
        }

    def seal(self, keys: dict[bytes, int], days: tuple[int, int], position: Position) -> None:
        """One more file; all keys before `position` are then in files."""
        number = self.reserve_number()
        writer = KeyFileWriter(self.folder, number, len(keys))
        writer.add(keys_of(b"".join(keys), keys.values(), len(keys)))
        writer.close()
        self.made(number, len(keys), days, segment=position.segment, offset=position.offset)

    def made(self, number: int, count: int, days: tuple[int, int], **place: int) -> None:
        """Take over a file that has been written; with the place in the log that it reaches to, if it moves that."""
        self._change(lambda now: (*now, KeyFile(number, count, *days)), **place)

    def to_merge(self) -> tuple[KeyFile, KeyFile] | None:
        return to_merge(self.files)

    def reserve_number(self) -> int:
        """A number for a new file, never given again: a child process of an earlier life may still write to its own."""
        with self._lock:
            number = self._manifest.next
            self._change(lambda now: now, next=number + 1)
        return number

    def merged(self, pair: tuple[KeyFile, KeyFile], number: int) -> None:
        """File `number` takes the place of two neighbours."""
        one, other = pair
        days = min(one.first_day, other.first_day), max(one.last_day, other.last_day)
        made = KeyFile(number, one.count + other.count, *days)
        self._change(lambda now: tuple(made if file == one else file for file in now if file != other))

    def drop_past(self, today: int) -> None:
        if any(is_past(file, today) for file in self.files):
            self._change(lambda now: tuple(file for file in now if not is_past(file, today)))

    def _change(self, files: Callable[[_Files], _Files], **members: int) -> None:
        """The manifest first, then the readers, then the files that nothing names any more.

        A `find` on another thread may still hold a reader that goes: its file stays open until it is collected.
        """
        with self._lock:
            before = self._manifest
            fresh = msgspec.structs.replace(before, files=files(before.files), **members)
            sync_folder(self.folder)
            _store(self.folder, fresh)
            self._manifest = fresh
            self._readers = {
                file.number: self._readers.get(file.number) or self._opened(file.number) for file in fresh.files
            }
        for number in {file.number for file in before.files} - {file.number for file in fresh.files}:
            delete(self.folder, number)

    def _opened(self, number: int) -> KeyFileReader:
        try:
            return KeyFileReader(self.folder, number)
        except (OSError, ValueError, IndexError) as fault:
            raise LogDamaged(
                f"File {number} of the keys already seen (`dedupe/{self.folder.name}`) is missing or not whole.",
                next_step="Move that folder away: the keys are then read back from the log, as far as it reaches.",
            ) from fault

    def _loaded(self) -> _Manifest:
        try:
            manifest = msgspec.json.decode((self.folder / _NAME).read_bytes(), type=_Manifest)
        except FileNotFoundError:
            manifest = _Manifest(secrets.randbits(63))
            _store(self.folder, manifest)
        except msgspec.MsgspecError as fault:
            raise LogDamaged(f"The manifest of `dedupe/{self.folder.name}` cannot be read.") from fault
        if manifest.format != FORMAT:
            raise LogDamaged(f"`dedupe/{self.folder.name}` has format {manifest.format}; this version reads {FORMAT}.")
        return manifest

    def _clear_strays(self) -> None:
        named = {file.number for file in self.files}
        for path in self.folder.glob("[0-9]*.*"):
            if int(path.stem) not in named:
                path.unlink()


def _store(folder: Path, manifest: _Manifest) -> None:
    """Durable and whole, or not at all. Holds the seed: for the owner only."""
    fresh = folder / f"{_NAME}.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _NAME)
    sync_folder(folder)
