"""Reading events back, newest first, from the tail of the log and from history."""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from aforo.accounts import Caller
from aforo.usage import record
from aforo.usage.event_query import MAX_LIMIT, EventQuery, Place, place_of
from aforo.usage.model import Credential, Event, Trace
from aforo.usage.record import Record
from aforo.usage.rules.moment import is_late, text_of
from aforo.usage.rules.quantity import decimal_text
from aforo.usage.segment_log import LogReader, Position
from aforo.usage.walk import Walk

_PAGE_BYTES: Final = 128 * 1024 * 1024


class EventPage(msgspec.Struct, frozen=True, rename="camel"):
    """Events as the API shows them. A page may be short or even empty and still have a next one: one page reads a
    bounded stretch of the log."""

    data: list[dict[str, Any]]
    next_cursor: str | None


class Followed(msgspec.Struct, frozen=True):
    """Events in the order of receipt, each with its cursor, and the place to go on from."""

    events: list[tuple[str, dict[str, Any]]]
    place: Place


class EventLog:
    """All events of one data folder, for reading only; safe beside the process that writes, and in several threads.

    Order is that of receipt, newest first: it never changes, so no page repeats or skips an event.
    """

    def __init__(self, folder: Path, *, page_bytes: int = _PAGE_BYTES) -> None:
        self.folder = folder
        self._readers = {name: LogReader(folder / name) for name in ("live", "test")}
        self._page_bytes = page_bytes

    def page(self, caller: Caller, query: EventQuery) -> EventPage:
        """One page of the caller's own events. Blocks on the disk. Raises InvalidCursor, LogDamaged."""
        if caller.customer_id is not None:
            if query.customer_id not in (None, caller.customer_id):
                return EventPage([], None)
            query = msgspec.structs.replace(query, customer_id=caller.customer_id)
        data: list[dict[str, Any]] = []
        reader = self._readers[_log(caller)]
        for place, event, received_ns in Walk(reader, caller.tenant_id, query, self._page_bytes):
            if event is None or len(data) == query.limit:
                return EventPage(data, place.cursor())
            data.append(shown(event, caller.tenant_id, received_ns))
        return EventPage(data, None)

    def start(self, caller: Caller, query: EventQuery) -> Place:
        """Where to follow from: behind the event that the cursor names, else the end of the log."""
        if query.cursor:
            named = place_of(query.cursor)
            return Place(named.frame, named.index + 1)
        return Place(self._readers[_log(caller)].end(), 0)

    def behind(self, caller: Caller, query: EventQuery, place: Place) -> Followed:
        """Matching events from a place on, oldest first; one call reads a bounded stretch. Blocks on the disk."""
        if caller.customer_id is not None:
            if query.customer_id not in (None, caller.customer_id):
                return Followed([], place)
            query = msgspec.structs.replace(query, customer_id=caller.customer_id)
        found: list[tuple[str, dict[str, Any]]] = []
        for frame in self._readers[_log(caller)].since(place.frame):
            first = place.index if frame.position == place.frame else 0
            read = record.decode(frame.payload)
            if read is not None and read.tenant_id == caller.tenant_id:
                for index, event in enumerate(read.events()[first:], first):
                    if query.matches(event):
                        found.append((Place(frame.position, index).cursor(), shown(event, *_receipt(read))))
            place = Place(Position(frame.position.segment, frame.end), 0)
            if len(found) >= MAX_LIMIT:
                break
        return Followed(found, place)


def _log(caller: Caller) -> str:
    return "test" if caller.test else "live"


def _receipt(read: Record) -> tuple[str, int]:
    return read.tenant_id, read.received_ns


def event_id(tenant_id: str, idempotency_key: str) -> str:
    """An event's id follows from its tenant and key, and does not give the key away."""
    key = blake2b(f"{tenant_id}\0{idempotency_key}".encode(), digest_size=16).digest()
    return "evt_" + blake2b(key, digest_size=13).hexdigest()


def shown(event: Event, tenant_id: str, received_ns: int) -> dict[str, Any]:
    """An event as the API shows it; members that were not sent are null."""
    members = {name: getattr(event, field) for field, name in _SHOWN}
    return {
        "id": event_id(tenant_id, event.idempotency_key),
        **members,
        "quantity": decimal_text(event.whole, event.nano),
        "occurredAt": text_of(event.occurred_ns),
        "receivedAt": text_of(received_ns),
        "late": is_late(event.occurred_ns, received_ns),
        "credential": _credential(event.credential),
        "trace": _trace(event.trace),
        "metadata": msgspec.Raw(event.metadata or b"{}"),
    }


def _credential(credential: Credential | None) -> dict[str, str | None] | None:
    if credential is None:
        return None
    return {
        "integrationId": credential.integration_id,
        "type": credential.type,
        "nativeId": credential.native_id,
    }


def _trace(trace: Trace | None) -> dict[str, str | None] | None:
    if trace is None:
        return None
    return {
        "traceparent": trace.traceparent,
        "tracestate": trace.tracestate,
        "xTraceId": trace.x_trace_id,
        "xRequestId": trace.x_request_id,
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


_ELSEWHERE: Final = {"whole", "nano", "occurred_ns", "credential", "trace", "metadata"}
_SHOWN: Final = [(name, _camel(name)) for name in Event.__struct_fields__ if name not in _ELSEWHERE]
