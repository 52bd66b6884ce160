"""Existing consumers, applications and keys become customers' subscriptions, without a write at the gateway."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.credentials.errors import AlreadyAdopted
from aforo.credentials.model import Buyer, Credential, CredentialState, Match, Mode, Place, SeatRow
from aforo.credentials.rules.matching import match
from aforo.credentials.service.driver import Provisioners
from aforo.credentials.service.seating import Shelf, Stores
from aforo.customers import Customer, CustomersRoom, NewCustomer, NewSubscription, Subscription
from aforo.customers import Mode as SubscriptionMode
from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.provision import Adopted, Existing, ExistingKey, RemoteObject, Standing
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid
from aforo.kit.ids import new_id

_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """One consumer at a gateway. `products` are ids of ours that its keys open; `taken` maps native ids of keys to the
    subscriptions that have them.
    """

    existing: Existing
    match: Match
    products: tuple[str, ...]
    taken: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundAll:
    """Everybody at a gateway, or those who could be read."""

    found: tuple[Found, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of one consumer: `keys` are native ids; the customer is there already, or new."""

    consumer: str
    application: str | None
    customer: str | NewCustomer
    plan_id: str
    keys: tuple[str, ...]


class Adoption:
    """What was there before Aforo."""

    def __init__(
        self,
        stores: Stores,
        customers: CustomersRoom,
        shelf: Shelf,
        provisioners: Provisioners,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._customers = customers
        self._shelf = shelf
        self._provisioners = provisioners
        self._clock = clock

    async def consumers(self, tenant_id: str, integration_id: str, progress: Progress) -> FoundAll:
        """Everybody at the gateway, each with the customer that it seems to be. Reads only."""
        products = await self._shelf.at(tenant_id, integration_id)
        async with self._provisioners(tenant_id, integration_id, False) as provisioner:
            existence = await provisioner.existing(products, progress)
        buyers = await self._buyers(tenant_id)
        taken = await self._stores.credentials.native(integration_id)
        ids = {one.native_id: one.id for one in products}
        found = [
            Found(
                one,
                match(one, buyers),
                tuple(sorted(ids[native] for native in one.scope if native in ids)),
                {key.native_id: taken[key.native_id] for key in one.keys if key.native_id in taken},
            )
            for one in existence.consumers
        ]
        return FoundAll(tuple(found), existence.problems)

    async def adopt(self, tenant_id: str, integration_id: str, wishes: Sequence[Wish], progress: Progress) -> list[str]:
        """The ids of the subscriptions that were made, one a wish. All wishes are looked at before the first is done.

        Raises Invalid for what is not there, AlreadyAdopted for what belongs to a subscription.
        """
        _refuse_twice(wishes)
        everybody = await self.consumers(tenant_id, integration_id, progress)
        chosen = [_chosen(everybody, wish, number) for number, wish in enumerate(wishes)]
        elsewhere = [await self._elsewhere(tenant_id, integration_id, wish, at) for at, wish in enumerate(wishes)]
        made: list[str] = []
        for wish, found, others in zip(wishes, chosen, elsewhere, strict=True):
            made.append(await self._adopt(tenant_id, integration_id, wish, found.existing, others))
            progress(len(made), len(wishes), "subscriptions")
        return made

    async def _adopt(
        self, tenant_id: str, integration_id: str, wish: Wish, found: Existing, elsewhere: Collection[str]
    ) -> str:
        buyer = wish.customer
        customer_id = buyer if isinstance(buyer, str) else await self._created(tenant_id, buyer)
        keys = [key for key in found.keys if key.native_id in wish.keys]

        async def also(connection: Any, subscription: Subscription) -> None:
            seat = self._seat(subscription, integration_id, found)
            credentials = [self._credential(subscription, integration_id, key) for key in keys]
            await self._stores.record.adopted(connection, seat, credentials, elsewhere)

        new = NewSubscription(customer_id=customer_id, plan_id=wish.plan_id, mode=SubscriptionMode.GATEWAY_GENERATED)
        placed = await self._customers.subscriptions.create(tenant_id, new, also=also)
        return placed.subscription.id

    async def _created(self, tenant_id: str, new: NewCustomer) -> str:
        made: Customer = await self._customers.customers.create(tenant_id, new)
        return made.id

    async def _elsewhere(self, tenant_id: str, integration_id: str, wish: Wish, number: int) -> Collection[str]:
        """The plan's other gateways. Raises NotFound or Invalid for a customer or plan that cannot be subscribed."""
        if isinstance(wish.customer, str):
            await self._customers.customers.one(tenant_id, wish.customer)
        plan = await self._customers.plans.newest_published(tenant_id, wish.plan_id)
        sold = await self._shelf.sold(tenant_id, plan.terms.product_ids) if plan else {}
        places = {one.integration_id for one in sold.values()}
        if integration_id not in places:
            fault = (f"/adopt/{number}/planId", "it has no published version with a product of this gateway")
            raise Invalid("This plan sells nothing at this gateway.", (fault,), next_step="Publish one that does.")
        return sorted(places - {integration_id})

    def _seat(self, subscription: Subscription, integration_id: str, found: Existing) -> SeatRow:
        objects = [RemoteObject("consumer", found.consumer, found.name, adopted=True)]
        if found.application and found.application != found.consumer:
            name = found.application_name or found.application
            objects.append(RemoteObject("application", found.application, name, adopted=True))
        return SeatRow(
            subscription.id,
            integration_id,
            subscription.tenant_id,
            Standing.ACTIVE,
            Standing.ACTIVE.value,
            objects=tuple(objects),
            adopted=Adopted(found.consumer, found.application),
            seen_at=self._clock.now(),
        )

    def _credential(self, subscription: Subscription, integration_id: str, key: ExistingKey) -> Credential:
        is_active = key.standing is Standing.ACTIVE
        now = self._clock.now()
        place = Place(
            integration_id,
            key.type,
            key.native_id,
            key.standing.value,
            key.sha256,
            shown=True,
            made_at=key.created_at or now,
        )
        return Credential(
            id=new_id("cred"),
            tenant_id=subscription.tenant_id,
            subscription_id=subscription.id,
            mode=Mode.GATEWAY_GENERATED,
            state=CredentialState.ACTIVE if is_active else CredentialState.SUSPENDED,
            created_at=now,
            adopted=True,
            key_sha256=key.sha256,
            places=(place,),
        )

    async def _buyers(self, tenant_id: str) -> list[Buyer]:
        buyers: list[Buyer] = []
        cursor: str | None = None
        while True:
            page, cursor = await self._customers.customers.page(tenant_id, cursor=cursor, limit=_PAGE)
            buyers += [Buyer(one.id, one.name, one.external_id, one.email) for one in page]
            if cursor is None:
                return buyers


def _chosen(everybody: FoundAll, wish: Wish, number: int) -> Found:
    """The consumer of a wish, with all the keys that it names; neither ours already nor another subscription's."""
    at = f"/adopt/{number}"
    here = [one for one in everybody.found if _is_of(one.existing, wish)]
    found = next((one for one in here if one.existing.subscription_id is None), None)
    if found is None and here:
        raise AlreadyAdopted(
            f"{here[0].existing.name} was made by Aforo, for {here[0].existing.subscription_id}.",
            next_step="Leave it out.",
        )
    if found is None:
        raise Invalid("This consumer is not at the gateway.", ((f"{at}/consumer", f"there is no {wish.consumer}"),))
    live = {key.native_id for key in found.existing.keys if key.standing is not Standing.GONE}
    if lost := [key for key in wish.keys if key not in live]:
        faults = tuple((f"{at}/keys", f"{found.existing.name} has no live key {key}") for key in lost)
        raise Invalid("These keys are not this consumer's.", faults, next_step="List them again.")
    if theirs := [key for key in wish.keys if key in found.taken]:
        raise AlreadyAdopted(f"Key {theirs[0]} belongs to {found.taken[theirs[0]]} already.", next_step="Leave it out.")
    return found


def _is_of(found: Existing, wish: Wish) -> bool:
    return found.consumer == wish.consumer and wish.application in (None, found.application)


def _refuse_twice(wishes: Sequence[Wish]) -> None:
    keys = [key for wish in wishes for key in wish.keys]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise Invalid("A key belongs to one subscription.", (("/adopt", f"the key {twice} is named twice"),))
