"""What is used of each quota, read from ledger.db beside the edge that writes it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from aforo.enforcement.ledger_reading import read_ledger
from aforo.enforcement.model import Span

_NANO = Decimal(10**9)
_RUNNING = """
    SELECT id, subscription_id, metric, every, anchor_day, time_zone, starts_ms, ends_ms, given, settled FROM counters
    WHERE tenant_id = ? AND log = 'live' AND starts_ms <= ? AND ends_ms > ? AND metric NOT LIKE char(0) || '%'
"""


class Used(NamedTuple):
    """One counter in its running period. The ledger is behind the edge's memory by a moment, never ahead."""

    counter: int
    subscription_id: str
    metric: str
    span: Span
    starts_ms: int
    ends_ms: int
    units: Decimal


def used(ledger: Path, tenant_id: str, now_ms: int) -> Sequence[Used]:
    """A tenant's counters whose period runs, of live traffic. Blocks on the disk."""
    rows = read_ledger(ledger, _RUNNING, (tenant_id, now_ms, now_ms))
    return [
        Used(
            number,
            subscription_id,
            metric,
            Span(every, day, zone),
            starts_ms,
            ends_ms,
            (int(given) + int(settled)) / _NANO,
        )
        for number, subscription_id, metric, every, day, zone, starts_ms, ends_ms, given, settled in rows
    ]
