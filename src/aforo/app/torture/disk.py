"""The disk that forgets: builds `disk.c`, and after a kill takes back what was never synced."""

import os
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("disk.c")
_RECORD: Final = struct.Struct("=QQQ")  # size before, offset, length of the old bytes, which follow
_SYNCED: Final = struct.Struct("=QQQ")  # kind, began, ended
_SYNCS: Final = "syncs"
SEGMENT, LEDGER = 1, 2


class CannotTorture(Exception):
    """Something that it takes is missing here."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What one life of the edge has to bear. `faults`: of a thousand writes or syncs so many fail."""

    slow_us: int = 0
    faults: int = 0
    clock_seconds: int = 0


@dataclass(slots=True)
class Disk:
    """Below `root` only synced bytes survive `lose`. `side` holds the journals and is the disk's own."""

    root: Path
    side: Path
    library: Path
    lost_writes: int = 0
    torn_files: int = 0
    syncs: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: {SEGMENT: [], LEDGER: []})

    def environment(self, weather: Weather) -> dict[str, str]:
        return {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "AFORO_TORTURE_ROOT": str(self.root),
            "AFORO_TORTURE_SIDE": str(self.side),
            "AFORO_TORTURE_SLOW_US": str(weather.slow_us),
            "AFORO_TORTURE_FAULTS": str(weather.faults),
            "AFORO_TORTURE_CLOCK": str(weather.clock_seconds),
        }

    def lose(self, chance: random.Random) -> None:
        """Call when no process has the files open. Of each file's unsynced writes all are lost, or a random number of
        the last ones, and then the first of those may survive in part.
        """
        self._note_syncs()
        files = {path.stat().st_ino: path for path in self.root.rglob("*") if path.is_file()}
        for journal in self.side.iterdir():
            path = files.get(int(journal.name))
            if path is not None:
                self._undo(path, journal.read_bytes(), chance)
            journal.unlink()
        for path in self.root.rglob("*-shm"):
            path.unlink()

    def settle(self) -> None:
        """After a clean end: what was not synced is kept, as the kernel will write it in time."""
        self._note_syncs()
        for journal in self.side.iterdir():
            journal.unlink()

    def _note_syncs(self) -> None:
        path = self.side / _SYNCS
        if path.exists():
            whole = path.read_bytes()
            for kind, began, ended in _SYNCED.iter_unpack(whole[: len(whole) // _SYNCED.size * _SYNCED.size]):
                if kind in self.syncs:
                    self.syncs[kind].append((began, ended))
            path.unlink()

    def _undo(self, path: Path, journal: bytes, chance: random.Random) -> None:
        records = _records(journal)
        survive = 0 if chance.random() < 0.5 else chance.randint(0, len(records))
        lost = records[survive:]
        self.lost_writes += len(lost)
        with path.open("r+b") as file:
            for size, offset, old in reversed(lost):
                file.seek(offset)
                file.write(old)
                file.truncate(size)
            if survive and lost and chance.random() < 0.5:
                self.torn_files += _tear(file.fileno(), lost[0], chance)


def _tear(handle: int, lost: tuple[int, int, bytes], chance: random.Random) -> int:
    """Let the file grow a little with what a torn write leaves: bytes of no meaning. Whether it did."""
    size, offset, old = lost
    if old or offset != size:  # it overwrote something: only appends are torn
        return 0
    os.pwrite(handle, chance.randbytes(chance.randint(1, 200)), size)
    return 1


def _records(journal: bytes) -> list[tuple[int, int, bytes]]:
    """A last one that is cut short was being written at the kill; its change had not begun."""
    found, place = [], 0
    while place + _RECORD.size <= len(journal):
        size, offset, length = _RECORD.unpack_from(journal, place)
        place += _RECORD.size
        if place + length > len(journal):
            break
        found.append((size, offset, journal[place : place + length]))
        place += length
    return found


def build(folder: Path) -> Path:
    """The compiled library. Raises CannotTorture where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise CannotTorture("A C compiler is needed (cc). On Debian and Ubuntu: apt-get install gcc libc6-dev.")
    made = folder / "disk.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-pthread", "-o", str(made), str(_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  the compiler, our source
    if done.returncode:
        raise CannotTorture(f"The C compiler could not build {_SOURCE.name}: {done.stderr.strip()[-500:]}")
    return made
