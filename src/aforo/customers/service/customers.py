"""Customers: who buys."""

from dataclasses import replace

from aforo.customers.model import Customer
from aforo.customers.shapes import CustomerPatch, NewCustomer
from aforo.customers.sql import CustomerStore
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id


class Customers:
    """A tenant's customers."""

    def __init__(self, store: CustomerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(
        self,
        tenant_id: str,
        *,
        words: str | None = None,
        external_id: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Customer], str | None]:
        """Newest first, and the cursor of the next page."""
        found = await self._store.page(tenant_id, words=words, external_id=external_id, before=cursor, limit=limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def names(self, tenant_id: str) -> dict[str, str]:
        """What customers are called, by id and by external id."""
        return await self._store.names(tenant_id)

    async def one(self, tenant_id: str, customer_id: str) -> Customer:
        found = await self._store.one(tenant_id, customer_id)
        if found is None:
            raise NotFound(f"There is no customer {customer_id}.", next_step="List them: GET /api/v1/customers.")
        return found

    async def own(self, tenant_id: str, external_id: str) -> Customer | None:
        """One of Aforo's own, which no list shows."""
        return await self._store.own(tenant_id, external_id)

    async def create(self, tenant_id: str, new: NewCustomer, *, system: bool = False) -> Customer:
        """Raises ExternalIdTaken. `system` makes one of Aforo's own."""
        now = self._clock.now()
        customer = Customer(
            new_id("cust"), tenant_id, new.external_id, new.name, new.email, new.tier, new.metadata, now, now, system
        )
        await self._store.add(customer)
        return customer

    async def change(self, tenant_id: str, customer_id: str, patch: CustomerPatch) -> Customer:
        """Raises ExternalIdTaken."""
        known = await self.one(tenant_id, customer_id)
        wanted = {member: getattr(patch, member) for member in patch.model_fields_set}
        customer = replace(known, **wanted, updated_at=self._clock.now())
        await self._store.change(customer)
        return customer

    async def remove(self, tenant_id: str, customer_id: str) -> None:
        """Forget a customer; what it had bought and cancelled stays on record. Raises CustomerInUse."""
        await self.one(tenant_id, customer_id)
        await self._store.remove(tenant_id, customer_id, self._clock.now())
