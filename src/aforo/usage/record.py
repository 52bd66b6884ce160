"""What a frame of the log holds: one request's accepted events.

Bytes: kind (1), length of the tenant's id (1), the id, time of receipt in ns (8, little endian), number of events (4),
then the events as a MessagePack array of arrays. The head alone tells whether a reader needs the rest.
"""

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from aforo.usage.errors import LogDamaged
from aforo.usage.model import Event

EVENTS: Final = 1
_TAIL: Final = struct.Struct("<QI")
_encoder: Final = msgspec.msgpack.Encoder()
_events: Final = msgspec.msgpack.Decoder(list[Event])
_raws: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Record:
    """A frame's head, and the events still encoded."""

    tenant_id: str
    received_ns: int
    count: int
    encoded: memoryview

    def events(self) -> list[Event]:
        return _events.decode(self.encoded)

    def raw_events(self) -> list[bytes]:
        """Each event as it was encoded, for digests of its content."""
        return [bytes(raw) for raw in _raws.decode(self.encoded)]


def encode_event(event: Event) -> bytes:
    return _encoder.encode(event)


def encode(tenant_id: str, received_ns: int, encoded_events: list[bytes]) -> bytes:
    """A frame's payload."""
    tenant = tenant_id.encode()
    head = bytes((EVENTS, len(tenant))) + tenant + _TAIL.pack(received_ns, len(encoded_events))
    return b"".join((head, b"\xdd" + len(encoded_events).to_bytes(4, "big"), *encoded_events))


def decode(payload: bytes) -> Record | None:
    """The record, or None for a kind that a later version wrote. Raises LogDamaged."""
    try:
        kind, length = payload[0], payload[1]
        if kind != EVENTS:
            return None
        received_ns, count = _TAIL.unpack_from(payload, 2 + length)
        return Record(payload[2 : 2 + length].decode(), received_ns, count, memoryview(payload)[2 + length + 12 :])
    except (IndexError, struct.error, UnicodeDecodeError) as fault:
        raise LogDamaged("A frame of the usage log holds a record that cannot be read.") from fault
