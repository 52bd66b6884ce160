"""`/tour`: five steps on one page, each a form that works without scripts."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.app.tour.calling import Outcome
from aforo.app.tour.sample import PLACES, SALES
from aforo.app.tour.tour import Standing, Tour
from aforo.app.wiring import Rooms
from aforo.jobs import PAGE_PATIENCE_SECONDS, Report, onward
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender

HERE: Final = "/tour"
_STEPS: Final = ("Connect", "Set up a shop", "Let them call", "Repair a drift", "Read the margin")


def router(tour: Tour, rooms: Rooms, visitor: VisitorFor, render: PageRender) -> APIRouter:
    """The page, and what its buttons do."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(visitor(Scope.CONTROL_WRITE))]

    @pages.get(HERE)
    async def show(request: Request, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        standing = await tour.standing(tenant_id)
        return render(
            "shell/tour.html",
            request,
            standing=standing,
            steps=steps(standing),
            sales=SALES,
            offers=[(sale.customer, f"{sale.plan}: {sale.lesson}") for sale in SALES],
            called=[_row(one) for one in standing.called],
            running=[job for job in rooms.jobs.running(tenant_id) if job.kind.startswith("tour_")],
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.post(HERE + "/shop")
    async def set_up(session: writer) -> RedirectResponse:
        who = session.caller

        async def work(report: Report) -> JsonObject:
            await tour.shop.set_up(who.tenant_id, who.actor_id, report)
            return {"href": HERE + "#call"}

        job = await rooms.jobs.follow(
            who.tenant_id, "tour_shop", "Set up the tour's shop", work, wait_seconds=PAGE_PATIENCE_SECONDS
        )
        return onward(job, HERE)

    @pages.post(HERE + "/calls")
    async def call(session: writer) -> RedirectResponse:
        tenant_id = session.caller.tenant_id

        async def work(report: Report) -> JsonObject:
            await tour.call(tenant_id, report)
            return {"href": HERE + "#call"}

        job = await rooms.jobs.follow(
            tenant_id, "tour_calls", "The tour's customers call", work, wait_seconds=PAGE_PATIENCE_SECONDS
        )
        return onward(job, HERE)

    @pages.get(HERE + "/margin")
    async def read(session: reader) -> RedirectResponse:
        tour.read(session.caller.tenant_id)
        return RedirectResponse("/margin", 303)

    @pages.post(HERE + "/edit")
    async def edit(session: writer) -> RedirectResponse:
        await tour.edit(session.caller.tenant_id)
        return RedirectResponse(HERE + "#drift", 303)

    return pages


def steps(standing: Standing) -> list[dict[str, Any]]:
    """For the line of steps: those done, the first that is not, and the rest."""
    first = next((number for number, done in enumerate(standing.done) if not done), len(_STEPS))
    return [
        {"label": label, "state": "done" if done else "now" if number == first else "todo"}
        for number, (label, done) in enumerate(zip(_STEPS, standing.done, strict=True))
    ]


def _row(one: Outcome) -> dict[str, Any]:
    return {
        "id": one.subscription_id,
        "href": f"/subscriptions/{one.subscription_id}",
        "customer": one.sale.customer,
        "sent": one.sent,
        **{place.gateway: one.passed(place.gateway) for place in PLACES},
        "refused": one.refused(),
        "refusal": one.refusal,
    }
