"""A piece of work that may take longer than a request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aforo.kit.jsontree import JsonObject


class JobState(StrEnum):
    """INTERRUPTED: the process ended while the job ran; nothing is known of its end."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Job:
    """`done` of `about` (None while unknown) `what`; `result` when done, `error` in the problem's shape when failed."""

    id: str
    tenant_id: str
    kind: str
    title: str
    state: JobState
    started_at: datetime
    ended_at: datetime | None = None
    done: int = 0
    about: int | None = None
    what: str = ""
    result: JsonObject | None = None
    error: JsonObject | None = None
