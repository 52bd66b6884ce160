"""`/api/v1/retention` and `/api/v1/erasures`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Caller, CallerFor, Scope
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.jsontree import JsonObject
from aforo.kit.wire import Moment, WireModel
from aforo.usage.keeping import Keeping, Retention


class RetentionForm(WireModel):
    """`days` after an event occurred it is reduced to what sums need; null keeps it whole for ever."""

    days: int | None


class RetentionView(WireModel):
    """What holds, and since when; never set where `setAt` is null."""

    days: int | None
    set_at: Moment | None
    set_by: str | None


class NewErasure(WireModel):
    """Whose events: a customer's id, or what your events call it."""

    customer_id: Annotated[str, Field(min_length=1, max_length=64)]


class ErasureView(WireModel):
    """How many events were reduced, and how many dead letters removed."""

    events: int
    dead_letters: int


def router(keeping: Keeping, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """Retention is read by everybody who may read usage, and decided by administrators; so is erasure."""
    api = APIRouter(prefix="/api/v1", tags=["usage"])

    @api.get("/retention", summary="For how long events are kept whole")
    async def show(who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))]) -> RetentionView:
        return retention_view(await keeping.retention(who.tenant_id))

    @api.put("/retention", summary="Decide for how long events are kept whole")
    async def decide(form: RetentionForm, who: Annotated[Caller, Depends(caller(Scope.ADMIN))]) -> RetentionView:
        """Takes effect with the next daily run. Sums, statements and certificates stay as they are."""
        return retention_view(await keeping.keep(who.tenant_id, form.days, who.actor_id))

    @api.post("/erasures", response_model=ErasureView, responses=SLOW, summary="Erase a customer's events")
    async def erase(
        form: NewErasure, who: Annotated[Caller, Depends(caller(Scope.ADMIN))], prefer: Prefer = None
    ) -> JSONResponse:
        """Events received by now keep whose they are, how much of what, and the quarter of an hour; all else goes, and
        cannot come back. They are listed no more, and counted as before. Doing it again finds nothing more."""

        async def work(report: Report) -> JsonObject:
            del report
            told = await keeping.erase(who.tenant_id, form.customer_id, who.actor_id)
            view = ErasureView(events=told.events, dead_letters=told.letters)
            return view.model_dump(mode="json", by_alias=True)

        return await answer(jobs, who, "erasure", f"Erase events of {form.customer_id}", work, prefer=prefer)

    return api


def retention_view(told: Retention) -> RetentionView:
    return RetentionView(days=told.days, set_at=told.set_at, set_by=told.set_by)
