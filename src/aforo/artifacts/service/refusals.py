"""Who would have been refused, from what enforcement kept of calls that it only observed."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aforo.artifacts.model import Refusals, WouldRefuse
from aforo.artifacts.rules.canary import external_id
from aforo.artifacts.service.parts import Switches
from aforo.customers import CustomersRoom
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.errors import NotFound

_UNKNOWN = "unknown caller"


class RefusalBook:
    """Names what the ledger counts. Aforo's own canary is left out."""

    def __init__(self, switches: Switches, customers: CustomersRoom) -> None:
        self._switches = switches
        self._customers = customers

    async def read(
        self, tenant_id: str, integration_id: str, products: Sequence[ScopedProduct], since: datetime
    ) -> Refusals:
        found = await self._switches.observed(tenant_id, since)
        names = {product.id: product.name for product in products}
        canary = await self._customers.customers.own(tenant_id, external_id(integration_id))
        own = canary.id if canary else None
        rows = [row for row in found if row.product in names and row.customer_id != own]
        called = {one: await self._name(tenant_id, one) for one in {row.customer_id for row in rows}}
        told = [
            WouldRefuse(
                row.customer_id or None,
                called[row.customer_id],
                row.product,
                names[row.product],
                row.reason,
                row.calls,
                datetime.fromtimestamp(row.last_ms / 1000, UTC),
            )
            for row in rows
        ]
        unnamed = sum(row.calls for row in found if not row.product and row.customer_id != own)
        return Refusals(since, tuple(sorted(told, key=lambda row: (-row.calls, row.customer, row.product))), unnamed)

    async def _name(self, tenant_id: str, customer_id: str) -> str:
        if not customer_id:
            return _UNKNOWN
        try:
            return (await self._customers.customers.one(tenant_id, customer_id)).name
        except NotFound:
            return customer_id
