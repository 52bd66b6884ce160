"""An immutable file of keys, sorted, with the filter and the sparse index beside it.

`N.keys`: 24 bytes a key, little endian: its first and second half, its content. Sorted by the first half.
`N.filter`: number of keys and of index entries (8 bytes each), the index (first half of every 256th key), the filter.
"""

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aforo.usage.dedupe import key_filter
from aforo.usage.dedupe.key_filter import Words

Keys = NDArray[Any]
"""An array of `KEY`."""

KEY: Final = np.dtype([("high", "<u8"), ("low", "<u8"), ("content", "<u8")])
_STRIDE: Final = 256


def keys_of(digests: bytes, contents: Any, count: int) -> Keys:
    """Sorted keys from 16 bytes each and as many contents."""
    halves = np.frombuffer(digests, "<u8").reshape(count, 2)
    keys = np.empty(count, KEY)
    keys["high"], keys["low"] = halves[:, 0], halves[:, 1]
    keys["content"] = np.fromiter(contents, np.uint64, count)
    return keys[np.argsort(keys["high"], kind="stable")]


class KeyFileWriter:
    """Writes one file from sorted pieces that follow each other; `close` makes it durable."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._path = folder / f"{number:012d}"
        self._keys = self._path.with_suffix(".keys").open("wb")
        self._words = key_filter.empty(count)
        self._index: list[NDArray[np.uint64]] = []
        self._count = 0

    def add(self, piece: Keys) -> None:
        self._keys.write(piece.tobytes())
        key_filter.add(self._words, piece["high"], piece["low"])
        self._index.append(piece["high"][-self._count % _STRIDE :: _STRIDE].copy())
        self._count += len(piece)

    def close(self) -> None:
        _sync_and_close(self._keys)
        index = np.concatenate(self._index) if self._index else np.zeros(0, np.uint64)
        beside = self._path.with_suffix(".filter").open("wb")
        beside.write(np.array([self._count, len(index)], "<u8").tobytes())
        beside.write(index.astype("<u8").tobytes())
        beside.write(self._words.astype("<u8").tobytes())
        _sync_and_close(beside)


class KeyFileReader:
    """One file, its filter and index mapped into memory, its keys read where they are asked for."""

    def __init__(self, folder: Path, number: int) -> None:
        """Raises OSError, or ValueError when the filter is not whole."""
        path = folder / f"{number:012d}"
        mapped = np.memmap(path.with_suffix(".filter"), "<u8", mode="r")
        self.count, entries = int(mapped[0]), int(mapped[1])
        self._index: Words = mapped[2 : 2 + entries]
        self._words: Words = mapped[2 + entries :].view(np.ndarray)
        self._handle = os.open(path.with_suffix(".keys"), os.O_RDONLY)
        if os.fstat(self._handle).st_size != self.count * KEY.itemsize:
            raise ValueError(f"file of keys {number} is not whole")

    def content_of(self, high: Words, low: Words) -> dict[int, int]:
        """Content by position, for those of the keys that are in the file. The filter is asked first."""
        maybe = np.flatnonzero(key_filter.may_hold(self._words, high, low))
        found = ((int(place), self._content(high[place], low[place])) for place in maybe)
        return {place: content for place, content in found if content is not None}

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            os.close(self._handle)

    def _content(self, high: np.uint64, low: np.uint64) -> int | None:
        block = max(0, int(np.searchsorted(self._index, high)) - 1)
        last = int(np.searchsorted(self._index, high, "right"))
        start, size = block * _STRIDE * KEY.itemsize, (last - block) * _STRIDE * KEY.itemsize
        keys = np.frombuffer(os.pread(self._handle, size, start), KEY)
        same = keys[(keys["high"] == high) & (keys["low"] == low)]
        return int(same[0]["content"]) if len(same) else None


def delete(folder: Path, number: int) -> None:
    for suffix in (".keys", ".filter"):
        (folder / f"{number:012d}{suffix}").unlink(missing_ok=True)


def _sync_and_close(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
