"""Usage: events come in, are made durable, and can be read back."""

from aforo.usage.model import MAX_BODY_BYTES, Answer, Event
from aforo.usage.query import EventLog, EventPage, EventQuery
from aforo.usage.segment_log import LogReader, SegmentLog
from aforo.usage.service import Ingest, Ingests

__all__ = [
    "MAX_BODY_BYTES",
    "Answer",
    "Event",
    "EventLog",
    "EventPage",
    "EventQuery",
    "Ingest",
    "Ingests",
    "LogReader",
    "SegmentLog",
]
