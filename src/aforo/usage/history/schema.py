"""The columns of a file of history, and how events turn into them and back, without loss."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

import msgspec
import pyarrow as pa

from aforo.usage import record
from aforo.usage.model import Credential, Trace
from aforo.usage.record import RETRIES, Record
from aforo.usage.rules.columns import NAMES
from aforo.usage.rules.quantity import NANOS
from aforo.usage.segment_log.frame import Position

_QUANTITY: Final = pa.decimal128(24, 9)
_BILLIONTHS: Final = pa.decimal128(24, 0)
_MOMENT: Final = pa.timestamp("ns")
_EITHER: Final = ("response_time_ms", "execution_duration_ms", "session_boundary", "epoch")
"""Members that may be of several kinds; they stand here as JSON, so that 1, 1.0 and "1" come back as they were."""
_KINDS: Final = {"credential": Credential, "trace": Trace}
_NESTED: Final = {name: kind.__struct_fields__ for name, kind in _KINDS.items()}
_ELSEWHERE: Final = frozenset({"whole", "nano", "occurred_ns"})
_REST: Final = [name for name in NAMES if name not in _ELSEWHERE]
_EVENTS_AT_ONCE: Final = 16_384


def _type_of(name: str) -> pa.DataType:
    if name in _NESTED:
        return pa.struct([(member, pa.string()) for member in _NESTED[name]])
    return pa.int64() if name in ("status_code", "seq") else pa.string()


SCHEMA: Final = pa.schema(
    [
        pa.field("tenant_id", pa.string(), nullable=False),
        pa.field("is_retry", pa.bool_(), nullable=False),
        pa.field("segment_offset", pa.int64(), nullable=False),
        pa.field("segment_index", pa.int32(), nullable=False),
        pa.field("received_at", _MOMENT, nullable=False),
        pa.field("occurred_at", _MOMENT),
        pa.field("quantity", _QUANTITY),
        *(pa.field(name, _type_of(name)) for name in _REST),
    ],
    metadata={"aforo.format": "1"},
)
"""`segment_offset` and `segment_index`: which frame of the segment, and which event of it. Moments are UTC. A retry has
its node, epoch and number alone; an event without `idempotency_key` was reduced to what sums and sequences need."""
ORDER: Final = ("tenant_id", "customer_id", "occurred_at", "segment_offset", "segment_index")


def table_of(frames: Iterable[tuple[Position, Record]]) -> pa.Table:
    """All events and retries of some frames, in their order."""
    batches: list[pa.Table] = []
    waiting: list[tuple[int, Record]] = []
    events = 0
    for position, found in frames:
        waiting.append((position.offset, found))
        events += found.count or 1
        if events >= _EVENTS_AT_ONCE:
            batches.append(_batch(waiting))
            waiting, events = [], 0
    if waiting:
        batches.append(_batch(waiting))
    return pa.concat_tables(batches) if batches else SCHEMA.empty_table()


def _batch(frames: list[tuple[int, Record]]) -> pa.Table:
    parts = [_retries(offset, found) for offset, found in frames if found.kind == RETRIES]
    events = [(offset, found) for offset, found in frames if found.count]
    if events:
        parts.append(_events(events))
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table()


def _retries(offset: int, found: Record) -> pa.Table:
    retries = found.retries()
    known = {
        "tenant_id": [found.tenant_id] * len(retries),
        "is_retry": [True] * len(retries),
        "segment_offset": [offset] * len(retries),
        "segment_index": range(len(retries)),
        "received_at": [found.received_ns] * len(retries),
        "node_id": [node for node, _, _ in retries],
        "epoch": _json([epoch for _, epoch, _ in retries]),
        "seq": [seq for _, _, seq in retries],
    }
    return _table({name: pa.array(values, SCHEMA.field(name).type) for name, values in known.items()}, len(retries))


def _events(frames: list[tuple[int, Record]]) -> pa.Table:
    records = [found for _, found in frames]
    nanos = [
        whole * NANOS + nano
        for found in records
        for whole, nano in zip(found.column("whole"), found.column("nano"), strict=True)
    ]
    known = {
        "tenant_id": [one.tenant_id for one in records for _ in range(one.count)],
        "is_retry": [False] * len(nanos),
        "segment_offset": [offset for offset, one in frames for _ in range(one.count)],
        "segment_index": [index for one in records for index in range(one.count)],
        "received_at": [one.received_ns for one in records for _ in range(one.count)],
        "occurred_at": _joined("occurred_ns", records),
    }
    arrays = {name: pa.array(values, SCHEMA.field(name).type) for name, values in known.items()}
    arrays["quantity"] = _retyped(pa.array(nanos, _BILLIONTHS), _QUANTITY)
    for name in _REST:
        if any(one.columns()[NAMES.index(name)] is not None for one in records):
            arrays[name] = _array(name, _joined(name, records))
    return _table(arrays, len(nanos))


def _joined(name: str, records: list[Record]) -> list[Any]:
    return [value for one in records for value in one.column(name)]


def _array(name: str, values: list[Any]) -> pa.Array:
    if name == "idempotency_key":
        return pa.array([key or None for key in values], pa.string())
    if name == "metadata":
        return pa.array([text.decode() if text else None for text in values], pa.string())
    if name in _EITHER:
        return pa.array(_json(values), pa.string())
    if name in _NESTED:
        members = zip(*(_members(one, len(_NESTED[name])) for one in values), strict=True)
        lacking = pa.array([one is None for one in values])
        arrays = [pa.array(one, pa.string()) for one in members]
        return pa.StructArray.from_arrays(arrays, fields=list(_type_of(name)), mask=lacking)
    return pa.array(values, _type_of(name))


def _members(nested: Any, count: int) -> Iterable[Any]:
    return repeat(None, count) if nested is None else msgspec.structs.astuple(nested)


def _json(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else msgspec.json.encode(value).decode() for value in values]


def _table(arrays: dict[str, pa.Array], count: int) -> pa.Table:
    columns = [arrays[field.name] if field.name in arrays else pa.nulls(count, field.type) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _retyped(decimals: pa.Array, to: pa.DataType) -> pa.Array:
    """The same digits, with the point elsewhere."""
    return pa.Array.from_buffers(to, len(decimals), decimals.buffers(), decimals.null_count, decimals.offset)


class Rows:
    """Some rows in the order of their places, as the frames that they came from."""

    def __init__(self, table: pa.Table) -> None:
        """`table` is sorted by place and holds whole frames."""
        self._columns: dict[str, Sequence[Any]] = {
            name: _values(name, table.column(name).combine_chunks()) for name in SCHEMA.names
        }
        self.offsets: Sequence[int] = self._columns["segment_offset"]
        self.indexes: Sequence[int] = self._columns["segment_index"]
        self.received: Sequence[int] = self._columns["received_at"]

    def payload(self, first: int, behind: int) -> bytes:
        """The frame of which these are all rows."""
        columns = self._columns
        tenant, received = columns["tenant_id"][first], columns["received_at"][first]
        if columns["is_retry"][first]:
            named = (columns[name][first:behind] for name in ("node_id", "epoch", "seq"))
            return record.encode_retries(tenant, received, zip(*named, strict=True))
        return record.encode_history(tenant, received, self.events(first, behind), behind - first)

    def events(self, first: int, behind: int) -> list[Sequence[Any] | None]:
        """The events of these rows, member by member, in the order of `Event`."""
        pairs = [divmod(nanos, NANOS) for nanos in self._columns["quantity"][first:behind]]
        made = {
            "whole": [whole for whole, _ in pairs],
            "nano": [nano for _, nano in pairs],
            "occurred_ns": self._columns["occurred_at"][first:behind],
        }
        return [_some(made[name] if name in made else self._columns[name][first:behind]) for name in NAMES]


def _some(values: Sequence[Any]) -> Sequence[Any] | None:
    return None if values[0] is None and values.count(None) == len(values) else values


def _values(name: str, column: pa.Array) -> list[Any]:
    """A column's values as `Record` has them; quantities in billionths."""
    if column.null_count == len(column) and name != "idempotency_key":
        return [None] * len(column)
    if name in ("occurred_at", "received_at"):
        return list(column.cast(pa.int64()).to_pylist())
    if name == "quantity":
        return [None if one is None else int(one) for one in _retyped(column, _BILLIONTHS).to_pylist()]
    if name in _NESTED:
        lacking = column.is_null().to_pylist()
        made = map(_KINDS[name], *(one.to_pylist() for one in column.flatten()))
        return [None if nothing else one for nothing, one in zip(lacking, made, strict=True)]
    values: list[Any] = column.to_pylist()
    if name == "idempotency_key":
        return [key or "" for key in values]
    if name == "metadata":
        return [None if text is None else text.encode() for text in values]
    return list(map(_either, values)) if name in _EITHER else values


@lru_cache(maxsize=65_536)
def _either(text: str | None) -> Any:
    return None if text is None else _decoder.decode(text)


_decoder: Final = msgspec.json.Decoder()


def by_place(table: pa.Table) -> pa.Table:
    return table.sort_by([("segment_offset", "ascending"), ("segment_index", "ascending")])


def slices(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where each frame begins and ends among rows that are sorted by place."""
    first = 0
    for index in range(1, len(offsets)):
        if offsets[index] != offsets[first]:
            yield first, index
            first = index
    if offsets:
        yield first, len(offsets)
