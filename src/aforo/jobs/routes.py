"""Jobs over HTTP, and the rule for answers that wait for a gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi.responses import JSONResponse

from aforo.accounts import Caller, CallerFor, Scope
from aforo.jobs.model import Job, JobState
from aforo.jobs.service import PATIENCE_SECONDS, Jobs, Work
from aforo.kit.wire import Moment, WireModel


class JobView(WireModel):
    """`progress` counts `done` of `about`; `result` is what the call would have answered had it not taken longer."""

    id: str
    kind: str
    title: str
    state: JobState
    started_at: Moment
    ended_at: Moment | None
    done: int
    about: int | None
    what: str
    result: dict[str, Any] | None
    error: dict[str, Any] | None


class Accepted(WireModel):
    job_id: str


Prefer = Annotated[str | None, Header(description="`respond-async` answers 202 with a job at once")]
SLOW: dict[int | str, dict[str, Any]] = {202: {"model": Accepted, "description": "It takes longer: see the job"}}


def router(jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/jobs/{id}`."""
    api = APIRouter(prefix="/api/v1", tags=["jobs"])

    @api.get("/jobs/{job_id}", summary="How far a job is")
    async def show(job_id: str, who: Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]) -> JobView:
        return job_view(await jobs.get(who.tenant_id, job_id))

    @api.post("/jobs/{job_id}/cancel", summary="Stop a job; what it has done stays done")
    async def cancel(job_id: str, who: Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]) -> JobView:
        return job_view(await jobs.cancel(who.tenant_id, job_id))

    return api


async def answer(
    jobs: Jobs, who: Caller, kind: str, title: str, work: Work, *, prefer: str | None, status: int = 200
) -> JSONResponse:
    """The work's result, if it ends within ten seconds; else, or on `Prefer: respond-async`, 202 with the job's id."""
    wait = 0.0 if prefer and "respond-async" in prefer else PATIENCE_SECONDS
    job = await jobs.run(who.tenant_id, kind, title, work, wait_seconds=wait)
    if job.state is JobState.RUNNING:
        return JSONResponse({"jobId": job.id}, 202, headers={"Location": f"/api/v1/jobs/{job.id}"})
    return JSONResponse(job.result, status)


def job_view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        started_at=job.started_at,
        ended_at=job.ended_at,
        done=job.done,
        about=job.about,
        what=job.what,
        result=dict(job.result) if job.result is not None else None,
        error=dict(job.error) if job.error is not None else None,
    )
