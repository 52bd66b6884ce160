"""Brings a seat to what is wanted. Every step looks for what an earlier attempt has left.

Apigee mints a key by itself whenever an app is made or edited together with API products. So an app is made without
any and is never edited; the key that comes with it opens nothing and is deleted; ours are brought along, and get their
products one key at a time. A key that is to be suspended is revoked before it opens anything.
"""

import secrets

from aforo.gateway_sdk.errors import GatewayNotFound, GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.provision import Seat, Standing, WantedKey
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Row
from aforo.gateways.apigee.mapping.marks import (
    ADDED,
    CREDENTIAL,
    CUSTOMER,
    MARK,
    PLAN,
    SUBSCRIPTION,
    attribute,
    attributes,
    is_marked,
    key_id,
    plan_product,
)
from aforo.gateways.apigee.provisioner.holding import Holding, approved, read

_TAKEN = 409


class Writer:
    """Writes one seat."""

    def __init__(self, client: Client, seat: Seat) -> None:
        self._client = client
        self._seat = seat
        self._mark = {MARK: "subscription", SUBSCRIPTION: seat.subscription_id}

    async def converge(self) -> None:
        held = await read(self._client, self._seat)
        if self._seat.standing is Standing.GONE:
            await self._remove(held)
            return
        await self._have_developer(held)
        await self._have_app(held)
        await self._drop_keys(held)
        wanted = await self._products(held)
        for key in self._seat.keys:
            if key.standing is not Standing.GONE:
                await self._have_key(held, key, wanted)
        self._refuse_foreign(held)

    async def _have_developer(self, held: Holding) -> None:
        if held.developer is None and self._seat.adopted:
            raise _gone(f"developer {held.email}")
        if held.developer is None:
            first, _, last = self._seat.owner.name.strip().rpartition(" ")
            body: Row = {
                "email": held.email,
                "firstName": first or last or held.email,
                "lastName": last or held.email,
                "userName": held.email,
                "attributes": attributes(self._mark | {CUSTOMER: self._seat.owner.id}),
            }
            await self._post_once(("developers",), body)
        elif is_marked(held.developer) and held.developer.get("status") == "inactive":
            await self._client.act(("developers", held.email), "active")

    async def _have_app(self, held: Holding) -> None:
        if held.is_adopted:
            if held.app is None:
                raise _gone("app")
            return
        if held.app is None:
            told = attributes(self._mark | {PLAN: self._seat.plan})
            await self._post_once(held.path[:-1], {"name": held.path[-1], "attributes": told})
            held.app = await self._client.get(*held.path)
        if held.app.get("status") == "revoked":
            await self._client.act(held.path, "approve")
        if attribute(held.app, PLAN) != self._seat.plan:
            await self._client.post((*held.path, "attributes", PLAN), {"name": PLAN, "value": self._seat.plan})

    async def _post_once(self, path: tuple[str, ...], body: Row) -> None:
        """Somebody may have been faster, such as another subscription of the same customer."""
        try:
            await self._client.post(path, body)
        except GatewayRejected as fault:
            if fault.status != _TAKEN:
                raise

    async def _drop_keys(self, held: Holding) -> None:
        """Keys that are to go, ours that nobody promised, and the one that Apigee minted, which opens nothing."""
        gone = [row for key in self._seat.keys if key.standing is Standing.GONE and (row := held.key(key))]
        for row in held.others(self._seat):
            is_minted = not held.is_adopted and not is_marked(row) and not row.get("apiProducts")
            if held.owns(row) or is_minted:
                gone.append(row)
        for row in gone:
            await self._client.delete(*held.path, "keys", row["consumerKey"])

    async def _products(self, held: Holding) -> list[str]:
        """The plan's own API product where there is one, since that has the plan's quota; else the product itself."""
        wanted = []
        for product in self._seat.scope:
            name = plan_product(self._seat.plan, product.native_id)
            row = None if held.is_adopted else await self._client.find("apiproducts", name)
            wanted.append(name if row and is_marked(row) else product.native_id)
        return wanted

    async def _have_key(self, held: Holding, key: WantedKey, wanted: list[str]) -> None:
        row = held.key(key)
        if row and key.secret and row["consumerKey"] != key.secret:
            await self._client.delete(*held.path, "keys", row["consumerKey"])
            row = None
        if row is None:
            row = await self._make_key(held, key)
        path = (*held.path, "keys", row["consumerKey"])
        is_shut = Standing.SUSPENDED in (key.standing, self._seat.standing)
        if is_shut and row.get("status") != "revoked":
            await self._client.act(path, "revoke")
        await self._bind(held, key, row, wanted)
        if not is_shut and row.get("status") != "approved":
            await self._client.act(path, "approve")

    async def _make_key(self, held: Holding, key: WantedKey) -> Row:
        if key.native_id and not key.secret:
            raise PostconditionFailed(
                f"The key {key.native_id[:12]}… is no longer at Apigee, and only Apigee knew its secret.",
                next_step="Revoke this credential and issue another.",
            )
        body: Row = {
            "consumerKey": key.secret or secrets.token_urlsafe(32),
            "consumerSecret": secrets.token_urlsafe(32),
            "attributes": attributes(self._mark | {CREDENTIAL: key.credential_id}),
        }
        return await self._client.post((*held.path, "keys"), body)

    async def _bind(self, held: Holding, key: WantedKey, row: Row, wanted: list[str]) -> None:
        """Exactly the wanted products for a key of ours; an adopted one gets what it lacks, and loses only that."""
        path = (*held.path, "keys", row["consumerKey"])
        is_adopted = held.is_adopted and not held.owns(row)
        there = [str(ref["apiproduct"]) for ref in row.get("apiProducts") or ()]
        new = [name for name in wanted if name not in there]
        added = [name for name in (attribute(row, ADDED) or "").split(",") if name]
        spare = [name for name in there if name not in wanted and (not is_adopted or name in added)]
        told = self._key_marks(key, [*(name for name in added if name not in spare), *new], is_adopted=is_adopted)
        if any(attribute(row, name) != value for name, value in told.items()) or new:
            row = await self._client.post(
                path, {"apiProducts": new, "attributes": attributes(told, row.get("attributes") or ())}
            )
        for name in wanted:
            if name not in approved(row):
                await self._client.act((*path, "apiproducts", name), "approve")
        for name in spare:
            await self._client.delete(*path, "apiproducts", name)

    def _key_marks(self, key: WantedKey, added: list[str], *, is_adopted: bool) -> dict[str, str]:
        if is_adopted:
            return {ADDED: ",".join(added)} if added else {}
        return self._mark | {CREDENTIAL: key.credential_id}

    async def _remove(self, held: Holding) -> None:
        """The app with all of its keys; at an adopted one only keys that are to go, and ours."""
        if held.app and held.is_adopted:
            for row in held.keys:
                listed = [key for key in self._seat.keys if key.standing is Standing.GONE and held.key(key) is row]
                if listed or held.owns(row):
                    await self._client.delete(*held.path, "keys", row["consumerKey"])
        elif held.app:
            await self._client.delete(*held.path)
        await drop_developer(self._client, held.email)

    def _refuse_foreign(self, held: Holding) -> None:
        """A key that somebody else let Apigee mint in our app would be counted and billed as this subscription's."""
        for row in [] if held.is_adopted else held.others(self._seat):
            if not is_marked(row) and row.get("apiProducts") and row.get("status") == "approved":
                raise PostconditionFailed(
                    f"There is one live key more than promised: the app {held.path[-1]} of {held.email} has a key "
                    f"that is not Aforo's. Its SHA-256 begins with {key_id(row['consumerKey'])[:12]}.",
                    next_step="Revoke or delete that key at Apigee, or make an app of its own for it.",
                )


async def drop_developer(client: Client, email: str) -> None:
    """Only one that Aforo made, once it has no app any more."""
    row = await client.find("developers", email)
    if row and is_marked(row) and not row.get("apps"):
        await client.delete("developers", email)


def _gone(what: str) -> GatewayNotFound:
    return GatewayNotFound(
        f"The adopted {what} is no longer at Apigee.",
        status=404,
        next_step="Cancel the subscription, or adopt what has taken its place.",
    )
