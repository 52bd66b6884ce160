"""Work that comes again: what runs when, for whom, and how it went."""

from aforo.jobs.schedules.model import Kind, Outcome, Result, Schedule, Subject
from aforo.jobs.schedules.service import Schedules
from aforo.jobs.schedules.sql import ScheduleStore

__all__ = ["Kind", "Outcome", "Result", "Schedule", "ScheduleStore", "Schedules", "Subject"]
