"""`/schedules`: what runs when, and did it? One schedule: its last run, its interval. Works without scripts."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Accounts, Scope, Session, VisitorFor
from aforo.jobs.pages import PAGE_PATIENCE_SECONDS, onward
from aforo.jobs.schedules import words
from aforo.jobs.schedules.model import Seen, State
from aforo.jobs.schedules.routes import run_title, run_work
from aforo.jobs.schedules.service import Schedules
from aforo.jobs.service import Jobs
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError, Invalid
from aforo.kit.pages import PageRender, local_path

_CHOICES: Final = (60, 120, 300, 600, 900, 1800, 3600, 6 * 3600, 86_400, 7 * 86_400)


def router(
    schedules: Schedules, accounts: Accounts, jobs: Jobs, clock: Clock, visitor: VisitorFor, render: PageRender
) -> APIRouter:
    """`/schedules` and below."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(visitor(Scope.CONTROL_WRITE))]

    @pages.get("/schedules")
    async def list_(request: Request, session: reader, q: str = "", integration: str = "") -> Response:
        every = await schedules.all(session.caller.tenant_id, subject_id=integration or None)
        shown = [one for one in every if q.strip().lower() in f"{one.kind.title} {one.subject.name}".lower()]
        return render(
            "jobs/schedules.html",
            request,
            answer=words.answer(every, clock.now()),
            as_of=clock.now(),
            rows=[schedule_row(one) for one in shown],
            total=len(every),
            of=next((one.subject.name for one in every if integration), ""),
            integration=integration,
            q=q,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/schedules/{schedule_id}")
    async def show(request: Request, schedule_id: str, session: reader) -> Response:
        return _page(await schedules.get(session.caller.tenant_id, schedule_id), request, session)

    @pages.post("/schedules/{schedule_id}/run")
    async def run(schedule_id: str, session: writer, back: str = "/schedules") -> RedirectResponse:
        seen = await schedules.get(session.caller.tenant_id, schedule_id)
        where = local_path(back, "/schedules")
        job = await jobs.follow(
            session.caller.tenant_id,
            "schedule",
            run_title(seen),
            run_work(schedules, seen, where),
            wait_seconds=PAGE_PATIENCE_SECONDS,
        )
        return onward(job, where)

    @pages.post("/schedules/{schedule_id}")
    async def change(
        request: Request,
        schedule_id: str,
        session: writer,
        every: Annotated[int, Form()],
        enabled: Annotated[str, Form()] = "",
    ) -> Response:
        who = session.caller
        try:
            await schedules.set(who.tenant_id, schedule_id, enabled=enabled == "yes", every_seconds=every)
        except Invalid as fault:
            return _page(await schedules.get(who.tenant_id, schedule_id), request, session, fault)
        detail: dict[str, Any] = {"everySeconds": every, "enabled": enabled == "yes"}
        await accounts.note(who.tenant_id, who.actor_id, "schedule.change", schedule_id, detail)
        return RedirectResponse(f"/schedules/{schedule_id}", 303)

    def _page(seen: Seen, request: Request, session: Session, fault: AforoError | None = None) -> Response:
        return render(
            "jobs/schedule.html",
            request,
            status=422 if fault else 200,
            seen=seen,
            row=schedule_row(seen),
            answer=words.how(seen),
            error=fault.detail if fault else "",
            choices=_choices(seen),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    return pages


def schedule_row(seen: Seen) -> dict[str, Any]:
    """What tables show of a schedule; also those of the rooms above."""
    one = seen.schedule
    last = one.last
    return {
        "id": one.id,
        "href": f"/schedules/{one.id}",
        "title": seen.kind.title,
        "of": seen.subject.name,
        "of_href": f"/integrations/{seen.subject.id}" if seen.subject.is_integration else "",
        "emulated": seen.subject.emulated,
        "last": last.ended_at or last.started_at if last else None,
        "took": words.took(last),
        "state": words.badge(seen),
        "result": last.result.value if last and last.result else "",
        "words": last.words if last else "",
        "next": one.next_at if seen.state in (State.WAITING, State.HELD) else None,
        "waits": words.waits(seen),
        "every": words.span(seen.every_seconds),
        "may_run": seen.state not in (State.RUNNING, State.PAUSED),
        "note": last.words if last and last.error else "",
    }


def _choices(seen: Seen) -> list[tuple[str, str]]:
    """The default first; then whatever may be set, and what is."""
    may = {one for one in _CHOICES if one >= seen.kind.least_seconds} | {seen.schedule.own_seconds or 0} - {0}
    default = words.span(seen.default_seconds)
    why = ", since it is emulated" if seen.subject.emulated and seen.kind.emulated_seconds else ""
    return [("0", f"{default}, the default{why}"), *((str(one), words.span(one)) for one in sorted(may))]
