"""Metrics over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers.service import Metrics
from aforo.customers.shapes import MetricPatch, NewMetric
from aforo.customers.views import MetricView, metric_view
from aforo.kit.wire import Page


def router(metrics: Metrics, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/metrics`."""
    api = APIRouter(prefix="/api/v1/metrics", tags=["metrics"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("", summary="List metrics by name; `api_calls` is always there")
    async def all_(who: reader) -> Page[MetricView]:
        return Page(data=[metric_view(one) for one in await metrics.all(who.tenant_id)])

    @api.post("", status_code=201, summary="Add a metric")
    async def create(new: NewMetric, who: writer) -> MetricView:
        metric = await metrics.create(who.tenant_id, new)
        await accounts.note(who.tenant_id, who.actor_id, "metric.create", metric.name, {})
        return metric_view(metric)

    @api.get("/{name}", summary="One metric")
    async def show(name: str, who: reader) -> MetricView:
        return metric_view(await metrics.one(who.tenant_id, name))

    @api.patch("/{name}", summary="Change a metric's unit or description")
    async def change(name: str, patch: MetricPatch, who: writer) -> MetricView:
        metric = await metrics.change(who.tenant_id, name, patch)
        await accounts.note(who.tenant_id, who.actor_id, "metric.change", name, {})
        return metric_view(metric)

    @api.delete("/{name}", status_code=204, summary="Remove a metric that no plan names")
    async def remove(name: str, who: writer) -> None:
        await metrics.remove(who.tenant_id, name)
        await accounts.note(who.tenant_id, who.actor_id, "metric.remove", name, {})

    return api
