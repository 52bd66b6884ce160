"""Long work: started, watched, found again."""

from aforo.jobs.service import Job, Jobs, JobState
from aforo.jobs.sql import JobStore

__all__ = ["Job", "JobState", "JobStore", "Jobs"]
