"""Events of one file of history, newest receipt first, with no more of it in memory than is asked for."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aforo.usage.history.schema import Rows, by_place
from aforo.usage.history.segment import read
from aforo.usage.model import Event
from aforo.usage.record import events_of


class Wanted(msgspec.Struct, frozen=True):
    """Events of a tenant; members as those of an `EventQuery`."""

    tenant_id: str
    customer_id: str | None = None
    metric: str | None = None
    product: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


class Listed(msgspec.Struct, frozen=True):
    """An event and its place in the segment."""

    offset: int
    index: int
    event: Event
    received_ns: int


def newest(path: Path, wanted: Wanted, limit: int, before: tuple[int, int] | None = None) -> list[Listed]:
    """At most `limit` events before an (offset, index). Raises FileNotFoundError, LogDamaged.

    Places are read first, then the rows that they are of: a row group that holds none of them is not even unpacked.
    """
    only = _expression(wanted)
    if before is not None:
        offset, index = pc.field("segment_offset"), pc.field("segment_index")
        only = only & ((offset < before[0]) | ((offset == before[0]) & (index < before[1])))
    places = read(path, ["segment_offset", "segment_index"], only)
    if places.num_rows > limit:
        keys = [("segment_offset", "descending"), ("segment_index", "descending")]
        places = places.take(pc.select_k_unstable(places, limit, keys))
    if places.num_rows == 0:
        return []
    lowest = pc.min(places.column("segment_offset")).as_py()
    table = by_place(read(path, only=only & (pc.field("segment_offset") >= lowest)))
    table = table.slice(max(0, table.num_rows - limit))
    found, count = Rows(table), table.num_rows
    events = events_of(found.events(0, count))
    offsets, indexes, received = found.offsets, found.indexes, found.received
    return [Listed(offsets[n], indexes[n], events[n], received[n]) for n in range(count - 1, -1, -1)]


def last_receipt(path: Path) -> int:
    """When the newest of all rows was received, ns since 1970. Raises FileNotFoundError."""
    with path.open("rb") as file:
        metadata = pq.read_metadata(file)
    column = metadata.schema.to_arrow_schema().get_field_index("received_at")
    groups = (metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups))
    return max((pa.scalar(one.max_raw, pa.int64()).as_py() for one in groups), default=0)


def _expression(wanted: Wanted) -> pc.Expression:
    found = (pc.field("tenant_id") == wanted.tenant_id) & pc.field("idempotency_key").is_valid()
    if wanted.customer_id is not None:
        found = found & (pc.field("customer_id") == wanted.customer_id)
    if wanted.metric is not None:
        found = found & (pc.field("metric_name") == wanted.metric)
    if wanted.product is not None:
        found = found & ((pc.field("product_id") == wanted.product) | (pc.field("product") == wanted.product))
    if wanted.from_ns is not None:
        found = found & (pc.field("occurred_at") >= pa.scalar(wanted.from_ns, pa.timestamp("ns")))
    if wanted.to_ns is not None:
        found = found & (pc.field("occurred_at") < pa.scalar(wanted.to_ns, pa.timestamp("ns")))
    return found
