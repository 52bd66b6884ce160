"""What the edge counts, in Prometheus' text format. Names no tenant, customer or key."""

from bisect import bisect_left
from collections import Counter as Tally
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from aforo.enforcement import Enforcement
from aforo.enforcement.rules.decide import Reason
from aforo.usage import Answer, SegmentLog

_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)


class EdgeMetrics:
    """One registry a process, so that several edges may live in one test."""

    def __init__(self, logs: dict[str, SegmentLog]) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter(
            "aforo_ingest_events", "Events by what became of them.", ["outcome"], registry=self._registry
        )
        self._accepted, self._duplicates, self._failed = (
            self._events.labels(outcome) for outcome in ("accepted", "duplicate", "failed")
        )
        self._requests = Counter("aforo_requests", "Requests by status.", ["status"], registry=self._registry)
        self._by_status: dict[int, Counter] = {}
        self.decisions: Tally[tuple[Reason, bool]] = Tally()
        self._times: dict[str, _Times] = {}
        self._registry.register(_OwnCollector(self.decisions, self._times))
        self._registry.register(_LogCollector(logs))

    def answered(self, status: int) -> None:
        counted = self._by_status.get(status)
        if counted is None:
            counted = self._by_status[status] = self._requests.labels(str(status))
        counted.inc()

    def took(self, route: str, seconds: float) -> None:
        """Costs a third of a microsecond, since a check itself takes ten."""
        times = self._times.get(route)
        if times is None:
            times = self._times[route] = _Times([0] * (len(_SECONDS) + 1))
        times.counts[bisect_left(_SECONDS, seconds)] += 1
        times.sum += seconds

    def decided(self, reason: Reason, *, denied: bool) -> None:
        self.decisions[reason, denied] += 1

    def ingested(self, answer: Answer) -> None:
        self._accepted.inc(answer.accepted)
        self._duplicates.inc(answer.duplicates)
        self._failed.inc(answer.failed)

    def watch(self, room: Enforcement) -> None:
        """Show what enforcement holds, too."""
        self._registry.register(_RoomCollector(room))

    def text(self) -> bytes:
        return generate_latest(self._registry)


@dataclass(slots=True)
class _Times:
    """By bucket, not summed up yet; the last one has no upper end."""

    counts: list[int]
    sum: float = 0.0


class _OwnCollector(Collector):
    def __init__(self, decisions: "Tally[tuple[Reason, bool]]", times: dict[str, _Times]) -> None:
        self._decisions = decisions
        self._times = times

    def collect(self) -> list[Metric]:
        made = CounterMetricFamily(
            "aforo_decisions", "Checks by what was found, and whether the call was to be refused.",
            labels=["reason", "refused"],
        )  # fmt: skip
        for (reason, denied), count in self._decisions.items():
            made.add_metric([reason.value, "true" if denied else "false"], count)
        took = HistogramMetricFamily(
            "aforo_request_seconds", "From the head to the answer, the body's arrival included.", labels=["route"]
        )
        for route, times in self._times.items():
            ends = [*(str(end) for end in _SECONDS), "+Inf"]
            took.add_metric([route], list(zip(ends, accumulate(times.counts), strict=True)), times.sum)
        return [made, took]


class _RoomCollector(Collector):
    def __init__(self, room: Enforcement) -> None:
        self._room = room

    def collect(self) -> list[Metric]:
        parts = self._room.parts
        held = GaugeMetricFamily("aforo_enforcement_held", "What is held in memory.", labels=["what"])
        for what, some in (("counters", parts.counters), ("leases", parts.leases), ("reserved", parts.reservations)):
            held.add_metric([what], len(some))
        stranded = GaugeMetricFamily(
            "aforo_stranded_units", "HARD units out of use until their period ends.", labels=["by"]
        )
        for by, nanos in self._room.stranded().items():
            stranded.add_metric([by], nanos / 1e9)
        commits = CounterMetricFamily("aforo_ledger_commits", "Transactions of the ledger.", parts.keeper.commits)
        lost = CounterMetricFamily("aforo_decisions_not_kept", "Denials that outran the disk.", parts.keeper.lost_notes)
        return [held, stranded, commits, lost]


class _LogCollector(Collector):
    def __init__(self, logs: dict[str, SegmentLog]) -> None:
        self._logs = logs

    def collect(self) -> list[Metric]:
        syncs = CounterMetricFamily("aforo_log_syncs", "Group commits.", labels=["log"])
        seconds = CounterMetricFamily("aforo_log_sync_seconds", "Time spent in them.", labels=["log"])
        waiting = GaugeMetricFamily("aforo_log_waiting_bytes", "Bytes that wait for one.", labels=["log"])
        for name, log in self._logs.items():
            syncs.add_metric([name], log.syncs)
            seconds.add_metric([name], log.sync_seconds)
            waiting.add_metric([name], log.waiting_bytes)
        return [syncs, seconds, waiting]
