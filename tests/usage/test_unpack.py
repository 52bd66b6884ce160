"""Several members and frames in one body, as the formats allow."""

import gzip
import tracemalloc
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard

from aforo.kit.errors import TooLarge
from aforo.usage.unpack import unpacked

FORMATS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("zstd", zstandard.compress),
    ("lz4", lz4.frame.compress),
]


@pytest.mark.parametrize(("encoding", "pack"), FORMATS)
def test_parts_that_follow_each_other_are_one_body(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    parts = [b"first ", b"x" * 300_000, b"", b" last"]
    assert unpacked(b"".join(map(pack, parts)), encoding) == b"".join(parts)
    assert unpacked(pack(b""), encoding) == b""


@pytest.mark.parametrize(("encoding", "pack"), FORMATS)
def test_a_bomb_takes_no_more_memory_than_a_full_body(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(300 * 1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpacked(bomb, encoding)
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()
