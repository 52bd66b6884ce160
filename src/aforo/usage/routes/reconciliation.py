"""`/api/v1/reconciliation`: what gateways counted beside what artifacts pushed, and reading the former anew."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Caller, CallerFor, Scope
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.jsontree import JsonObject
from aforo.kit.wire import Moment, WireModel
from aforo.usage.pulled import Pulled, Pulling, Reconciled, Reconciling
from aforo.usage.rules.reconcile import Row, Why


class ReasonView(WireModel):
    why: Why
    words: str


class ReconciledProduct(WireModel):
    """`id` is Aforo's, or the gateway's own of a product that is not recorded."""

    id: str
    name: str


class ReconciliationRow(WireModel):
    """One day of one product, or of several that the gateway counts together; none: of calls without a product.

    `pulledCalls` is null where the gateway's figure is not known. `difference` is pushed less pulled, `percent` that in
    hundredths of pulled.
    """

    day: date
    products: list[ReconciledProduct]
    pulled_calls: int | None
    pushed_calls: int
    difference: int | None
    percent: Decimal | None
    reasons: list[ReasonView]


class UsageSourceView(WireModel):
    """What the gateway's figures are worth."""

    gateway: str
    granularity: str
    zone: str
    lag_minutes: int | None
    counts: str
    exactness: str


class ReconciliationView(WireModel):
    """Days from `from` to `to`, both included, newest first. No bill is made from pulled figures."""

    integration_id: str
    from_: Annotated[date, Field(alias="from")]
    to: date
    source: UsageSourceView
    attached_at: Moment | None
    last_read_at: Moment | None
    data: list[ReconciliationRow]
    next_cursor: str | None = None


class NewPull(WireModel):
    """`days` back, today included; without it what is lacking, and what the gateway may have amended."""

    integration_id: str
    days: int | None = None


class PullView(WireModel):
    """What was read: the days, both included, how many figures, and their calls."""

    first_day: date
    last_day: date
    figures: int
    calls: int


def router(pulling: Pulling, reconciling: Reconciling, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/reconciliation` and `/api/v1/reconciliation/pull`."""
    api = APIRouter(prefix="/api/v1/reconciliation", tags=["integrations"])

    @api.get("", summary="What a gateway counted beside what its artifact pushed, by product and day")
    async def show(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))],
        integration_id: Annotated[str, Query(alias="integrationId")],
        first: Annotated[date | None, Query(alias="from", description="A day; six before `to` unless told.")] = None,
        last: Annotated[date | None, Query(alias="to", description="A day, included; today unless told.")] = None,
    ) -> ReconciliationView:
        return reconciliation_view(integration_id, await reconciling.of(who.tenant_id, integration_id, first, last))

    @api.post("/pull", response_model=PullView, responses=SLOW, summary="Read a gateway's own usage figures now")
    async def pull(
        wanted: NewPull, who: Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))], prefer: Prefer = None
    ) -> JSONResponse:
        async def work(report: Report) -> JsonObject:
            del report
            told = await pulling.pull(who.tenant_id, wanted.integration_id, wanted.days)
            return pull_view(told).model_dump(mode="json", by_alias=True)

        name = await pulling.name(who.tenant_id, wanted.integration_id)
        return await answer(jobs, who, "usage-pull", f"Read usage figures of {name}", work, prefer=prefer)

    return api


def pull_view(told: Pulled) -> PullView:
    return PullView(first_day=told.first, last_day=told.last, figures=told.figures, calls=told.calls)


def reconciliation_view(integration_id: str, told: Reconciled) -> ReconciliationView:
    facts = told.facts
    return ReconciliationView(
        integration_id=integration_id,
        from_=told.first,
        to=told.last,
        source=UsageSourceView(
            gateway=told.place.gateway,
            granularity=facts.granularity,
            zone=facts.zone,
            lag_minutes=facts.lag_minutes,
            counts=facts.counts,
            exactness=facts.exactness,
        ),
        attached_at=told.attached_at,
        last_read_at=told.read_at,
        data=[_row(told, row) for row in told.rows],
    )


def _row(told: Reconciled, row: Row) -> ReconciliationRow:
    pairs = zip(row.products, told.named(row), strict=True)
    return ReconciliationRow(
        day=row.day,
        products=[ReconciledProduct(id=one, name=name) for one, name in pairs],
        pulled_calls=row.pulled,
        pushed_calls=row.pushed,
        difference=row.difference,
        percent=row.percent,
        reasons=[ReasonView(why=one.why, words=one.words) for one in row.reasons],
    )
