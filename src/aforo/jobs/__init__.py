"""Long work, started, watched, found again; and work that comes again by itself.

What belongs to HTTP comes on first use, since it brings the web framework along.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aforo.jobs.model import Job, JobState
from aforo.jobs.schedules import Kind, Outcome, Result, Schedule, Schedules, ScheduleStore, Subject
from aforo.jobs.service import Jobs, Report
from aforo.jobs.sql import JobStore

if TYPE_CHECKING:
    from aforo.jobs.pages import PAGE_PATIENCE_SECONDS, onward, work_page
    from aforo.jobs.routes import SLOW, Prefer, answer
    from aforo.jobs.schedules.pages import schedule_row

__all__ = [
    "PAGE_PATIENCE_SECONDS",
    "SLOW",
    "Job",
    "JobState",
    "JobStore",
    "Jobs",
    "Kind",
    "Outcome",
    "Prefer",
    "Report",
    "Result",
    "Schedule",
    "ScheduleStore",
    "Schedules",
    "Subject",
    "answer",
    "onward",
    "schedule_row",
    "work_page",
]

_LATER = {
    "PAGE_PATIENCE_SECONDS": "pages",
    "SLOW": "routes",
    "Prefer": "routes",
    "answer": "routes",
    "onward": "pages",
    "schedule_row": "schedules.pages",
    "work_page": "pages",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
