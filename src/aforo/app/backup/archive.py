"""The archive: a plain tar of the files, then its manifest."""

import hashlib
import os
import tarfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from aforo.app.backup.contents import FORMAT, NAME, CannotRestore, Contents, Copied

_PIECE: Final = 1 << 20
_LONGEST_MANIFEST: Final = 64 << 20


class _Hashed:
    """Reads a file and hashes what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.sha256.update(piece)
        return piece


class Archive:
    """One that is being written. Everything raises OSError."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  only a whole one is ended, by close_with
        self.copied: list[Copied] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add_open(name, file, path.stat().st_size)

    def add_bytes(self, name: str, data: bytes) -> None:
        self.add_open(name, BytesIO(data), len(data))

    def add_open(self, name: str, file: IO[bytes], size: int) -> None:
        """The first `size` bytes of an open file."""
        member, hashed = tarfile.TarInfo(name), _Hashed(file)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, hashed)
        self.copied.append(Copied(name, size, hashed.sha256.hexdigest()))

    def close_with(self, contents: Contents) -> None:
        """The manifest, and everything on the disk."""
        data = msgspec.json.format(msgspec.json.encode(contents))
        member = tarfile.TarInfo(NAME)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, BytesIO(data))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())


def check(path: Path) -> Contents:
    """Read all of an archive and hold each file to its SHA-256. Raises CannotRestore."""
    try:
        with tarfile.open(path, "r:") as archive:
            found, contents = {}, None
            for member in archive:
                if member.name == NAME:
                    contents = _contents(archive, member)
                else:
                    found[member.name] = _seen(archive, member)
    except OSError as fault:
        raise CannotRestore(f"{path} cannot be read: {fault.strerror or fault}. Name another file.") from None
    except tarfile.TarError:
        raise CannotRestore(f"{path} is no backup of Aforo, or is cut short. Take another one.") from None
    if contents is None:
        raise CannotRestore(f"{path} has no manifest: it is no backup of Aforo, or is cut short. Take another one.")
    _compare(path, contents, found)
    return contents


def unpack(path: Path, folder: Path) -> None:
    """Write the files of an archive that was checked, durably. Raises OSError, and CannotRestore if it has changed."""
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            if member.name != NAME:
                _unpack(archive, member, folder / _inside(member))


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Contents:
    file = archive.extractfile(member) if member.size <= _LONGEST_MANIFEST else None
    try:
        data = file.read() if file else b""
        if (given := msgspec.json.decode(data).get("format")) != FORMAT:
            raise CannotRestore(f"This backup has format {given}; this Aforo reads {FORMAT}. Use a newer one.")
        return msgspec.json.decode(data, type=Contents)
    except (msgspec.MsgspecError, AttributeError):
        raise CannotRestore("The manifest of this backup cannot be read. Take another one.") from None


def _seen(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Copied:
    _inside(member)
    file = archive.extractfile(member)
    hashed = _Hashed(file) if file else None
    while hashed and hashed.read(_PIECE):
        pass
    return Copied(member.name, member.size, hashed.sha256.hexdigest() if hashed else "")


def _inside(member: tarfile.TarInfo) -> PurePosixPath:
    """Its place in a data folder; a backup has plain files there and nothing that leads out."""
    path = PurePosixPath(member.name)
    if not member.isreg() or path.is_absolute() or ".." in path.parts:
        raise CannotRestore(f"{member.name!r} has no place in a backup. Take another one.")
    return path


def _compare(path: Path, contents: Contents, found: dict[str, Copied]) -> None:
    told = {one.path: one for one in contents.files}
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong:
        raise CannotRestore(
            f"{path} is damaged: {', '.join(wrong[:5])} {'is' if len(wrong) == 1 else 'are'} not as when it was made. "
            "Take another one."
        )


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    file = archive.extractfile(member)
    if file is None:
        raise CannotRestore(f"{member.name!r} has no place in a backup. Take another one.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as made:
        while piece := file.read(_PIECE):
            made.write(piece)
        made.flush()
        os.fsync(made.fileno())
