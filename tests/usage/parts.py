"""Real parts for the tests of usage: a caller, events, a log folder, an ingest."""

import json
from pathlib import Path
from typing import Any

from aforo.accounts import Caller, Scope
from aforo.kit.clock import Clock, HandClock, rfc3339
from aforo.usage import EventLog, EventQuery, Ingest, Parts, SegmentLog
from aforo.usage.ingests import opened_dedupe

CALLER = Caller("ten_1", "acme", "key_1", frozenset({Scope.USAGE_INGEST, Scope.USAGE_READ}))
OTHER = Caller("ten_2", "rival", "key_2", frozenset({Scope.USAGE_INGEST, Scope.USAGE_READ}))


def event(key: str, **members: Any) -> dict[str, Any]:
    """A good event at the hand clock's start; members given as None are left out."""
    whole = {
        "customerId": "cust_a",
        "metricName": "api_calls",
        "quantity": 1,
        "occurredAt": rfc3339(HandClock().now()),
        "idempotencyKey": key,
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def body(*events: Any) -> bytes:
    return json.dumps({"events": events}).encode()


METRICS = frozenset({"api_calls", "tokens"})


def ingest(
    folder: Path, clock: Clock | None = None, parts: Parts | None = None, **log: Any
) -> tuple[Ingest, SegmentLog]:
    """An ingest over a folder of logs, knowing every key that its log holds."""
    clock = clock or HandClock()
    writer = SegmentLog(folder / "live", **log)
    dedupe = opened_dedupe(folder / "dedupe", folder / "live", clock)
    return Ingest(writer, dedupe, clock, parts or Parts(lambda _: METRICS)), writer


def listed(folder: Path, caller: Caller = CALLER, **query: Any) -> list[dict[str, Any]]:
    """All events that a caller sees, page after page."""
    events, found = EventLog(folder), []
    page = events.page(caller, EventQuery(**query))
    found += page.data
    while page.next_cursor is not None:
        page = events.page(caller, EventQuery(**{**query, "cursor": page.next_cursor}))
        found += page.data
    return found
