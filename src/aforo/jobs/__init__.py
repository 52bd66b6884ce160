"""Long work: started, watched, found again."""

from aforo.jobs.model import Job, JobState
from aforo.jobs.routes import SLOW, Prefer, answer
from aforo.jobs.service import Jobs, Report
from aforo.jobs.sql import JobStore

__all__ = ["SLOW", "Job", "JobState", "JobStore", "Jobs", "Prefer", "Report", "answer"]
