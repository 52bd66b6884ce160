"""Retries told apart with many keys behind: spread over 91 days, in as many files as that leaves.

Everything is measured in a fresh process: ready is opening the files, memory its largest resident size, and the rate
that of batches of 1,000 of which one in ten is a retry of an old key. The reference is a set in memory, which knows
nothing older than itself.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

from aforo.app.bench import Figure, magnitude
from aforo.usage.dedupe import Dedupe
from aforo.usage.dedupe.ageing import KEPT_DAYS
from aforo.usage.dedupe.files import KeyFiles
from aforo.usage.dedupe.key_file import KEY, KeyFileWriter
from aforo.usage.dedupe.merge import merge
from aforo.usage.segment_log import Position

_ASKED_FOR: Final = 100_000_000
_MANY: Final = 10_000_000
_FEW: Final = 200_000
_BATCH: Final = 1_000
_BATCHES: Final = 300
_OLD: Final = 100
_READY_SECONDS: Final = 3.0
_RSS_MIB: Final = 500
_RATE: Final = 100_000


def measure(*, small: bool = False, keys: int | None = None) -> list[Figure]:
    """With `keys` behind it: 10 million unless told. The bars hold at 100 million; with fewer they are hints."""
    keys = keys or (_FEW if small else _MANY)
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), keys)
        command = [sys.executable, "-m", "aforo.app.bench.dedupe", name, str(keys)]
        told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return [
        _figure("dedupe", told["rate"], "events/s", keys, told["reference"], f"≥ {_RATE:,}", told["rate"] >= _RATE),
        _figure("dedupe ready", told["ready"], "s", keys, 0, f"< {_READY_SECONDS:g} s", told["ready"] < _READY_SECONDS),
        _figure("dedupe memory", told["rss"], "MiB", keys, 0, f"≤ {_RSS_MIB} MiB", told["rss"] <= _RSS_MIB),
    ]


def _figure(name: str, value: float, unit: str, keys: int, reference: float, bar: str, holds: bool) -> Figure:
    behind = f"{keys:,} keys in files"
    beside = f"a set in memory; {behind}" if reference else behind
    bar = f"{bar} at {_ASKED_FOR:,} keys" if keys >= _ASKED_FOR else magnitude(f"{bar}, at fewer keys")
    return Figure(name, value, unit, beside, reference, value / reference if reference else 1.0, bar, holds)


def fill(folder: Path, count: int) -> None:
    """Files as 91 days of even traffic leave them, of keys that `_key` names."""
    files = KeyFiles(folder)
    share = count // KEPT_DAYS + 1
    for day in range(KEPT_DAYS):
        numbers = np.arange(day * share, min(count, (day + 1) * share), dtype=np.uint64)
        if len(numbers):
            _seal(files, numbers, day)
        while (pair := files.to_merge()) is not None:
            number = files.reserve_number()
            merge(folder, [file.number for file in pair], number)
            files.merged(pair, number)


def _seal(files: KeyFiles, numbers: "np.ndarray[tuple[int], np.dtype[np.uint64]]", day: int) -> None:
    keys = np.empty(len(numbers), KEY)
    keys["high"], keys["low"], keys["content"] = _mixed(numbers), _mixed(~numbers), numbers
    keys.sort(order="high")
    number = files.reserve_number()
    writer = KeyFileWriter(files.folder, number, len(keys))
    writer.add(keys)
    writer.close()
    files.made(number, len(keys), (day, day))


def _mixed(numbers: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Numbers spread over 64 bits like digests (the finalizer of splitmix64)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _asked(batch: int, keys: int) -> list[bytes]:
    old = np.random.default_rng(batch).integers(0, keys, _OLD).astype(np.uint64)
    new = np.arange(keys + batch * _BATCH, keys + (batch + 1) * _BATCH - _OLD, dtype=np.uint64)
    numbers = np.concatenate([old, new])
    halves = np.empty((len(numbers), 2), "<u8")
    halves[:, 0], halves[:, 1] = _mixed(numbers), _mixed(~numbers)
    raw = halves.tobytes()
    return [raw[start : start + 16] for start in range(0, len(raw), 16)]


def _child(folder: Path, keys: int) -> dict[str, float]:
    started = time.perf_counter()
    dedupe = Dedupe(folder, lambda: KEPT_DAYS, young_keys=_BATCH * _BATCHES + 1)
    ready = time.perf_counter() - started
    spent = reference = 0.0
    memory: set[bytes] = set()
    for batch in range(_BATCHES):
        asked = _asked(batch, keys)
        started = time.perf_counter()
        known = dedupe.known(asked)
        dedupe.durable({key: 1 for key in asked if key not in known}, Position(1, batch + 1))
        spent += time.perf_counter() - started
        if len(known) < _OLD // 2:
            raise RuntimeError("old keys were not found")
        started = time.perf_counter()
        memory.update(key for key in asked if key not in memory)
        reference += time.perf_counter() - started
    events = _BATCH * _BATCHES
    return {"ready": ready, "rate": events / spent, "reference": events / reference, "rss": _largest_mib()}


def _largest_mib() -> float:
    """From the kernel's own account of this program; `getrusage` would tell the parent's, inherited at the start."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_child(Path(sys.argv[1]), int(sys.argv[2]))))
