"""The page of a job: how far it is, how it ended, where to go from there. Works without scripts."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.jobs.model import Job, JobState
from aforo.jobs.service import Jobs
from aforo.kit.jsontree import Json
from aforo.kit.pages import PageRender, local_path

PAGE_PATIENCE_SECONDS: Final = 2.0
"""How long a page waits for a gateway before it shows the job instead."""
_REFRESH_SECONDS: Final = 1


def router(jobs: Jobs, visitor: VisitorFor, render: PageRender) -> APIRouter:
    """`/jobs/{id}`."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(visitor(Scope.CONTROL_WRITE))]

    @pages.get("/jobs/{job_id}")
    async def show(request: Request, job_id: str, session: reader, back: str = "/") -> Response:
        job = await jobs.get(session.caller.tenant_id, job_id)
        if job.state is JobState.DONE and (href := _where(job)):
            return RedirectResponse(href, 303)
        may_stop = session.caller.may(Scope.CONTROL_WRITE)
        answer = render("jobs/job.html", request, job=job, back=local_path(back), may_stop=may_stop)
        if job.state is JobState.RUNNING:
            answer.headers["refresh"] = str(_REFRESH_SECONDS)
        return answer

    @pages.post("/jobs/{job_id}/stop")
    async def stop(job_id: str, session: writer, back: str = "/") -> RedirectResponse:
        job = await jobs.cancel(session.caller.tenant_id, job_id)
        return RedirectResponse(work_page(job, back), 303)

    return pages


def work_page(job: Job, back: str) -> str:
    """The address of a job's page; `back` is where its reader came from."""
    return f"/jobs/{job.id}?{urlencode({'back': back})}"


def onward(job: Job, back: str) -> RedirectResponse:
    """From a form that started a job: to what it made when it is done already, else to its page."""
    href = _where(job) if job.state is JobState.DONE else None
    return RedirectResponse(href or work_page(job, back), 303)


def _where(job: Job) -> str | None:
    """Where a finished job says that its outcome is shown; `{job}` in it stands for the job's id."""
    href: Json = job.result.get("href") if job.result else None
    return href.replace("{job}", job.id) if isinstance(href, str) and local_path(href) == href else None
