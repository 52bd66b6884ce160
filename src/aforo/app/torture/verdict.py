"""Whether every promise was kept: the log, the counters and the sums against what the clients were told."""

import json
import time
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import Final

from aforo.app.torture.client import Client
from aforo.app.torture.disk import LEDGER, SEGMENT
from aforo.app.torture.stage import QUOTA, Stage
from aforo.app.torture.tally import Tally
from aforo.usage import LogReader, Position, UsageLog, record

_NAMED: Final = 5
_FOLLOWED_SECONDS: Final = 10.0
_FOREVER_NS: Final = 4_102_444_800 * 10**9  # the year 2100
_FILES: Final = {SEGMENT: "the log", LEDGER: "the ledger"}


class Stored:
    """What the live log holds."""

    def __init__(self, folder: Path) -> None:
        self.keys: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        for frame in LogReader(folder / "log" / "live").since(Position(0, 0)):
            found = record.decode(frame.payload)
            if found is not None and found.count:
                self.keys.update(found.column("idempotency_key"))
                for customer, whole in zip(found.column("customer_id"), found.column("whole"), strict=True):
                    self.units[customer] += whole


def of_events(stored: Stored, tally: Tally) -> list[str]:
    """Every acknowledged event is there, and none twice."""
    lost = sorted(tally.acknowledged - stored.keys.keys())
    double = sorted(key for key, count in stored.keys.items() if count > 1)
    found = []
    if lost:
        found.append(f"{len(lost)} acknowledged events are lost, such as {', '.join(lost[:_NAMED])}")
    if double:
        found.append(f"{len(double)} events are stored twice, such as {', '.join(double[:_NAMED])}")
    return found


def of_quotas(tally: Tally) -> list[str]:
    over = {customer: units for customer, units in tally.spent.items() if units > QUOTA}
    return [f"{len(over)} quotas of {QUOTA} are oversold: {sorted(over.values())[-_NAMED:]}"] if over else []


def of_sums(folder: Path, stage: Stage, stored: Stored) -> list[str]:
    """Call after the edge has stopped."""
    sums = UsageLog(folder).sums(stage.tenant_id, (0, _FOREVER_NS), {"api_calls": "sum"})
    summed, there = sums.get("api_calls", 0), sum(stored.units.values())
    return [] if summed == there else [f"the rollups hold {summed} units, the log {there}"]


def of_counters(client: Client, stage: Stage, folder: Path, tally: Tally) -> list[str]:
    """Call while the edge lives and nothing is sent: it may follow its log for a moment yet."""
    found = []
    until = time.monotonic() + _FOLLOWED_SECONDS
    stored = Stored(folder)
    for customer in stage.meters:
        used = _used(client, customer)
        while used != stored.units[customer] and time.monotonic() < until:
            time.sleep(0.05)
            used = _used(client, customer)
        if used != stored.units[customer]:
            found.append(f"a counter shows {used}, the log holds {stored.units[customer]}")
    for customer in stage.buyers:
        used = _used(client, customer)
        if not tally.spent[customer] <= used <= QUOTA:
            found.append(f"a counter shows {used} of {QUOTA}, {tally.spent[customer]} were given out")
    return found


def of_syncs(syncs: dict[int, list[tuple[int, int]]], tally: Tally) -> tuple[int, list[str]]:
    """How many promises there were, and those without a sync of their file between request and answer."""
    bare: Counter[int] = Counter()
    begun = {kind: sorted(some) for kind, some in syncs.items()}
    for kind, sent, came in tally.windows:
        first = bisect_left(begun[kind], (sent, 0))
        if first == len(begun[kind]) or begun[kind][first][1] > came:
            bare[kind] += 1
    told = [f"{count} answers were not preceded by a sync of {_FILES[kind]}" for kind, count in bare.items()]
    return len(tally.windows), told


def _used(client: Client, customer: str) -> int:
    body = json.dumps({"customerId": customer, "estimatedQuantity": 0}).encode()
    told = client.post("/api/v1/quota/check", body)
    return -1 if told is None or told[0] != 200 else int(told[1]["currentUsage"])
