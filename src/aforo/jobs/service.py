"""Runs work beside the request that asked for it, so that it can be left, stopped and found again."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aforo.jobs.errors import Interrupted
from aforo.jobs.model import Job, JobState
from aforo.jobs.sql import JobStore
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id
from aforo.kit.jsontree import JsonObject

Report = Callable[[int, int | None, str], None]
Work = Callable[[Report], Awaitable[JsonObject]]
Describe = Callable[[Exception], JsonObject]
Seal = Callable[[str, str, bytes], bytes]
"""Given a tenant, a job's id and a result: the same unreadable, or with the opposite call readable again."""

PATIENCE_SECONDS = 10.0
_SAVE_EVERY_SECONDS = 1.0
_FAULTS_KEPT = 100

log = logging.getLogger(__name__)


class Jobs:
    """The jobs of this process, and the stored ones of earlier ones.

    A job's work is one task, and a second one sees to its end: only the first is ever cancelled. An end that cannot be
    stored, as on a full disk, is told from memory and stored as soon as another job starts.
    """

    def __init__(self, store: JobStore, clock: Clock, describe: Describe) -> None:
        self._store = store
        self._clock = clock
        self._describe = describe
        self._seal: Seal | None = None
        self._open: Seal | None = None
        self._live: dict[str, Job] = {}
        self._unsaved: dict[str, Job] = {}
        self._works: dict[str, asyncio.Task[JsonObject]] = {}
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._faults: dict[str, Exception] = {}

    def seal_results(self, seal: Seal, open_: Seal) -> None:
        """How results are stored from now on; without this none is stored."""
        self._seal, self._open = seal, open_

    async def recover(self) -> None:
        """At start: what ran when the last process ended has failed, and says how far it got."""
        for job in await self._store.running():
            if job.id not in self._live:
                error = {**self._describe(_interrupted(job)), "title": "Interrupted"}
                await self._store.save(replace(job, state=JobState.FAILED, error=error, ended_at=self._clock.now()))

    async def start(self, tenant_id: str, kind: str, title: str, work: Work) -> Job:
        """Start work in the background."""
        job = Job(new_id("job"), tenant_id, kind, title, JobState.RUNNING, self._clock.now())
        await self._store.add(job)
        await self._save_unsaved()
        self._live[job.id] = job
        self._works[job.id] = asyncio.create_task(self._work(job.id, work), name=f"{kind} {job.id}")
        self._ends[job.id] = asyncio.create_task(self._see_to_its_end(job.id), name=f"end of {job.id}")
        return job

    async def run(self, tenant_id: str, kind: str, title: str, work: Work, *, wait_seconds: float) -> Job:
        """Start work and wait a while: the finished job, or one that is still RUNNING. A failure in time is raised."""
        job = await self.start(tenant_id, kind, title, work)
        await asyncio.wait({self._ends[job.id]}, timeout=wait_seconds)
        fault = self._faults.pop(job.id, None)
        if fault is not None:
            raise fault
        return await self.get(tenant_id, job.id)

    async def follow(self, tenant_id: str, kind: str, title: str, work: Work, *, wait_seconds: float) -> Job:
        """Start work and wait a while: the job as it then stands. A failure is told by the job, not raised."""
        job = await self.start(tenant_id, kind, title, work)
        await asyncio.wait({self._ends[job.id]}, timeout=wait_seconds)
        self._faults.pop(job.id, None)
        return await self.get(tenant_id, job.id)

    def running(self, tenant_id: str) -> list[Job]:
        """The tenant's jobs that are under way, oldest first."""
        return [job for job in self._live.values() if job.tenant_id == tenant_id]

    async def get(self, tenant_id: str, job_id: str) -> Job:
        live = self._live.get(job_id) or self._unsaved.get(job_id)
        job = live if live and live.tenant_id == tenant_id else await self._stored(tenant_id, job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id}.", next_step="Ended ones are kept for a day.")
        return job

    async def cancel(self, tenant_id: str, job_id: str) -> Job:
        """Ask a running job to stop; what it has done by then stays done. One whose work has ended is left alone."""
        await self.get(tenant_id, job_id)
        if work := self._works.get(job_id):
            work.cancel()
        if end := self._ends.get(job_id):
            await asyncio.wait({end}, timeout=PATIENCE_SECONDS)
        return await self.get(tenant_id, job_id)

    async def stop(self) -> None:
        """At the end of the process: stop all work and keep how far it got."""
        for work in self._works.values():
            work.cancel()
        await asyncio.gather(*self._ends.values(), return_exceptions=True)
        await self._save_unsaved()

    async def _work(self, job_id: str, work: Work) -> JsonObject:
        return await work(lambda done, about, what: self._progress(job_id, done, about, what))

    def _progress(self, job_id: str, done: int, about: int | None, what: str) -> None:
        self._live[job_id] = replace(self._live[job_id], done=done, about=about, what=what)

    async def _see_to_its_end(self, job_id: str) -> None:
        try:
            await self._until_ended(job_id)
            self._unsaved[job_id] = self._ended(self._live[job_id], self._works[job_id])
        finally:
            self._live.pop(job_id)
            self._works.pop(job_id)
        await self._save_unsaved(job_id)
        self._ends.pop(job_id)

    async def _until_ended(self, job_id: str) -> None:
        """Waits, and stores how far the work is, so that it can be told after a crash."""
        stored = self._live[job_id]
        while not (await asyncio.wait({self._works[job_id]}, timeout=_SAVE_EVERY_SECONDS))[0]:
            if self._live[job_id] is not stored and await self._saves(self._live[job_id]):
                stored = self._live[job_id]

    def _ended(self, job: Job, work: asyncio.Task[JsonObject]) -> Job:
        job = replace(job, ended_at=self._clock.now())
        if work.cancelled():
            return replace(job, state=JobState.CANCELLED)
        fault = work.exception()
        if fault is None:
            return replace(job, state=JobState.DONE, result=work.result())
        if not isinstance(fault, Exception):
            raise fault
        self._faults[job.id] = fault
        if len(self._faults) > _FAULTS_KEPT:
            self._faults.pop(next(iter(self._faults)))
        return replace(job, state=JobState.FAILED, error=self._describe(fault))

    async def _save_unsaved(self, *job_ids: str) -> None:
        for job_id in job_ids or tuple(self._unsaved):
            job = self._unsaved.get(job_id)
            if job and await self._saves(job):
                self._unsaved.pop(job_id, None)

    async def _saves(self, job: Job) -> bool:
        """Store a job; False when that fails, which must not end the work nor hide its outcome."""
        sealed = None
        if job.result is not None and self._seal:
            sealed = self._seal(job.tenant_id, job.id, json.dumps(job.result).encode())
        try:
            await self._store.save(job, sealed)
        except Exception:
            log.exception("job %s (%s) is %s, which could not be stored", job.id, job.kind, job.state)
            return False
        return True

    async def _stored(self, tenant_id: str, job_id: str) -> Job | None:
        found = await self._store.get(tenant_id, job_id)
        if found is None:
            return None
        job, sealed = found
        if sealed is None or self._open is None:
            return job
        return replace(job, result=json.loads(self._open(tenant_id, job_id, sealed)))


def _interrupted(job: Job) -> Interrupted:
    so_far = f" It had told of {job.progress}." if job.progress else ""
    return Interrupted(
        f"Aforo was stopped while this ran.{so_far} What it had done by then stays done.",
        next_step="Look at how things stand, then start it again: it goes on with what is left.",
    )


__all__ = ["Job", "JobState", "Jobs", "Report"]
