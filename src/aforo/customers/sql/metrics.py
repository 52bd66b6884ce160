"""Metrics at rest. `api_calls` is there without a row; a row of that name only says more about it."""

from sqlalchemy import delete, insert, select, update

from aforo.customers.errors import MetricInUse, MetricTaken
from aforo.customers.model import API_CALLS, Aggregation, Metric
from aforo.customers.sql.tables import cost_rules, metrics, plan_versions, plans
from aforo.customers.terms import Terms
from aforo.kit.db import Database


class MetricStore:
    """Reads and writes a tenant's metrics."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self, tenant_id: str) -> dict[str, Metric]:
        """By name, in order of names."""
        async with self._db.read() as connection:
            rows = (await connection.execute(select(metrics).where(metrics.c.tenant_id == tenant_id))).mappings().all()
        stored = [Metric(row["name"], row["unit"], Aggregation(row["aggregation"]), row["description"]) for row in rows]
        return {metric.name: metric for metric in sorted([API_CALLS, *stored], key=lambda one: one.name)}

    async def add(self, tenant_id: str, metric: Metric) -> None:
        async with self._db.write() as connection:
            mine = (metrics.c.tenant_id == tenant_id) & (metrics.c.name == metric.name)
            if (await connection.execute(select(metrics.c.name).where(mine))).first():
                raise MetricTaken(f"There is a metric {metric.name} already.", next_step="Use it, or choose a name.")
            await connection.execute(insert(metrics).values(_values(tenant_id, metric)))

    async def change(self, tenant_id: str, metric: Metric) -> None:
        """Store the metric as it is now, whether or not there was a row."""
        async with self._db.write() as connection:
            mine = (metrics.c.tenant_id == tenant_id) & (metrics.c.name == metric.name)
            values = _values(tenant_id, metric)
            if (await connection.execute(update(metrics).where(mine).values(values))).rowcount == 0:
                await connection.execute(insert(metrics).values(values))

    async def remove(self, tenant_id: str, name: str) -> None:
        """Raises MetricInUse while a plan version or a cost rule names it."""
        async with self._db.write() as connection:
            versions = select(plan_versions.c.terms).join(plans).where(plans.c.tenant_id == tenant_id)
            terms = [Terms.model_validate_json(text) for text in (await connection.execute(versions)).scalars()]
            costs = select(cost_rules.c.id).where(cost_rules.c.tenant_id == tenant_id, cost_rules.c.metric == name)
            if any(name in _named(one) for one in terms) or (await connection.execute(costs)).first():
                raise MetricInUse(f"Plans or cost rules name the metric {name}.", next_step="Keep it.")
            await connection.execute(delete(metrics).where(metrics.c.tenant_id == tenant_id, metrics.c.name == name))


def _named(terms: Terms) -> set[str | None]:
    return {entry.metric for entries in (terms.quotas, terms.rate_limits, terms.rate_card) for entry in entries}


def _values(tenant_id: str, metric: Metric) -> dict[str, str]:
    return {
        "tenant_id": tenant_id,
        "name": metric.name,
        "unit": metric.unit,
        "aggregation": metric.aggregation.value,
        "description": metric.description,
    }
