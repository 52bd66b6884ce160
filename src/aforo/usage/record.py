"""What a frame of the log holds: one request's accepted events, or the retries that it brought.

Bytes: kind (1), length of the tenant's id (1), the id, time of receipt in ns (8, little endian), number of events (4),
then MessagePack. The head alone tells whether a reader needs the rest.

Kind 1 (written by 0.1.0, read for ever): an array of events, each an array in the order of `Event`.
Kind 2: mark of the digests' seed; 16 bytes for each key; 8 for each content; then a column for each member of `Event`:
nil where no event has it, one value where all have the same, else all values.
Kind 3: for each retry with a sequence number its node, epoch and seq; no events.
Kind 4: the columns of kind 2 without what comes before them. No log holds it: it is how `history` gives events back.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from aforo.usage.errors import LogDamaged
from aforo.usage.model import Credential, Event, Trace
from aforo.usage.rules.columns import NAMES, Columns, of_events, rows

EVENTS: Final = 1
COLUMNS: Final = 2
RETRIES: Final = 3
HISTORY: Final = 4
_TAIL: Final = struct.Struct("<QI")
_PLACE: Final = {name: index for index, name in enumerate(NAMES)}
_NEVER_SHORTENED: Final = frozenset({"response_time_ms", "execution_duration_ms", "session_boundary"})
"""Members whose equal values need not look equal, such as 1 and 1.0."""
_encoder: Final = msgspec.msgpack.Encoder()
_anything: Final = msgspec.msgpack.Decoder()
_events: Final = msgspec.msgpack.Decoder(list[Event])


class Digests(msgspec.Struct, frozen=True, gc=False):
    """What stands for the events' keys and contents, under the seed that `mark` names."""

    mark: int
    keys: list[bytes]
    contents: list[int]


class Record:
    """A frame's head, and its events still encoded until somebody asks. Members may be asked for column by column,
    which is much cheaper than `events`."""

    def __init__(self, kind: int, tenant_id: str, received_ns: int, count: int, encoded: memoryview) -> None:
        self.kind = kind
        self.tenant_id = tenant_id
        self.received_ns = received_ns
        self.count = count
        self._encoded = encoded
        self._parts: list[Any] | None = None
        self._columns: Columns | None = None

    @classmethod
    def just_made(cls, tenant_id: str, received_ns: int, columns: Columns, count: int) -> "Record":
        """Of events that need not be decoded, since they have just been judged."""
        record = cls(COLUMNS, tenant_id, received_ns, count, memoryview(b""))
        record._columns = columns
        return record

    def column(self, name: str) -> Sequence[Any]:
        """One member of every event, in order; None where an event lacks it."""
        column = self.columns()[_PLACE[name]]
        return (None,) * self.count if column is None else column

    def columns(self) -> Columns:
        """All members; a column is None where no event has it."""
        if self._columns is None:
            self._columns = self._read_columns()
        return self._columns

    def _read_columns(self) -> Columns:
        if self.count == 0:
            return [None] * len(NAMES)
        if self.kind == EVENTS:
            return of_events(_events.decode(self._encoded))
        parts = self._decoded()[3:] if self.kind == COLUMNS else self._decoded()
        return [_full(name, part, self.count) for name, part in zip(NAMES, parts, strict=False)]

    def events(self) -> list[Event]:
        if self.kind == EVENTS:
            return _events.decode(self._encoded)
        return events_of(self.columns()) if self.count else []

    def digests(self) -> Digests | None:
        """None where the frame holds none: the reader makes them from the events."""
        if self.kind != COLUMNS:
            return None
        mark, keys, contents, *_ = self._decoded()
        whole = [keys[start : start + 16] for start in range(0, len(keys), 16)]
        return Digests(mark, whole, list(struct.unpack(f"<{self.count}Q", contents)))

    def retries(self) -> list[tuple[str, int | str | None, int]]:
        """(node, epoch, seq) of events that came again."""
        return [tuple(one) for one in _anything.decode(self._encoded)] if self.kind == RETRIES else []

    def _decoded(self) -> list[Any]:
        if self._parts is None:
            self._parts = _anything.decode(self._encoded)
        return self._parts


def events_of(columns: Columns) -> list[Event]:
    """The events of which these are the members."""
    return [Event(*_settled(row)) for row in rows(columns)]


def encode(tenant_id: str, received_ns: int, columns: Columns, digests: Digests) -> bytes:
    """The payload of a frame of events; there is at least one."""
    count = len(digests.keys)
    contents = struct.pack(f"<{count}Q", *digests.contents)
    body = _encoder.encode([digests.mark, b"".join(digests.keys), contents, *_parts(columns, count)])
    return _head(COLUMNS, tenant_id, received_ns, count) + body


def encode_history(tenant_id: str, received_ns: int, columns: Columns, count: int) -> bytes:
    """The payload that a frame of events had before it went into history, but for the digests."""
    return _head(HISTORY, tenant_id, received_ns, count) + _encoder.encode(_parts(columns, count))


def encode_retries(tenant_id: str, received_ns: int, retries: Iterable[tuple[str, int | str | None, int]]) -> bytes:
    """The payload of a frame of retries."""
    return _head(RETRIES, tenant_id, received_ns, 0) + _encoder.encode(list(retries))


def decode(payload: bytes) -> Record | None:
    """The record, or None for a kind that a later version wrote. Raises LogDamaged."""
    try:
        kind, length = payload[0], payload[1]
        if kind not in (EVENTS, COLUMNS, RETRIES, HISTORY):
            return None
        received_ns, count = _TAIL.unpack_from(payload, 2 + length)
        encoded = memoryview(payload)[2 + length + _TAIL.size :]
        return Record(kind, payload[2 : 2 + length].decode(), received_ns, count, encoded)
    except (IndexError, struct.error, UnicodeDecodeError) as fault:
        raise LogDamaged("A frame of the usage log holds a record that cannot be read.") from fault


def _head(kind: int, tenant_id: str, received_ns: int, count: int) -> bytes:
    tenant = tenant_id.encode()
    return bytes((kind, len(tenant))) + tenant + _TAIL.pack(received_ns, count)


def _parts(columns: Columns, count: int) -> list[Sequence[Any] | None]:
    return [_short(name, column, count) for name, column in zip(NAMES, columns, strict=True)]


def _short(name: str, column: Sequence[Any] | None, count: int) -> Sequence[Any] | None:
    if column is None or name in _NEVER_SHORTENED:
        return column
    first = column[0]
    return (first,) if count > 1 and column[-1] == first and column.count(first) == count else column


def _full(name: str, part: list[Any] | None, count: int) -> Sequence[Any] | None:
    if part is None:
        return None
    if name == "credential":
        part = [None if one is None else Credential(*one) for one in part]
    elif name == "trace":
        part = [None if one is None else Trace(*one) for one in part]
    return part * count if len(part) == 1 else part


def _settled(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row if row[-1] is not None else (*row[:-1], b"")
