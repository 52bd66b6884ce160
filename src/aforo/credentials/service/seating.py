"""From records to a seat as it is wanted, and from a seat as it was seen back to records."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aforo.credentials.model import Credential, CredentialState, Place, SeatRow, Task
from aforo.credentials.rules import standing as standings
from aforo.credentials.rules.limits import limits
from aforo.credentials.sql import CredentialStore, SeatStore
from aforo.credentials.sql.record import Record
from aforo.credentials.vault import Secrets, sha256
from aforo.customers import CustomersRoom, Plan, Subscription
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Owner, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class SoldProduct:
    """A product of the catalog, at its gateway."""

    integration_id: str
    scoped: ScopedProduct


SoldProducts = Callable[[str, Collection[str]], Awaitable[Mapping[str, SoldProduct]]]
"""Looks products of a tenant up in the catalog, by id; those that are no longer there are left out."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Products of the catalog as this room needs them; `at` gives all of one gateway."""

    sold: SoldProducts
    at: Callable[[str, str], Awaitable[Sequence[ScopedProduct]]]


@dataclass(frozen=True, slots=True)
class Stores:
    """What this room reads, and the one place where it writes."""

    seats: SeatStore
    credentials: CredentialStore
    record: Record


class Seating:
    """Builds seats and takes in how they stand."""

    def __init__(self, stores: Stores, customers: CustomersRoom, shelf: Shelf, secrets: Secrets, clock: Clock) -> None:
        self._stores = stores
        self._customers = customers
        self._shelf = shelf
        self._secrets = secrets
        self._clock = clock

    async def unfold(self, task: Task) -> list[str]:
        """Find the integrations at which a subscription is to stand, or stood, and ask for each; gives them."""
        subscription, status = await self._subscription(task.tenant_id, task.subscription_id)
        sold = await self._sold(subscription)
        known = {row.integration_id: row for row in await self._stores.seats.of([task.subscription_id])}
        standing = standings.seat_standing(status)
        wanted = {one.integration_id: standing for one in sold.values()}
        if standing is Standing.GONE:
            wanted = {}
        left = dict.fromkeys(known.keys() - wanted.keys(), Standing.GONE)
        await self._stores.record.unfolded(task, {**left, **wanted}, self._clock.now())
        return [*wanted, *left]

    async def wake(self, tenant_id: str, integration_id: str) -> None:
        """Plans stand there otherwise than before: seats that were left with something to tell are looked at again."""
        there = await self._stores.seats.at(integration_id)
        waiting = [row for row in there if row.tenant_id == tenant_id and row.notes and row.wanted is not Standing.GONE]
        if waiting:
            await self._stores.record.wake(waiting, self._clock.now())

    async def seat(self, task: Task) -> Seat:
        """The seat as it is wanted at this moment. Secrets are unsealed: it is never stored or logged."""
        subscription, status = await self._subscription(task.tenant_id, task.subscription_id)
        row = await self._stores.seats.one(task.subscription_id, task.integration_id)
        if row is None:
            raise NotFound(f"There is no seat of {task.subscription_id} at {task.integration_id}.")
        plan = await self._plan(subscription)
        sold = await self._sold(subscription)
        here = [one.scoped for one in sold.values() if one.integration_id == task.integration_id]
        standing = standings.seat_standing(status) if here else Standing.GONE
        credentials = await self._stores.credentials.of(task.subscription_id)
        return Seat(
            subscription_id=task.subscription_id,
            owner=await self._owner(subscription),
            plan=plan.key,
            standing=standing,
            scope=tuple(one for one in here if one.id not in row.left_out),
            keys=tuple(self._keys(credentials, task.integration_id, standing)),
            limits=limits(plan.terms),
            adopted=row.adopted,
        )

    async def lapse(self, task: Task) -> None:
        """Revoke what was replaced and whose grace is over everywhere, before any gateway is asked."""
        now = self._clock.now()
        credentials = await self._stores.credentials.of(task.subscription_id)
        seats = await self._stores.seats.of([task.subscription_id])
        places = [row.integration_id for row in seats if row.wanted is not Standing.GONE]
        for one in credentials:
            successor = standings.successor_of(one, credentials)
            if one.state is CredentialState.GRACE and all(
                standings.key_standing(one, place, successor, now) is Standing.GONE for place in places
            ):
                gone = replace(one, state=CredentialState.REVOKED, sealed=None, revoked_at=now)
                await self._stores.record.changed(gone, {CredentialState.GRACE}, now)

    async def take_in(self, task: Task, seat: Seat, seated: Seated) -> None:
        """Store how the seat stands; the task is done unless something falls due later."""
        now = self._clock.now()
        known = {one.id: one for one in await self._stores.credentials.of(task.subscription_id)}
        before = await self._stores.seats.one(task.subscription_id, task.integration_id)
        places = {
            key.credential_id: self._place(known[key.credential_id], task.integration_id, key, now)
            for key in seated.keys
            if key.credential_id in known
        }
        after = SeatRow(
            task.subscription_id,
            task.integration_id,
            task.tenant_id,
            seat.standing,
            seated.standing.value,
            None,
            seated.notes,
            seated.objects,
            seated.scope,
            before.left_out if before else frozenset(),
            seat.adopted,
            now,
        )
        changed = {key: place for key, place in places.items() if place != known[key].place(task.integration_id)}
        following = [replace(one, places=_with(one.places, places.get(one.id))) for one in known.values()]
        due_at = await self._due(task, following, now)
        await self._stores.record.taken_in(task, after, changed, due_at, now)

    async def observed(
        self, tenant_id: str, subscription_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, tuple[str, str | None]]]:
        """By subscription and integration: how it was last seen, and why not as wanted, or what it lacks there."""
        found: dict[str, dict[str, tuple[str, str | None]]] = {}
        for row in await self._stores.seats.of(subscription_ids):
            if row.tenant_id == tenant_id:
                told = row.reason or " ".join(row.notes) or None
                found.setdefault(row.subscription_id, {})[row.integration_id] = (row.observed, told)
        return found

    def _keys(self, credentials: list[Credential], integration_id: str, standing: Standing) -> list[WantedKey]:
        """All but those that are known to be gone."""
        now = self._clock.now()
        keys = []
        for one in credentials:
            place = one.place(integration_id)
            wanted = standings.key_standing(one, integration_id, standings.successor_of(one, credentials), now)
            if standing is Standing.GONE:
                wanted = Standing.GONE
            if wanted is Standing.GONE and (place is None or place.observed == Standing.GONE):
                continue
            if one.adopted and place is None:
                continue  # it stood at one gateway alone, and only that gateway knows its secret
            secret = self._secrets.open(one) if one.sealed and wanted is not Standing.GONE else None
            keys.append(WantedKey(one.id, wanted, secret, place.native_id if place else None))
        return keys

    def _place(self, credential: Credential, integration_id: str, key: SeatedKey, now: datetime) -> Place:
        """A secret that the gateway made is kept, sealed, until it has been shown once; an adopted one never is."""
        known = credential.place(integration_id) or Place(integration_id)
        is_live = key.standing is Standing.ACTIVE
        place = replace(
            known,
            type=key.type,
            native_id=key.native_id,
            observed=key.standing.value,
            made_at=known.made_at or (now if is_live else None),
            last_used_at=key.last_used_at or known.last_used_at,
        )
        if key.standing is Standing.GONE or credential.state is CredentialState.REVOKED:
            return replace(place, sealed=None)
        if key.secret is None:
            return place
        digest = sha256(key.secret)
        place = replace(place, key_sha256=digest, hint=hint(key.secret))
        is_ours = digest == credential.key_sha256
        if is_ours or known.shown or known.sealed:
            return place
        return replace(place, sealed=self._secrets.seal_place(credential, integration_id, key.secret))

    async def _due(self, task: Task, credentials: list[Credential], now: datetime) -> datetime | None:
        """When this seat is to be looked at again by itself: a grace ends, or the subscription begins."""
        moments = []
        for one in credentials:
            successor = standings.successor_of(one, credentials)
            ends_at = standings.grace_ends_at(one, task.integration_id, successor)
            if one.state is CredentialState.GRACE and ends_at:
                moments.append(ends_at)
        subscription, status = await self._subscription(task.tenant_id, task.subscription_id)
        if status == "PENDING":
            moments.append(subscription.starts_at)
        return min((moment for moment in moments if moment > now), default=None)

    async def _subscription(self, tenant_id: str, subscription_id: str) -> tuple[Subscription, str]:
        placed = await self._customers.subscriptions.one(tenant_id, subscription_id)
        return placed.subscription, placed.status.value

    async def _plan(self, subscription: Subscription) -> Plan:
        return await self._customers.plans.one(subscription.tenant_id, subscription.plan_id, subscription.plan_version)

    async def _sold(self, subscription: Subscription) -> Mapping[str, SoldProduct]:
        plan = await self._plan(subscription)
        found = await self._shelf.sold(subscription.tenant_id, plan.terms.product_ids)
        return {one: found[one] for one in plan.terms.product_ids if one in found}

    async def _owner(self, subscription: Subscription) -> Owner:
        """Of a customer that has been removed only the id is left, which is enough to clear up."""
        try:
            buyer = await self._customers.customers.one(subscription.tenant_id, subscription.customer_id)
        except NotFound:
            return Owner(subscription.customer_id, subscription.customer_id)
        return Owner(buyer.id, buyer.name, buyer.email, buyer.external_id)


def hint(secret: str) -> str:
    """The last four, where that does not give much of it away."""
    return f"••••{secret[-4:]}" if len(secret) >= 12 else "••••"


def _with(places: tuple[Place, ...], place: Place | None) -> tuple[Place, ...]:
    if place is None:
        return places
    return (*(one for one in places if one.integration_id != place.integration_id), place)
