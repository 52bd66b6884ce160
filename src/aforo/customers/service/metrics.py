"""Metrics: what is counted."""

from dataclasses import replace

from aforo.customers.errors import MetricInUse
from aforo.customers.model import API_CALLS, Metric
from aforo.customers.shapes import MetricPatch, NewMetric
from aforo.customers.sql import MetricStore
from aforo.kit.errors import NotFound


class Metrics:
    """A tenant's metrics; `api_calls` is always among them."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store

    async def all(self, tenant_id: str) -> list[Metric]:
        """In order of names."""
        return list((await self._store.all(tenant_id)).values())

    async def aggregations(self, tenant_id: str) -> dict[str, str]:
        """How each metric is summed up, by name."""
        return {metric.name: metric.aggregation.value for metric in await self.all(tenant_id)}

    async def names(self, tenant_id: str) -> frozenset[str]:
        return frozenset(await self._store.all(tenant_id))

    async def one(self, tenant_id: str, name: str) -> Metric:
        found = (await self._store.all(tenant_id)).get(name)
        if found is None:
            raise NotFound(f"There is no metric {name}.", next_step="List them: GET /api/v1/metrics.")
        return found

    async def create(self, tenant_id: str, new: NewMetric) -> Metric:
        metric = Metric(new.name, new.unit, new.aggregation, new.description)
        if metric.name == API_CALLS.name:
            raise MetricInUse("The metric api_calls is there from the start.", next_step="Use it as it is.")
        await self._store.add(tenant_id, metric)
        return metric

    async def change(self, tenant_id: str, name: str, patch: MetricPatch) -> Metric:
        wanted = {member: getattr(patch, member) for member in patch.model_fields_set}
        metric = replace(await self.one(tenant_id, name), **wanted)
        await self._store.change(tenant_id, metric)
        return metric

    async def remove(self, tenant_id: str, name: str) -> None:
        """Raises MetricInUse for `api_calls`, and while a plan or a cost rule names it."""
        await self.one(tenant_id, name)
        if name == API_CALLS.name:
            raise MetricInUse("The metric api_calls stays: every tenant has it.")
        await self._store.remove(tenant_id, name)
