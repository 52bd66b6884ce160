"""Merges two files of keys into one. `python -m aforo.usage.dedupe.merge FOLDER ONE OTHER MADE`, in a child process
of the edge: it takes minutes of CPU for a hundred million keys, and no memory to speak of.
"""

import os
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from aforo.usage.dedupe.key_file import KEY, KeyFileWriter, Keys

_PIECE_KEYS: Final = 1_000_000


def merge(folder: Path, numbers: list[int], made: int) -> int:
    """Write file `made` from the keys of `numbers`; gives how many it holds."""
    paths = [folder / f"{number:012d}.keys" for number in numbers]
    files = [np.memmap(path, KEY, mode="r") for path in paths if path.stat().st_size]
    count = sum(map(len, files))
    writer = KeyFileWriter(folder, made, count)
    for piece in _pieces(files, max(1, count // _PIECE_KEYS)):
        writer.add(piece)
    writer.close()
    return count


def _pieces(files: Sequence[Keys], parts: int) -> Iterator[Keys]:
    """Keys of all files in order, cut by equal shares of the key space, which digests fill evenly."""
    starts = [0] * len(files)
    for part in range(1, parts + 1):
        limit = 2**64 * part // parts - 1
        ends = [bisect_right(file, limit, key=_high) for file in files]
        piece = np.concatenate([file[start:end] for file, start, end in zip(files, starts, ends, strict=True)])
        yield piece[np.argsort(piece["high"], kind="stable")]
        starts = ends


def _high(key: Any) -> int:
    return int(key["high"])


def main() -> None:
    folder, *numbers, made = sys.argv[1:]
    os.nice(10)
    merge(Path(folder), list(map(int, numbers)), int(made))


if __name__ == "__main__":
    main()
