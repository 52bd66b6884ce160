"""What margins and costs are read from, in plain calls."""

from aforo.app.settings import Settings
from aforo.catalog import Catalog
from aforo.credentials import credential_rows, credential_version
from aforo.customers import CustomersRoom
from aforo.enforcement import CredentialSource
from aforo.enforcement.costs import CostDesk, Label
from aforo.enforcement.desk import EnforcementDesk
from aforo.enforcement.earnings import Earnings, MarginTables, Names
from aforo.kit.clock import Clock


def margin_tables(
    settings: Settings, customers: CustomersRoom, catalog: Catalog, desk: EnforcementDesk, clock: Clock
) -> MarginTables:
    """Figures of what usage earned and cost, from the edge's sums by the edge's rules."""

    async def names(tenant_id: str) -> Names:
        return Names(
            await customers.customers.names(tenant_id),
            await customers.plans.names(tenant_id),
            await catalog.names(tenant_id),
        )

    credentials = CredentialSource(credential_rows, credential_version)
    earnings = Earnings(settings.records_path, settings.data_dir, credentials, customers.metrics.aggregations, clock)
    return MarginTables(earnings, desk, names)


def cost_desk(customers: CustomersRoom, margin: MarginTables, catalog: Catalog, clock: Clock) -> CostDesk:
    """Cost rules beside what they come to."""

    async def labels(tenant_id: str) -> list[Label]:
        return [Label(*one) for one in await catalog.labels(tenant_id)]

    return CostDesk(customers.margins, margin.earnings, labels, customers.metrics.names, clock)
