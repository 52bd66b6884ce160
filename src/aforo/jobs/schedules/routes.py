"""Schedules over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.jobs.routes import SLOW, Prefer, answer
from aforo.jobs.schedules.model import Result, Run, Seen, State
from aforo.jobs.schedules.rules import JITTER
from aforo.jobs.schedules.service import Schedules
from aforo.jobs.service import Jobs, Report
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import JsonObject
from aforo.kit.wire import Moment, Page, WireModel


class RunView(WireModel):
    """`endedAt` and what follows are null while the run is under way; `error` is a problem."""

    started_at: Moment
    ended_at: Moment | None
    took_ms: float | None
    result: Result | None
    words: str
    error: dict[str, Any] | None


class ScheduleView(WireModel):
    """`integrationId` is null for what concerns the whole tenant. `everySeconds` is what holds now."""

    id: str
    kind: str
    title: str
    integration_id: str | None
    subject: str
    enabled: bool
    every_seconds: int
    default_seconds: int
    jitter: float
    state: State
    next_at: Moment | None
    last: RunView | None


class SchedulePatch(WireModel):
    """Only what is to change; `everySeconds` 0 goes back to the kind's own interval."""

    enabled: bool | None = None
    every_seconds: int | None = None


def router(schedules: Schedules, accounts: Accounts, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/schedules`."""
    api = APIRouter(prefix="/api/v1/schedules", tags=["schedules"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("", summary="What runs by itself: when, for whom, and how the last run went")
    async def all_(
        who: reader,
        integration_id: Annotated[str | None, Query(alias="integrationId")] = None,
        kind: str | None = None,
        state: State | None = None,
    ) -> Page[ScheduleView]:
        found = await schedules.all(who.tenant_id, subject_id=integration_id, kind=kind, state=state)
        return Page(data=[schedule_view(one) for one in found])

    @api.get("/{schedule_id}", summary="One schedule")
    async def show(schedule_id: str, who: reader) -> ScheduleView:
        return schedule_view(await schedules.get(who.tenant_id, schedule_id))

    @api.patch("/{schedule_id}", summary="Switch it on or off, or set its interval")
    async def change(schedule_id: str, patch: SchedulePatch, who: writer) -> ScheduleView:
        detail: dict[str, Any] = patch.model_dump(mode="json", by_alias=True, exclude_none=True)
        if not detail:
            raise Invalid("Nothing was named that is to change.", next_step="Send enabled or everySeconds.")
        after = await schedules.set(
            who.tenant_id, schedule_id, enabled=patch.enabled, every_seconds=patch.every_seconds
        )
        await accounts.note(who.tenant_id, who.actor_id, "schedule.change", schedule_id, detail)
        return schedule_view(after)

    @api.post("/{schedule_id}/run", response_model=ScheduleView, responses=SLOW, summary="Run it now")
    async def run(schedule_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        seen = await schedules.get(who.tenant_id, schedule_id)
        work = run_work(schedules, seen)
        return await answer(jobs, who, "schedule", run_title(seen), work, prefer=prefer)

    return api


def run_work(schedules: Schedules, seen: Seen, href: str | None = None) -> Any:
    """The job of a run; it ends well also when the run failed, which the schedule then tells."""

    async def work(report: Report) -> JsonObject:
        del report
        ran = await schedules.run_now(seen.subject.tenant_id, seen.schedule.id)
        return {"href": href} if href else schedule_view(ran).model_dump(mode="json", by_alias=True)

    return work


def run_title(seen: Seen) -> str:
    return f"{seen.kind.title} of {seen.subject.name}"


def schedule_view(seen: Seen) -> ScheduleView:
    one = seen.schedule
    return ScheduleView(
        id=one.id,
        kind=one.kind,
        title=seen.kind.title,
        integration_id=seen.subject.id if seen.subject.is_integration else None,
        subject=seen.subject.name,
        enabled=one.enabled,
        every_seconds=seen.every_seconds,
        default_seconds=seen.default_seconds,
        jitter=JITTER,
        state=seen.state,
        next_at=one.next_at if one.enabled else None,
        last=_run(one.last) if one.last else None,
    )


def _run(run: Run) -> RunView:
    return RunView(
        started_at=run.started_at,
        ended_at=run.ended_at,
        took_ms=run.took_ms,
        result=run.result,
        words=run.words,
        error=dict(run.error) if run.error is not None else None,
    )
