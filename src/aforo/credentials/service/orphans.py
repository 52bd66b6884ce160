"""Objects with Aforo's mark that no record explains: found, listed, and removed one by one when told to."""

from collections.abc import Mapping

from aforo.credentials.model import Orphan, Scan, SeatRow
from aforo.credentials.service.driver import Provisioners
from aforo.credentials.service.seating import Shelf
from aforo.credentials.sql import OrphanStore, SeatStore
from aforo.gateway_sdk.contract import Progress
from aforo.gateway_sdk.provision import Existing, Standing
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError, Conflict, NotFound
from aforo.kit.ids import new_id


class Orphans:
    """A tenant's orphans."""

    def __init__(
        self, store: OrphanStore, seats: SeatStore, shelf: Shelf, provisioners: Provisioners, clock: Clock
    ) -> None:
        self._store = store
        self._seats = seats
        self._shelf = shelf
        self._provisioners = provisioners
        self._clock = clock

    async def all(self, tenant_id: str) -> list[Orphan]:
        """As the last complete look at each gateway found them."""
        return await self._store.all(tenant_id)

    async def scan(self, tenant_id: str, integration_ids: list[str], progress: Progress) -> Scan:
        """Look at these gateways. One that cannot be read whole proves nothing: what was known of it stays."""
        incomplete: dict[str, str] = {}
        for number, integration_id in enumerate(integration_ids):
            progress(number, len(integration_ids), "gateways")
            try:
                fault = await self.scan_one(tenant_id, integration_id)
            except AforoError as caught:
                fault = str(caught)
            if fault:
                incomplete[integration_id] = fault
        return Scan(tuple(await self._store.all(tenant_id)), incomplete)

    async def scan_one(self, tenant_id: str, integration_id: str) -> str | None:
        """Look at one gateway; why it could not be read whole, or None. Raises AforoError where it cannot be read."""
        products = await self._shelf.at(tenant_id, integration_id)
        async with self._provisioners(tenant_id, integration_id, False) as provisioner:
            existence = await provisioner.existing(products, _quiet)
        if existence.partial:
            return "; ".join(f"{one.what}: {one.why}" for one in existence.problems)
        seats = {row.subscription_id: row for row in await self._seats.at(integration_id)}
        now = self._clock.now()
        found = [
            Orphan(
                new_id("orph"),
                tenant_id,
                integration_id,
                one.consumer,
                one.application,
                one.application_name or one.name,
                one.subscription_id or "",
                one.keys,
                reason,
                now,
            )
            for one in existence.consumers
            if (reason := _reason(one, seats))
        ]
        await self._store.replace(tenant_id, integration_id, found)
        return None

    async def remove(self, tenant_id: str, orphan_id: str) -> None:
        """Delete it at the gateway, if it still is an orphan. Raises Conflict if a record explains it by now."""
        orphan = await self._store.one(tenant_id, orphan_id)
        if orphan is None:
            raise NotFound(f"There is no orphan {orphan_id}.", next_step="Scan again: POST /api/v1/orphans/scan.")
        seats = {row.subscription_id: row for row in await self._seats.at(orphan.integration_id)}
        found = _existing(orphan)
        if _reason(found, seats) is None:
            raise Conflict(f"{orphan.name} belongs to {orphan.subscription_id} by now.", next_step="Scan again.")
        async with self._provisioners(tenant_id, orphan.integration_id, True) as provisioner:
            await provisioner.remove(found)
        await self._store.remove(orphan_id)


def _reason(found: Existing, seats: Mapping[str, SeatRow]) -> str | None:
    """Why this is an orphan; None for what is not marked, and for what a record explains."""
    if found.subscription_id is None:
        return None
    seat = seats.get(found.subscription_id)
    if seat is None:
        return f"There is no subscription {found.subscription_id} here; perhaps another installation of Aforo made it."
    if seat.wanted is Standing.GONE and seat.observed == Standing.GONE:
        return f"{found.subscription_id} has left this gateway."
    return None


def _existing(orphan: Orphan) -> Existing:
    return Existing(
        orphan.consumer,
        orphan.name,
        orphan.keys,
        application=orphan.application,
        application_name=orphan.name,
        subscription_id=orphan.subscription_id,
    )


def _quiet(done: int, about: int | None, what: str) -> None:
    del done, about, what
