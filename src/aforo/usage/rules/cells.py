"""Usage in cells of a quarter of an hour: counts, exact sums and largest values. Pure.

A quarter, since 25 time zones begin their day off the hour. A cell keys on what was received, never on what somebody
makes of it later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

from aforo.usage.record import Record
from aforo.usage.rules.columns import NAMES
from aforo.usage.rules.moment import LATE_NS
from aforo.usage.rules.quantity import NANOS

QUARTER_SECONDS: Final = 900
QUARTER_NS: Final = QUARTER_SECONDS * 10**9
DAY_QUARTERS: Final = 86_400 // QUARTER_SECONDS
_SEQ: Final = NAMES.index("seq")


class Key(NamedTuple):
    """Which cell. `product` is the id, else the gateway's own name; `credential` is `integration/type/native id`;
    empty text stands for what was not told. `status` is the hundreds of the status code, 0 for none. `quarter` counts
    quarters of an hour since 1970. `received` is the quarter in which a late event was received and 0 for one that was
    not late, so that what was known at any moment can still be told."""

    tenant: str
    customer: str
    metric: str
    quarter: int
    product: str
    integration: str
    credential: str
    subscription: str
    status: int
    received: int = 0


class DayKey(NamedTuple):
    """Which cell of a whole day. `day` counts days of UTC since 1970; the rest as in `Key`."""

    tenant: str
    day: int
    customer: str
    metric: str
    product: str
    integration: str
    credential: str
    subscription: str


class Sums(NamedTuple):
    """Of the events of a cell: how many, and the sum and the largest of their quantities in billionths of a unit."""

    events: int
    nanos: int
    most_nanos: int

    def plus(self, other: "Sums") -> "Sums":
        most = max(self.most_nanos, other.most_nanos)
        return Sums(self.events + other.events, self.nanos + other.nanos, most)


NOTHING: Final = Sums(0, 0, 0)


def cells(records: Iterable[Record], span_ns: int = QUARTER_NS) -> dict[Key, Sums]:
    """What these records add to each cell. With another `span_ns`, `quarter` counts those spans."""
    found: dict[Key, Sums] = {}
    for record in records:
        for (*members, whole, nano), count in Counter(_rows(record, span_ns)).items():
            key, nanos = _key(record.tenant_id, *members), whole * NANOS + nano
            found[key] = found.get(key, NOTHING).plus(Sums(count, nanos * count, nanos))
    return found


def spreads(records: Iterable[Record], span_ns: int = QUARTER_NS) -> dict[Key, Counter[int]]:
    """How often each quantity, in billionths of a unit, is in each cell: for figures that do not follow from sums."""
    found: dict[Key, Counter[int]] = defaultdict(Counter)
    for record in records:
        for (*members, whole, nano), count in Counter(_rows(record, span_ns)).items():
            found[_key(record.tenant_id, *members)][whole * NANOS + nano] += count
    return dict(found)


def by_day(sums: Mapping[Key, Sums]) -> dict[DayKey, Sums]:
    """The same by days, whatever the status and whenever received."""
    found: dict[DayKey, Sums] = {}
    for (tenant, customer, metric, quarter, *which, _, _), some in sums.items():
        key = DayKey(tenant, quarter // DAY_QUARTERS, customer, metric, *map(str, which))
        found[key] = found.get(key, NOTHING).plus(some)
    return found


def _rows(record: Record, span_ns: int) -> Iterable[tuple[Any, ...]]:
    """As few distinct tuples as there are; counted by the interpreter's own loop."""
    if not record.count:
        return ()
    quarters = [moment // span_ns for moment in record.column("occurred_ns")]
    names = ("product_id", "product", "integration_id", "credential", "subscription_id", "status_code")
    columns: list[Sequence[Any]] = [record.column(name) for name in names]
    return zip(
        record.column("customer_id"), record.column("metric_name"), quarters, *columns, _received(record),
        record.column("whole"), record.column("nano"), strict=True,
    )  # fmt: skip


def _received(record: Record) -> Iterable[int]:
    """The quarter of receipt where an event was late, else 0."""
    moments, late = record.column("occurred_ns"), record.received_ns - LATE_NS
    if min(moments) >= late:
        return repeat(0, record.count)
    quarter = record.received_ns // QUARTER_NS
    return [quarter if moment < late else 0 for moment in moments]


def _key(
    tenant: str, customer: str, metric: str, quarter: int, product_id: str | None, product: str | None,
    integration: str | None, credential: Any, subscription: str | None, status: int | None,
    received: int,
) -> Key:  # fmt: skip
    parts = (credential.integration_id, credential.type, credential.native_id) if credential else ()
    native = "/".join(part or "" for part in parts)
    return Key(
        tenant, customer, metric, quarter, product_id or product or "", integration or "", native, subscription or "",
        status // 100 if status is not None and 0 <= status < 1000 else 0, received,
    )  # fmt: skip


def node_cells(records: Iterable[Record]) -> Counter[tuple[str, str, int, str, str]]:
    """Events of each (tenant, customer, quarter, node, epoch), of those that carry a sequence number."""
    found: Counter[tuple[str, str, int, str, str]] = Counter()
    for record in records:
        if record.columns()[_SEQ] is not None:
            found.update(
                (record.tenant_id, customer, moment // QUARTER_NS, node, epoch_text(epoch))
                for customer, moment, node, epoch, seq in zip(
                    *map(record.column, ("customer_id", "occurred_ns", "node_id", "epoch", "seq")), strict=True
                )
                if node and seq is not None
            )
    return found


def epoch_text(epoch: int | str | None) -> str:
    """Epochs are told apart as text, so that 7 and "7" are one."""
    return "" if epoch is None else str(epoch)
