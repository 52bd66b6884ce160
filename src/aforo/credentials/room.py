"""The room's parts, joined. In two steps, since the customers room below asks this one what stands at gateways."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from aforo.credentials.service.adoption import Adoption
from aforo.credentials.service.credentials import Around, Credentials, tell_nobody
from aforo.credentials.service.driver import Driver, Provisioners
from aforo.credentials.service.orphans import Orphans
from aforo.credentials.service.seating import Seating, Shelf, Stores
from aforo.credentials.sql import CredentialStore, OrphanStore, Outbox, SeatStore
from aforo.credentials.sql.record import Record
from aforo.credentials.vault import Secrets
from aforo.customers import AtGateways, CustomersRoom, Observed, OnChange
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.kit.secretbox import SecretBox


class Standby:
    """What the customers room is given before this room is open: it writes, but drives nothing until `serves`."""

    def __init__(self, db: Database) -> None:
        self.record = Record(db)
        self._credentials = CredentialStore(db)
        self._room: CredentialsRoom | None = None

    @property
    def on_change(self) -> OnChange:
        return self.record.subscription_changed

    def at_gateways(self) -> AtGateways:
        return AtGateways(self._settle, self._observed)

    async def owners(self, tenant_id: str, subscription_ids: Collection[str]) -> Mapping[str, tuple[str, datetime]]:
        """Whose each credential is and since when, by what usage calls it."""
        return await self._credentials.owners(tenant_id, subscription_ids)

    def serves(self, room: "CredentialsRoom") -> None:
        self._room = room

    async def _settle(self, tenant_id: str, subscription_id: str) -> None:
        if self._room:
            await self._room.settle(tenant_id, subscription_id)

    async def _observed(self, tenant_id: str, subscription_ids: Collection[str]) -> Observed:
        return await self._room.seating.observed(tenant_id, subscription_ids) if self._room else {}


@dataclass(frozen=True, slots=True)
class CredentialsRoom:
    """Who may call with what at which gateway, and who brings it there."""

    credentials: Credentials
    adoption: Adoption
    orphans: Orphans
    seating: Seating
    driver: Driver
    customers: CustomersRoom

    async def settle(self, tenant_id: str, subscription_id: str) -> None:
        """Waits for the primary gateway; the others follow."""
        placed = await self.customers.subscriptions.one(tenant_id, subscription_id)
        primary = placed.subscription.primary_integration_id
        await self.driver.settle(tenant_id, subscription_id, wait_for={primary} if primary else set())

    def start(self) -> "asyncio.Task[None]":
        """The worker, until it is cancelled."""
        return asyncio.create_task(self.driver.run(), name="seats")


def open_room(
    db: Database,
    standby: Standby,
    customers: CustomersRoom,
    shelf: Shelf,
    provisioners: Provisioners,
    box: SecretBox,
    clock: Clock,
    changed: Callable[[str], Awaitable[None]] = tell_nobody,
) -> CredentialsRoom:
    """The room on the records; `provisioners` opens gateways, `shelf` looks products up in the catalog."""
    secrets, outbox = Secrets(box), Outbox(db)
    stores = Stores(SeatStore(db), CredentialStore(db), standby.record)
    seating = Seating(stores, customers, shelf, secrets, clock)
    driver = Driver(outbox, standby.record, seating, provisioners, clock)
    credentials = Credentials(stores, Around(customers, shelf, secrets, driver, changed), clock)
    adoption = Adoption(stores, customers, shelf, provisioners, clock)
    orphans = Orphans(OrphanStore(db), stores.seats, shelf, provisioners, clock)
    room = CredentialsRoom(credentials, adoption, orphans, seating, driver, customers)
    standby.serves(room)
    return room
