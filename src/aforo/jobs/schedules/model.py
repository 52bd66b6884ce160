"""A schedule, what it is about, and what a run of it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aforo.kit.jsontree import JsonObject


class Result(StrEnum):
    """How a run ended.

    PARTIAL did some of it, and says what is missing. HELD made no call, since calls to the gateway are held back.
    SKIPPED had nothing to do. INTERRUPTED was cut by the end of the process, and runs again.
    """

    DONE = "DONE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    HELD = "HELD"
    SKIPPED = "SKIPPED"
    INTERRUPTED = "INTERRUPTED"


class State(StrEnum):
    """What a schedule is doing now. PAUSED and HELD wait for their integration: a pause, or an open breaker."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    OFF = "OFF"
    PAUSED = "PAUSED"
    HELD = "HELD"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom schedules are for: an integration, or a tenant, whose `id` is then the tenant's.

    `traits` are what kinds look at to see whether they apply, such as `provisioner`. `calls_pass` is False while the
    integration's breaker is not closed; `probe_at` is then the moment from which one call may try.
    """

    tenant_id: str
    id: str
    name: str
    is_integration: bool = True
    emulated: bool = False
    traits: frozenset[str] = frozenset()
    paused_until: datetime | None = None
    calls_pass: bool = True
    probe_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found, in a sentence. `next_at`: when to run again, if that is not simply an interval later."""

    words: str
    result: Result = Result.DONE
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run, the last of its schedule. `ended_at` and what follows are None while it is under way."""

    started_at: datetime
    ended_at: datetime | None = None
    took_ms: float | None = None
    result: Result | None = None
    words: str = ""
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What runs for whom, and when next. `own_seconds` is the interval that somebody set; None is the kind's own."""

    id: str
    tenant_id: str
    kind: str
    subject_id: str
    next_at: datetime
    enabled: bool = True
    own_seconds: int | None = None
    last: Run | None = None

    @property
    def is_running(self) -> bool:
        return self.last is not None and self.last.ended_at is None


Work = Callable[[Schedule], Awaitable[Outcome]]
"""Does one run. An AforoError that it raises is the run's failure, with its code."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of schedule. Every subject to which it applies has exactly one.

    every_seconds     how often, unless somebody set it otherwise; `emulated_seconds` likewise at emulated gateways
    least_seconds     no shorter interval can be set
    first_seconds     a new subject's first run comes after half of this to all of it
    calls_gateway     such a run is put off while the breaker is not closed; a kind that `probes` is the probe
    """

    key: str
    title: str
    what: str
    every_seconds: int
    work: Work
    applies: Callable[[Subject], bool]
    emulated_seconds: int | None = None
    least_seconds: int = 60
    first_seconds: int = 60
    calls_gateway: bool = True
    probes: bool = False

    def default_seconds(self, subject: Subject) -> int:
        return self.emulated_seconds if subject.emulated and self.emulated_seconds else self.every_seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """A schedule together with its kind and subject."""

    schedule: Schedule
    kind: Kind
    subject: Subject
    state: State

    @property
    def default_seconds(self) -> int:
        return self.kind.default_seconds(self.subject)

    @property
    def every_seconds(self) -> int:
        return self.schedule.own_seconds or self.default_seconds
