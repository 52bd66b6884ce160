"""What the edge counts, in Prometheus' text format. Names no tenant, customer or key."""

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aforo.usage import Answer, SegmentLog


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
        self._registry.register(_LogCollector(logs))

    def answered(self, status: int) -> None:
        self._requests.labels(str(status)).inc()

    def ingested(self, answer: Answer) -> None:
        self._accepted.inc(answer.accepted)
        self._duplicates.inc(answer.duplicates)
        self._failed.inc(answer.failed)

    def text(self) -> bytes:
        return generate_latest(self._registry)


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
