"""Usage: events come in, are made durable, and can be read back."""

from aforo.usage.completeness import Certificate, CompletenessLog
from aforo.usage.event_query import EventQuery
from aforo.usage.ingests import Ingests
from aforo.usage.model import MAX_BODY_BYTES, Answer, Event
from aforo.usage.query import EventLog, EventPage
from aforo.usage.record import Record
from aforo.usage.rules.cells import NOTHING, Sums
from aforo.usage.rules.spread import FROM_SPREADS
from aforo.usage.rules.used import QUARTER_SECONDS, Used, figures
from aforo.usage.rules.windows import FROM_SUMS, aggregated
from aforo.usage.segment_log import LogReader, Position, SegmentLog
from aforo.usage.service import Ingest, Metrics, Parts, Settle
from aforo.usage.usage_query import Named, UsageLog, UsageQuery

__all__ = [
    "FROM_SPREADS",
    "FROM_SUMS",
    "MAX_BODY_BYTES",
    "NOTHING",
    "QUARTER_SECONDS",
    "Answer",
    "Certificate",
    "CompletenessLog",
    "Event",
    "EventLog",
    "EventPage",
    "EventQuery",
    "Ingest",
    "Ingests",
    "LogReader",
    "Metrics",
    "Named",
    "Parts",
    "Position",
    "Record",
    "SegmentLog",
    "Settle",
    "Sums",
    "UsageLog",
    "UsageQuery",
    "Used",
    "aggregated",
    "figures",
]
