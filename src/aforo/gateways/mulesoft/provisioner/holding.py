"""Reads everything at Anypoint that a seat may consist of, and tells it as the contract wants it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateway_sdk.provision import RemoteObject, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.gateways.mulesoft.client import Anypoint, Applications, Row
from aforo.gateways.mulesoft.connector.reading import whole
from aforo.gateways.mulesoft.connector.sight import APIS, TIERS, Sight
from aforo.gateways.mulesoft.mapping.limits import CHECKING, ENFORCING, why_not
from aforo.gateways.mulesoft.mapping.marks import (
    KEY_TYPE,
    apis_of,
    application_prefix,
    credential_of,
    subscription_of,
)
from aforo.gateways.mulesoft.mapping.products import api_id, flat

LIVE: Final = "APPROVED"
REVOKED: Final = "REVOKED"
Contracts = Mapping[str, Row]
"""By instance: an application has at most one contract with each."""


@dataclass(frozen=True, slots=True)
class Held:
    """One application with its contracts."""

    row: Row
    contracts: Contracts
    adopted: bool = False

    @property
    def native(self) -> str:
        return str(self.row["id"])

    @property
    def client_id(self) -> str:
        return str(self.row.get("clientId") or self.row.get("coreServicesId") or "")

    @property
    def credential(self) -> str:
        return credential_of(self.row) or ""

    def opens(self) -> frozenset[str]:
        """The instances that it may call."""
        return frozenset(api for api, row in self.contracts.items() if row.get("status") == LIVE)


@dataclass(frozen=True, slots=True)
class Holding:
    """What is there of a seat: applications with its mark, and adopted ones. `seat` is how it is wanted."""

    seat: Seat
    own: Sequence[Held] = field(default=())
    adopted: Sequence[Held] = field(default=())

    def of(self, key: WantedKey) -> Held | None:
        """The application that is this key."""
        mine = next((one for one in self.own if one.credential == key.credential_id), None)
        return mine or next((one for one in self.adopted if one.client_id == key.native_id), None)

    def strays(self) -> list[Held]:
        """Applications with the seat's mark that it does not list."""
        listed = {key.credential_id for key in self.seat.keys}
        return [one for one in self.own if one.credential not in listed]


class Reader:
    """Reads one seat. An empty list of applications is believed only where something shows that we can see them."""

    def __init__(self, anypoint: Anypoint, applications: Applications, seat: Seat) -> None:
        self._anypoint = anypoint
        self._applications = applications
        self._seat = seat

    async def read(self) -> Holding:
        """All of it, or raises."""
        own = [await self._held(row) for row in await self._own()]
        adopted = await self._adopted({one.client_id for one in own}) if self._seat.adopted else ()
        return Holding(self._seat, own, adopted)

    async def _own(self) -> list[Row]:
        subscription = self._seat.subscription_id
        listing = await self._applications.listing(application_prefix(subscription))
        if listing.fault:
            raise listing.fault
        rows = [row for row in listing.rows if subscription_of(row) == subscription]
        known = any(key.native_id for key in self._seat.keys) and not self._seat.adopted
        if not rows and known and not self._applications.has_seen_one:
            await self._be_sure()
        return rows

    async def _be_sure(self) -> None:
        """Applications that were there once are not shown: they are gone only if we could see them."""
        await self._applications.listing()
        doubt = None if self._applications.has_seen_one else await Sight(self._anypoint).doubt_no_applications()
        if doubt:
            raise doubt

    async def _held(self, row: Row) -> Held:
        places = apis_of(row) | {one.native_id for one in self._seat.scope}
        client_id = Held(row, {}).client_id
        found = {api: await contract_of(self._anypoint, api, client_id) for api in sorted(places)}
        return Held(row, {api: contract for api, contract in found.items() if contract})

    async def _adopted(self, own: set[str]) -> list[Held]:
        """Known by client id, and told by their contracts alone: a connected app may not read what others made."""
        found = []
        places = await self._places()
        for key in self._seat.keys:
            if not key.native_id or key.native_id in own:
                continue
            rows = {api: await contract_of(self._anypoint, api, key.native_id) for api in places}
            contracts = {api: row for api, row in rows.items() if row}
            if contracts:
                found.append(Held(_application(next(iter(contracts.values()))), contracts, adopted=True))
        return found

    async def _places(self) -> list[str]:
        """The seat's instances; once it opens nothing any more, all that have a live contract."""
        if self._seat.scope:
            return [one.native_id for one in self._seat.scope]
        rows = flat(whole(await self._anypoint.listing("assets", "apis"), "API instances", APIS))
        return [api_id(row) for row in rows if row.get("activeContractsCount")]


async def contract_of(anypoint: Anypoint, api: str, client_id: str) -> Row | None:
    """The contract of one pair; None where there is none, or no such instance (any more)."""
    try:
        listing = await anypoint.listing("contracts", "apis", api, "contracts", coreServicesId=client_id)
    except GatewayNotFound:
        return None
    if listing.fault:
        raise listing.fault
    return next((row for row in listing.rows if _client_id(row) == client_id), None)


def _client_id(contract: Row) -> str:
    told = _application(contract)
    return str(told.get("clientId") or told.get("coreServicesId") or "")


def _application(contract: Row) -> Row:
    """Who has the contract; the id stands beside in some answers."""
    told = contract.get("application") or {}
    return {"id": contract.get("applicationId"), **told}


def seated(held: Holding, notes: Sequence[str] = (), secrets: Mapping[str, str] | None = None) -> Seated:
    """The seat as it stands. `secrets`: those that Anypoint has told just now, by credential."""
    keys = tuple(_keys(held, secrets or {}))
    live = [one for key in held.seat.keys if (one := held.of(key)) and one.opens()]
    scope = {one.id for one in held.seat.scope if live and all(one.native_id in app.opens() for app in live)}
    return Seated(_standing(held.seat, keys), tuple(_objects(held)), keys, frozenset(scope), tuple(notes))


def _standing(seat: Seat, keys: Sequence[SeatedKey]) -> Standing:
    """A seat without keys is nothing at Anypoint, so it stands as it is wanted."""
    there = [key for key in keys if key.standing is not Standing.GONE]
    wanted = [key for key in seat.keys if key.standing is not Standing.GONE]
    if not there:
        return Standing.GONE if wanted else seat.standing
    if any(key.standing is Standing.ACTIVE for key in there):
        return Standing.ACTIVE
    is_open = seat.standing is Standing.ACTIVE and all(key.standing is Standing.SUSPENDED for key in wanted)
    return Standing.ACTIVE if is_open else Standing.SUSPENDED


def _objects(held: Holding) -> Iterator[RemoteObject]:
    for app in (*held.adopted, *held.own):
        yield RemoteObject("application", app.native, str(app.row.get("name") or app.native), app.adopted)
        if not app.adopted:
            for api, row in app.contracts.items():
                yield RemoteObject("contract", str(row["id"]), f"with API instance {api}")


def _keys(held: Holding, secrets: Mapping[str, str]) -> Iterator[SeatedKey]:
    """Those that the seat lists, then others with its mark."""
    for key in held.seat.keys:
        app = held.of(key)
        if app is None:
            yield SeatedKey(key.credential_id, KEY_TYPE, key.native_id or "", Standing.GONE)
        else:
            standing = key_standing(held.seat, key, app)
            yield SeatedKey(key.credential_id, KEY_TYPE, app.client_id, standing, secrets.get(key.credential_id))
    for app in held.strays():
        yield SeatedKey(app.credential, KEY_TYPE, app.client_id, Standing.ACTIVE if app.opens() else Standing.SUSPENDED)


def promised(seat: Seat, key: WantedKey) -> Standing:
    if Standing.GONE in (seat.standing, key.standing):
        return Standing.GONE
    return Standing.SUSPENDED if Standing.SUSPENDED in (seat.standing, key.standing) else Standing.ACTIVE


def key_standing(seat: Seat, key: WantedKey, app: Held) -> Standing:
    """An adopted application stays when its key goes: without a live contract it opens nothing.

    One that is to open no product is as active as it can be.
    """
    if app.opens():
        return Standing.ACTIVE
    wanted = promised(seat, key)
    if wanted is Standing.GONE:
        return wanted if app.adopted else Standing.SUSPENDED
    return Standing.SUSPENDED if seat.scope or app.contracts else wanted


async def notes(anypoint: Anypoint, held: Holding) -> list[str]:
    """What Anypoint does not do for this seat, and what the operator must know of its rotation."""
    if not (held.own or held.adopted):
        return []
    found = [
        note for product in held.seat.scope for note in await _of_product(anypoint, product.native_id, product.name)
    ]
    for app in held.adopted:
        granted = {api for api, row in app.contracts.items() if row.get("status") in (LIVE, REVOKED)}
        shut = [one.name for one in held.seat.scope if one.native_id not in granted]
        if shut:
            found.append(
                f"The adopted application {app.row.get('name')} has no approved contract with {', '.join(shut)}. It is "
                "used as it is: ask for access there in Exchange, or issue a new key."
            )
    if held.adopted and held.seat.limits:
        found.append("The adopted application keeps the tier that it has; Aforo enforces the plan's limits.")
    found += [f"Not carried: {why}." for limit in held.seat.limits if (why := why_not(limit))]
    if len([one for one in (*held.own, *held.adopted) if one.opens()]) > 1:
        found.append(
            "Each key is an application of its own, and Anypoint counts a tier's limits for each application: while "
            "several are alive, that many times the limits can be used there."
        )
    return found


async def _of_product(anypoint: Anypoint, api: str, name: str) -> list[str]:
    try:
        applied = await policies_at(anypoint, api)
    except GatewayError as fault:
        return [f"Whether {name} asks for client ids is not known: {fault.detail}"]
    if not applied.isdisjoint(CHECKING):
        return []
    lack = f"{name} shows no policy that asks for a client id, so anybody may call it."
    return [f"{lack} Apply client-id-enforcement or {ENFORCING}."]


async def policies_at(anypoint: Anypoint, api: str) -> frozenset[str]:
    """The assets of the policies that an instance has switched on."""
    return frozenset(str(row.get("assetId")) for row in await anypoint.policies(api) if not row.get("disabled"))


async def tiers_of(anypoint: Anypoint, api: str) -> list[Row]:
    """Every tier of an instance, or raises."""
    return whole(await anypoint.listing("tiers", "apis", api, "tiers"), "SLA tiers", TIERS)
