"""What the api tells Prometheus: its requests, its calls to gateways, and what waits or is not well.

Labels are kinds, never tenants, customers or names: their number is bounded, and nothing of anybody's business shows.
"""

import contextlib
import json
import sqlite3
from collections import Counter as Tally
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import aforo
from aforo.gateway_sdk.errors import GatewayError
from aforo.kit.clock import Clock, from_rfc3339, rfc3339

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_CALL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class ApiMetrics:
    """One registry a process, so that several may live in one test."""

    def __init__(self, data_dir: Path, records: Path, clock: Clock) -> None:
        self._registry = CollectorRegistry()
        for standard in (ProcessCollector, PlatformCollector, GCCollector):
            standard(registry=self._registry)
        self._registry.register(_Standing(data_dir, records, clock))
        Gauge("aforo_build_info", "1; the label says what runs.", ["version"], registry=self._registry).labels(
            aforo.__version__
        ).set(1)
        self._requests = Counter(
            "aforo_http_requests", "Requests by route and status.", ["method", "route", "status"],
            registry=self._registry,
        )  # fmt: skip
        self._took = Histogram(
            "aforo_http_request_seconds", "How long they took.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._calls = Counter(
            "aforo_gateway_calls", "Calls to gateways' management APIs; `outcome` is ok or an error code.",
            ["gateway", "outcome"], registry=self._registry,
        )  # fmt: skip
        self._call_took = Histogram(
            "aforo_gateway_call_seconds", "How long those took that were answered.", ["gateway"],
            buckets=_CALL_SECONDS, registry=self._registry,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._took.labels(route).observe(seconds)

    def called(self, gateway: str, took_ms: float | None, fault: GatewayError | None) -> None:
        self._calls.labels(gateway, fault.code if fault else "ok").inc()
        if took_ms is not None:
            self._call_took.labels(gateway).observe(took_ms / 1000)

    def text(self) -> bytes:
        """Reads the records: not for the event loop."""
        return generate_latest(self._registry)


class _Standing(Collector):
    """Read from the files at each scrape. A file that cannot be read gives no figures and no failure."""

    def __init__(self, data_dir: Path, records: Path, clock: Clock) -> None:
        self._letters = data_dir / "deadletters.db"
        self._records = records
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        with contextlib.suppress(sqlite3.Error), closing(_opened(self._records)) as records:
            yield from self._told(records)
        codes: list[tuple[str, int]] = []
        with contextlib.suppress(sqlite3.Error), closing(_opened(self._letters)) as letters:
            codes = letters.execute("SELECT code, count(*) FROM letters GROUP BY code").fetchall()
        yield _by("aforo_dead_letters", "Events that were refused and are kept.", "code", codes)

    def _told(self, records: sqlite3.Connection) -> Iterable[Metric]:
        yield from self._queues(records)
        vitals = [
            (gateway, json.loads(text), paused_until)
            for gateway, text, paused_until in records.execute("SELECT gateway, vitals, paused_until FROM integrations")
        ]
        health, breakers = Tally[tuple[str, str]](), Tally[tuple[str, str]]()
        now = rfc3339(self._clock.now())
        for gateway, told, paused_until in vitals:
            health[gateway, "PAUSED" if paused_until and paused_until > now else told["health"]] += 1
            breakers[gateway, told["breaker"]["state"]] += 1
        yield _by_two("aforo_integrations", "Connected gateways by health.", ("gateway", "health"), health)
        yield _by_two("aforo_breakers", "Connected gateways by breaker.", ("gateway", "state"), breakers)
        drift = records.execute("SELECT count(*) FROM products WHERE drift_id IS NOT NULL").fetchone()[0]
        yield GaugeMetricFamily("aforo_drifting_products", "Products that differ from their record.", drift)
        seats = records.execute("SELECT wanted, observed, count(*) FROM seats GROUP BY 1, 2").fetchall()
        tally = Tally({(wanted, observed): count for wanted, observed, count in seats})
        yield _by_two("aforo_seats", "Subscriptions at gateways: wanted and found.", ("wanted", "observed"), tally)
        alerts = records.execute(_ALERTS).fetchall()
        yield _by("aforo_open_alerts", "Alerts of what still lasts.", "severity", alerts)
        yield from self._schedules(records)

    def _queues(self, records: sqlite3.Connection) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("aforo_queue_items", "What waits for work.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "aforo_queue_late_seconds", "How long the first of them has been due; 0 while nothing is.", labels=["queue"]
        )
        now = self._clock.now()
        for queue, query in QUEUES.items():
            count, due = records.execute(query).fetchone()
            waiting.add_metric([queue], count)
            oldest.add_metric([queue], max(0.0, (now - from_rfc3339(due)).total_seconds()) if due else 0.0)
        yield waiting
        yield oldest

    def _schedules(self, records: sqlite3.Connection) -> Iterable[Metric]:
        late = GaugeMetricFamily(
            "aforo_schedule_late_seconds", "By how much the latest of each kind is overdue.", labels=["kind"]
        )
        failing = GaugeMetricFamily(
            "aforo_schedules_failing", "Schedules whose last run did not succeed.", labels=["kind"]
        )
        now = self._clock.now()
        rows = records.execute(SCHEDULES).fetchall()
        for kind, next_at, failed in rows:
            late.add_metric([kind], max(0.0, (now - from_rfc3339(next_at)).total_seconds()) if next_at else 0.0)
            failing.add_metric([kind], failed or 0)
        yield late
        yield failing


QUEUES: Final = {
    "provisioning": "SELECT count(*), min(due_at) FROM seat_outbox",
    "alert_deliveries": "SELECT count(*), min(due_at) FROM alert_deliveries WHERE state = 'PENDING'",
    "jobs": "SELECT count(*), min(started_at) FROM jobs WHERE state = 'RUNNING'",
}
_ALERTS: Final = "SELECT severity, count(*) FROM alerts WHERE ended_at IS NULL AND lasts GROUP BY 1"
SCHEDULES: Final = (
    "SELECT kind, min(CASE WHEN NOT running THEN next_at END), sum(error IS NOT NULL) "
    "FROM schedules WHERE enabled GROUP BY kind"
)


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=1)


def _by(name: str, words: str, label: str, rows: Iterable[tuple[str, int]]) -> Metric:
    made = GaugeMetricFamily(name, words, labels=[label])
    for value, count in rows:
        made.add_metric([value], count)
    return made


def _by_two(name: str, words: str, labels: tuple[str, str], tally: Tally[tuple[str, str]]) -> Metric:
    made = GaugeMetricFamily(name, words, labels=labels)
    for values, count in tally.items():
        made.add_metric(values, count)
    return made
