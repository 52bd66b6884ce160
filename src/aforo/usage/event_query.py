"""What is asked of the list of events, and where in it somebody stands."""

import base64
import re
from typing import Final

import msgspec

from aforo.usage.errors import InvalidCursor
from aforo.usage.model import Event
from aforo.usage.segment_log import Position

MAX_LIMIT: Final = 1_000
_CURSOR: Final = re.compile(r"1\.(\d{1,12})\.(\d{1,18})\.(\d{1,6})", re.ASCII)


class EventQuery(msgspec.Struct, frozen=True):
    """Which events: `from_ns` ≤ occurredAt < `to_ns`; `product` is an Aforo id or the gateway's own name."""

    customer_id: str | None = None
    metric: str | None = None
    product: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    limit: int = 100
    cursor: str | None = None

    def matches(self, event: Event) -> bool:
        return (
            event.idempotency_key != ""  # reduced: it counts, but is not shown
            and (self.customer_id is None or event.customer_id == self.customer_id)
            and (self.metric is None or event.metric_name == self.metric)
            and (self.product is None or self.product in (event.product_id, event.product))
            and (self.from_ns is None or event.occurred_ns >= self.from_ns)
            and (self.to_ns is None or event.occurred_ns < self.to_ns)
        )


class Place(msgspec.Struct, frozen=True):
    """An event's place in the log: the order of every page."""

    frame: Position
    index: int

    def cursor(self) -> str:
        text = f"1.{self.frame.segment}.{self.frame.offset}.{self.index}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The place that a cursor names. Raises InvalidCursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InvalidCursor(
            "The cursor was not given by this list.",
            (("/cursor", "not a cursor of this list"),),
            next_step="Leave it out to begin with the newest event.",
        )
    segment, offset, index = map(int, match.groups())
    return Place(Position(segment, offset), index)
