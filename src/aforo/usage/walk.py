"""Through all events of a tenant, newest receipt first: the log frame by frame, history file by file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aforo.usage import record
from aforo.usage.errors import LogDamaged
from aforo.usage.event_query import EventQuery, Place, place_of
from aforo.usage.model import Event
from aforo.usage.rules.moment import AHEAD_NS
from aforo.usage.segment_log import LogReader, Position

if TYPE_CHECKING:
    from aforo.usage.history.listing import Listed

_TRIES: Final = 3
_FILE_BYTES: Final = 4 * 1024 * 1024
"""What looking into one file of history counts as, since most of it is not even unpacked."""


class Walk:
    """Matching events, each with the place to go on from and when it was received.

    An event of None says that enough was read for once: `most_bytes` of the log, or as much work in history.
    """

    def __init__(self, reader: LogReader, tenant_id: str, query: EventQuery, most_bytes: int) -> None:
        """Raises InvalidCursor."""
        self._reader = reader
        self._tenant_id = tenant_id
        self._query = query
        self._left = most_bytes
        self._start = place_of(query.cursor) if query.cursor else None
        self._is_over = False

    def __iter__(self) -> Iterator[tuple[Place, Event | None, int]]:
        """Raises LogDamaged."""
        for segment in reversed(self._reader.segments()):
            start = self._start
            if start is not None and segment > start.frame.segment:
                continue
            start = start if start is not None and segment == start.frame.segment else None
            if self._reader.history(segment) is None:
                yield from self._log(segment, start)
            else:
                yield from self._history(segment, start)
            if self._is_over:
                return

    def _log(self, segment: int, start: Place | None) -> Iterator[tuple[Place, Event | None, int]]:
        query = self._query
        for frame in self._reader.backwards_in(segment, start.frame.offset + 1 if start else None):
            self._left -= len(frame.payload)
            found = record.decode(frame.payload)
            if found is not None and found.tenant_id == self._tenant_id:
                if query.from_ns is not None and found.received_ns + AHEAD_NS < query.from_ns:
                    self._is_over = True
                    return
                resumes = start is not None and frame.position == start.frame
                events = found.events()[: start.index if start and resumes else None]
                for index in range(len(events) - 1, -1, -1):
                    if query.matches(events[index]):
                        yield Place(frame.position, index + 1), events[index], found.received_ns
            if self._left <= 0:
                yield self._enough(frame.position)
                return

    def _history(self, segment: int, start: Place | None) -> Iterator[tuple[Place, Event | None, int]]:
        before = (start.frame.offset, start.index) if start else None
        while True:
            found, newest_ns = self._newest(segment, before)
            for one in found:
                yield Place(Position(segment, one.offset), one.index + 1), one.event, one.received_ns
            self._left -= _FILE_BYTES
            if len(found) <= self._query.limit:
                break
            before = found[-1].offset, found[-1].index
        if self._query.from_ns is not None and newest_ns + AHEAD_NS < self._query.from_ns:
            self._is_over = True
        elif self._left <= 0:
            yield self._enough(Position(segment, 0))

    def _newest(self, segment: int, before: tuple[int, int] | None) -> "tuple[list[Listed], int]":
        """One event more than a page holds, and when the newest of the segment was received."""
        from aforo.usage.history.listing import Wanted, last_receipt, newest  # heavy: only for who reads history

        query = self._query
        wanted = Wanted(self._tenant_id, query.customer_id, query.metric, query.product, query.from_ns, query.to_ns)
        for _ in range(_TRIES):
            path = self._reader.history(segment)
            try:
                if path is not None:
                    return newest(path, wanted, query.limit + 1, before), last_receipt(path)
            except FileNotFoundError:  # a further writing has just taken its place
                continue
        raise LogDamaged(f"Segment {segment} of the usage log is missing from history.")

    def _enough(self, reached: Position) -> tuple[Place, Event | None, int]:
        self._is_over = True
        return Place(reached, 0), None, 0
