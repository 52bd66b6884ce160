"""Reads everything at Apigee that a seat may consist of, and tells it as the contract wants it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aforo.gateway_sdk.errors import GatewayRejected
from aforo.gateway_sdk.provision import RemoteObject, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Row
from aforo.gateways.apigee.mapping.marks import (
    CREDENTIAL,
    KEY_TYPE,
    app_name,
    attribute,
    developer_email,
    is_marked,
    key_id,
    plan_product,
    subscription_of,
)


@dataclass(slots=True)
class Holding:
    """What is there. `email` is that of the developer who has the app, or is to have it.

    `is_adopted`: the app was there before Aforo, so that of its keys only some may be the seat's.
    """

    subscription_id: str
    email: str
    developer: Row | None
    app: Row | None
    is_adopted: bool

    @property
    def keys(self) -> Sequence[Row]:
        return (self.app or {}).get("credentials") or ()

    @property
    def path(self) -> tuple[str, ...]:
        name = self.app["name"] if self.app else app_name(self.subscription_id)
        return ("developers", self.email, "apps", name)

    def key(self, wanted: WantedKey) -> Row | None:
        """The row of this key: by its id, by its mark, or by its secret."""
        marked = [row for row in self.keys if self.owns(row) and attribute(row, CREDENTIAL) == wanted.credential_id]
        known = [row for row in self.keys if key_id(row["consumerKey"]) == wanted.native_id]
        brought = [row for row in self.keys if row["consumerKey"] == wanted.secret]
        return next(iter([*known, *marked, *brought]), None)

    def owns(self, row: Row) -> bool:
        """Whether the row carries this subscription's mark."""
        return subscription_of(row) == self.subscription_id

    def others(self, seat: Seat) -> list[Row]:
        """Keys that the seat does not list."""
        listed = {row["consumerKey"] for key in seat.keys if (row := self.key(key))}
        return [row for row in self.keys if row["consumerKey"] not in listed]

    def stands(self, row: Row, now: datetime) -> Standing:
        """A key works if it, its app and its developer do."""
        return standing(row, self.app or {}, self.developer or {}, now)


def standing(key: Row, app: Row, developer: Row, now: datetime) -> Standing:
    ends_ms = int(key.get("expiresAt") or -1)
    if 0 < ends_ms <= now.timestamp() * 1000:
        return Standing.GONE
    works = (key.get("status"), app.get("status"), developer.get("status")) == ("approved", "approved", "active")
    return Standing.ACTIVE if works else Standing.SUSPENDED


async def read(client: Client, seat: Seat) -> Holding:
    """All of it, or raises."""
    adopted = seat.adopted
    if adopted and adopted.application:
        app = await client.find("apps", adopted.application)
        return Holding(
            seat.subscription_id,
            adopted.consumer,
            await client.find("developers", adopted.consumer),
            app,
            is_adopted=True,
        )
    email = adopted.consumer if adopted else developer_email(seat.owner.id, seat.owner.email)
    found, app = await _app(client, seat.subscription_id, email)
    return Holding(seat.subscription_id, found, await client.find("developers", found), app, is_adopted=False)


async def _app(client: Client, subscription_id: str, email: str) -> tuple[str, Row | None]:
    """The seat's app and whose it is: the customer's e-mail address may have been another one when it was made."""
    name = app_name(subscription_id)
    app = await client.find("developers", email, "apps", name)
    if app is None:
        for other in await client.developers_of(name):
            app = await client.find("developers", other, "apps", name)
            if app and subscription_of(app) == subscription_id:
                return other, app
        return email, None
    if subscription_of(app) != subscription_id:
        raise GatewayRejected(
            f"The developer {email} has an app {name} that does not carry Aforo's mark. Nothing was changed.",
            status=409,
            next_step="Rename or delete that app at Apigee.",
        )
    return email, app


def seated(held: Holding, seat: Seat, now: datetime) -> Seated:
    """The seat as it stands."""
    keys = tuple(_keys(held, seat, now))
    there = [key for key in keys if key.standing is not Standing.GONE]
    if held.app is None or (held.is_adopted and not there):
        return Seated(Standing.GONE, (), keys, frozenset())
    works = any(key.standing is Standing.ACTIVE for key in there)
    is_shut = not works and (bool(there) or seat.standing is Standing.SUSPENDED)
    standing = Standing.SUSPENDED if is_shut else Standing.ACTIVE
    return Seated(standing, tuple(_objects(held)), keys, _scope(held, seat, now), tuple(_notes(held, seat)))


def _objects(held: Holding) -> Iterator[RemoteObject]:
    """The developer may have other subscriptions; the app is this one's alone, and its id is what a check may name."""
    if held.developer:
        yield RemoteObject("developer", held.email, held.email, adopted=not is_marked(held.developer))
    if held.app:
        yield RemoteObject("application", held.app["appId"], held.app["name"], adopted=held.is_adopted)


def _keys(held: Holding, seat: Seat, now: datetime) -> Iterator[SeatedKey]:
    """Those that the seat lists, then others with its mark."""
    for key in seat.keys:
        row = held.key(key)
        if row is None:
            native = key.native_id or (key_id(key.secret) if key.secret else "")
            yield SeatedKey(key.credential_id, KEY_TYPE, native, Standing.GONE)
        else:
            secret = row["consumerKey"]
            yield SeatedKey(key.credential_id, KEY_TYPE, key_id(secret), held.stands(row, now), secret)
    for row in held.others(seat):
        if held.owns(row):
            credential = attribute(row, CREDENTIAL) or ""
            yield SeatedKey(credential, KEY_TYPE, key_id(row["consumerKey"]), held.stands(row, now))


def _scope(held: Holding, seat: Seat, now: datetime) -> frozenset[str]:
    """What every live key of the seat opens, by the product itself or by its plan's."""
    live = [row for key in seat.keys if (row := held.key(key)) and held.stands(row, now) is Standing.ACTIVE]
    opened = [set(approved(row)) for row in live]
    return frozenset(
        one.id
        for one in seat.scope
        if opened and all({one.native_id, plan_product(seat.plan, one.native_id)} & names for names in opened)
    )


def approved(key: Row) -> list[str]:
    """Names of the API products that a key opens."""
    return [ref["apiproduct"] for ref in key.get("apiProducts") or () if ref.get("status") == "approved"]


def _notes(held: Holding, seat: Seat) -> Iterator[str]:
    if held.is_adopted and seat.limits:
        yield "The plan's quota is not set at the adopted app, which is used as it is; Aforo enforces it."
