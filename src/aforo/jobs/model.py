"""A piece of work that may take longer than a request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aforo.kit.jsontree import JsonObject


class JobState(StrEnum):
    """FAILED also when the process ended while the job ran: its error then has the code `interrupted`."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


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

    @property
    def progress(self) -> str:
        """`2 of about 5 steps`; empty while nothing is told."""
        of = f" of about {self.about:,}" if self.about else ""
        return f"{self.done:,}{of} {self.what}".rstrip() if self.done or self.about else ""
