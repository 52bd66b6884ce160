"""Runs work beside the request that asked for it, so that it can be left, stopped and found again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aforo.jobs.model import Job, JobState
from aforo.jobs.sql import JobStore
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id
from aforo.kit.jsontree import JsonObject

Report = Callable[[int, int | None, str], None]
Work = Callable[[Report], Awaitable[JsonObject]]
Describe = Callable[[Exception], JsonObject]

PATIENCE_SECONDS = 10.0
_SAVE_EVERY_SECONDS = 1.0


class Jobs:
    """The jobs of this process, and the stored ones of earlier ones."""

    def __init__(self, store: JobStore, clock: Clock, describe: Describe) -> None:
        self._store = store
        self._clock = clock
        self._describe = describe
        self._live: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._faults: dict[str, Exception] = {}

    async def recover(self) -> None:
        """At start: what ran when the last process ended is marked INTERRUPTED."""
        await self._store.interrupt_all()

    async def start(self, tenant_id: str, kind: str, title: str, work: Work) -> Job:
        """Start work in the background."""
        job = Job(new_id("job"), tenant_id, kind, title, JobState.RUNNING, self._clock.now())
        await self._store.add(job)
        self._live[job.id] = job
        self._tasks[job.id] = asyncio.create_task(self._run(job.id, work), name=f"{kind} {job.id}")
        return job

    async def run(self, tenant_id: str, kind: str, title: str, work: Work, *, wait_seconds: float) -> Job:
        """Start work and wait a while: the finished job, or one that is still RUNNING. A failure in time is raised."""
        job = await self.start(tenant_id, kind, title, work)
        await asyncio.wait({self._tasks[job.id]}, timeout=wait_seconds)
        fault = self._faults.pop(job.id, None)
        if fault is not None:
            raise fault
        return await self.get(tenant_id, job.id)

    async def follow(self, tenant_id: str, kind: str, title: str, work: Work, *, wait_seconds: float) -> Job:
        """Start work and wait a while: the job as it then stands. A failure is told by the job, not raised."""
        job = await self.start(tenant_id, kind, title, work)
        await asyncio.wait({self._tasks[job.id]}, timeout=wait_seconds)
        self._faults.pop(job.id, None)
        return await self.get(tenant_id, job.id)

    def running(self, tenant_id: str) -> list[Job]:
        """The tenant's jobs that are under way, oldest first."""
        return [job for job in self._live.values() if job.tenant_id == tenant_id]

    async def get(self, tenant_id: str, job_id: str) -> Job:
        live = self._live.get(job_id)
        job = live if live and live.tenant_id == tenant_id else await self._store.get(tenant_id, job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id}.")
        return job

    async def cancel(self, tenant_id: str, job_id: str) -> Job:
        """Ask a running job to stop; what it has done by then stays done."""
        job = await self.get(tenant_id, job_id)
        if task := self._tasks.get(job_id):
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        return await self.get(tenant_id, job.id)

    async def stop(self) -> None:
        """At the end of the process: stop all work and keep how far it got."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, job_id: str, work: Work) -> None:
        saver = asyncio.create_task(self._save_now_and_then(job_id))
        try:
            result = await work(lambda done, about, what: self._progress(job_id, done, about, what))
            ended = replace(self._live[job_id], state=JobState.DONE, result=result)
        except asyncio.CancelledError:
            ended = replace(self._live[job_id], state=JobState.CANCELLED)
        except Exception as fault:  # noqa: BLE001  whatever fails is the job's outcome, and raised again by `run`
            self._faults[job_id] = fault
            ended = replace(self._live[job_id], state=JobState.FAILED, error=self._describe(fault))
        finally:
            saver.cancel()
        await self._store.save(replace(ended, ended_at=self._clock.now()))
        self._live.pop(job_id)
        self._tasks.pop(job_id, None)
        if len(self._faults) > 100:
            self._faults.pop(next(iter(self._faults)))

    def _progress(self, job_id: str, done: int, about: int | None, what: str) -> None:
        self._live[job_id] = replace(self._live[job_id], done=done, about=about, what=what)

    async def _save_now_and_then(self, job_id: str) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY_SECONDS)
            await self._store.save(self._live[job_id])


__all__ = ["Job", "JobState", "Jobs", "Report"]
