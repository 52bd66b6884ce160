"""Usage: events come in, are made durable, and can be read back."""

from aforo.usage.ingests import Ingests
from aforo.usage.model import MAX_BODY_BYTES, Answer, Event
from aforo.usage.query import EventLog, EventPage, EventQuery
from aforo.usage.record import Record
from aforo.usage.segment_log import LogReader, Position, SegmentLog
from aforo.usage.service import Ingest, Metrics, Parts, Settle
from aforo.usage.usage_query import UsageLog, UsageQuery

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
    "Metrics",
    "Parts",
    "Position",
    "Record",
    "SegmentLog",
    "Settle",
    "UsageLog",
    "UsageQuery",
]
