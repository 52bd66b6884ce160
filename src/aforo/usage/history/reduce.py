"""Which rows lose everything but what sums, statements and completeness are made from.

What stays: whose use it was, of what metric, product, integration, credential and subscription, how much, what it
cost, the class of its status, the quarter of an hour, and the sender's sequence number. What goes: the key, the path
and method, times, traces, sessions, agents, tools, decisions, leases and metadata. So sums made anew from reduced rows
are those made before.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from aforo.usage.history.schema import SCHEMA
from aforo.usage.rules.cells import QUARTER_NS
from aforo.usage.rules.moment import LATE_NS

_STAYS: Final = frozenset(
    {
        "tenant_id", "is_retry", "segment_offset", "segment_index", "received_at", "occurred_at", "quantity",
        "customer_id", "metric_name", "product_id", "product", "integration_id", "credential", "subscription_id",
        "status_code", "cost", "node_id", "epoch", "seq",
    }
)  # fmt: skip


class Reduction(msgspec.Struct, frozen=True, rename="camel"):
    """Rows of a tenant: of customers as named in the events, or of all that occurred before a moment, ns since 1970."""

    tenant_id: str
    customers: tuple[str, ...] = ()
    before_ns: int | None = None


def chosen(reductions: Sequence[Reduction]) -> pc.Expression:
    """The rows of these reductions that have not been reduced yet."""
    found = pc.scalar(False)
    for one in reductions:
        mine = pc.field("tenant_id") == one.tenant_id
        if one.customers:
            mine = mine & pc.field("customer_id").isin(list(one.customers))
        if one.before_ns is not None:
            mine = mine & (pc.field("occurred_at") < pa.scalar(one.before_ns, pa.timestamp("ns")))
        if one.customers or one.before_ns is not None:
            found = found | mine
    return found & pc.field("idempotency_key").is_valid()


def reduced(table: pa.Table, which: pc.Expression) -> tuple[pa.Table, int]:
    """The table with these rows reduced, and how many those are. Order and places stay."""
    numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    rows = numbered.filter(which).column("row")
    if len(rows) == 0:
        return table, 0
    mask = pc.is_in(numbered.column("row"), value_set=rows.combine_chunks())
    columns = []
    for field in SCHEMA:
        column = table.column(field.name)
        if field.name == "occurred_at":
            column = pc.if_else(mask, _rounded(column, table.column("received_at")), column)
        elif field.name == "status_code":
            column = pc.if_else(mask, pc.multiply(pc.divide(column, 100), 100), column)
        elif field.name not in _STAYS:
            column = pc.if_else(mask, pa.scalar(None, field.type), column)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=SCHEMA), len(rows)


def _rounded(occurred: Any, received: Any) -> Any:
    """Down to the quarter of an hour, but never so far that an event in time becomes a late one."""
    moments, receipts = pc.cast(occurred, pa.int64()), pc.cast(received, pa.int64())
    quarters = pc.multiply(pc.divide(moments, QUARTER_NS), QUARTER_NS)
    earliest = pc.min_element_wise(moments, pc.subtract(receipts, LATE_NS))
    return pc.cast(pc.max_element_wise(quarters, earliest), pa.timestamp("ns"))
