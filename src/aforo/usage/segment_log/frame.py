"""The bytes of a segment.

A segment begins with a head of 32 bytes: `AFOROLOG`, format version (2, little endian like all below), 6 zero bytes,
its number (8), time of making in ns (8). Frames follow: length of the payload (4), CRC-32 of length and payload (4),
payload. A length of zero ends the data, so that a segment may be laid out larger than what it holds.
"""

import struct
import zlib
from typing import Final, NamedTuple

FORMAT_VERSION: Final = 1
MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024
HEAD: Final = struct.Struct("<8sH6xQQ")
FRAME: Final = struct.Struct("<II")
_MAGIC: Final = b"AFOROLOG"
_LENGTH: Final = struct.Struct("<I")


class Position(NamedTuple):
    """Where a frame begins. Positions grow with time over all segments."""

    segment: int
    offset: int


class Frame(NamedTuple):
    """One payload and where it stood; `end` is the offset of the next frame."""

    position: Position
    end: int
    payload: bytes


def segment_head(number: int, made_ns: int) -> bytes:
    return HEAD.pack(_MAGIC, FORMAT_VERSION, number, made_ns)


def is_segment_head(head: bytes, number: int) -> bool:
    """Whether these bytes begin segment `number` in a format that is read here."""
    if len(head) < HEAD.size:
        return False
    magic, version, its_number, _ = HEAD.unpack_from(head)
    return bool(magic == _MAGIC and version == FORMAT_VERSION and its_number == number)


def framed(payload: bytes) -> bytes:
    """The payload with its length and checksum."""
    return FRAME.pack(len(payload), checksum(payload)) + payload


def after(position: Position, payload: bytes) -> Position:
    """The place behind a frame: where the next one begins, in this segment or in the one that follows."""
    return Position(position.segment, position.offset + FRAME.size + len(payload))


def checksum(payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_LENGTH.pack(len(payload))))
