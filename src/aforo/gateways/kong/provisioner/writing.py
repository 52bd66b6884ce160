"""Brings a seat to what is wanted. Every write names its object, so that doing it twice does it once.

What takes access away is written before what gives it: a suspended seat is closed before anything else is touched, and
a seat that becomes active is opened last.
"""

from collections.abc import Iterable

from aforo.gateway_sdk.errors import GatewayNotFound, PostconditionFailed
from aforo.gateway_sdk.provision import Seat, Standing, WantedKey
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row, reference
from aforo.gateways.kong.provisioner import limits
from aforo.gateways.kong.provisioner.holding import (
    LIMITING,
    TERMINATION,
    Holding,
    foreign_keys,
    native_id,
    read,
    strays,
    working_consumer,
)
from aforo.gateways.kong.provisioner.names import Names, group, opens

_CLOSED = {"status_code": 403, "message": "This subscription is suspended"}


class Writer:
    """Writes one seat."""

    def __init__(self, client: Client, seat: Seat) -> None:
        self._client = client
        self._seat = seat
        self._names = Names(seat.subscription_id)
        self._place = working_consumer(seat, self._names)

    async def converge(self) -> None:
        held = await read(self._client, self._seat)
        if self._seat.standing is Standing.GONE:
            await self._remove(held)
            return
        await self._have_consumer(held)
        if self._seat.standing is Standing.SUSPENDED and not self._seat.adopted:
            await self._close(held, self._place)
        await self._have_keys(held)
        await self._have_groups(held)
        await self._have_limits(held)
        if self._seat.standing is Standing.ACTIVE:
            await self._open(held)
        await self._drop_parked()
        self._refuse_foreign(held)

    async def _have_consumer(self, held: Holding) -> None:
        wanted = {
            "username": self._names.username,
            "custom_id": self._names.subscription_id,
            "tags": self._names.tags,
        }
        if self._seat.adopted:
            if held.consumer is None:
                raise GatewayNotFound(
                    f"The adopted consumer {self._place} is no longer there.",
                    status=404,
                    next_step="Cancel the subscription, or create the consumer again under this id.",
                )
        elif held.consumer is None or not self._names.owns(held.consumer):
            held.consumer = await self._client.put(("consumers", self._place), wanted)

    async def _have_keys(self, held: Holding) -> None:
        """Keys that go, go first; what is made by Kong is made once, since it stays under its own id."""
        for key in sorted(self._seat.keys, key=lambda one: one.standing is not Standing.GONE):
            row = held.key(native_id(key, self._names))
            if key.standing is Standing.GONE:
                await self._delete_key(row)
            elif key.standing is Standing.SUSPENDED:
                await self._park(held, key, row)
            else:
                await self._have_key(key, row)
        listed = [native_id(key, self._names) for key in self._seat.keys]
        for row in strays(held, listed, self._names):
            await self._delete_key(row)

    async def _have_key(self, key: WantedKey, row: Row | None) -> None:
        if row is None or (key.secret and row.get("key") != key.secret):
            await self._put_key(key, self._place, key.secret)
        elif reference(row, "consumer") != self._place:
            await self._move(row, self._place)

    async def _park(self, held: Holding, key: WantedKey, row: Row | None) -> None:
        """Kong has no switch at a key, so it waits on a consumer that may call nothing."""
        await self._have_parked(held)
        if row is None:
            await self._put_key(key, self._names.parked, key.secret)
        elif reference(row, "consumer") != self._names.parked:
            await self._move(row, self._names.parked)

    async def _put_key(self, key: WantedKey, consumer: str, secret: str | None) -> None:
        if key.native_id and key.native_id != self._names.key(key.credential_id):
            raise PostconditionFailed(
                f"The adopted key {key.native_id} is no longer at Kong, and only Kong knew its secret.",
                next_step="Revoke this credential and issue another.",
            )
        body: Row = {"tags": self._names.key_tags(key.credential_id)} | ({"key": secret} if secret else {})
        await self._client.put(("consumers", consumer, "key-auth", native_id(key, self._names)), body)

    async def _move(self, row: Row, consumer: str) -> None:
        """Konnect knows no PATCH, so there the same key is put below the other consumer."""
        if self._client.is_konnect:
            body = {name: row[name] for name in ("key", "tags", "ttl") if row.get(name) is not None}
            await self._client.put(("consumers", consumer, "key-auth", row["id"]), body)
        else:
            await self._client.patch(("key-auths", row["id"]), {"consumer": {"id": consumer}})

    async def _delete_key(self, row: Row | None) -> None:
        if row:
            await self._client.delete("consumers", reference(row, "consumer"), "key-auth", row["id"])

    async def _have_parked(self, held: Holding) -> None:
        names = self._names
        if held.parked is None:
            wanted = {"username": names.parked_username, "tags": names.tags}
            held.parked = await self._client.put(("consumers", names.parked), wanted)
        await self._close(held, names.parked)

    async def _drop_parked(self) -> None:
        """Once nothing waits there any more, not even somebody else's key."""
        parked = self._names.parked
        if await self._client.find("consumers", parked) and not await self._client.rows(
            "consumers", parked, "key-auth"
        ):
            await self._client.delete("consumers", parked)

    async def _have_groups(self, held: Holding) -> None:
        """An adopted consumer that may call a product already gets no group for it."""
        wanted = [group(product) for product in self._seat.scope]
        mine = [row for row in held.acls if reference(row, "consumer") == self._place]
        there = {row["group"] for row in mine}
        if self._seat.adopted:
            wanted = [one for one in wanted if one in there] + await self._closed_groups(there)
        for one in sorted({*wanted} - there):
            path = ("consumers", self._place, "acls", self._names.acl(self._place, one))
            await self._client.put(path, {"group": one, "tags": self._names.tags})
        for row in mine:
            if self._names.owns(row) and row["group"] not in wanted:
                await self._client.delete("consumers", self._place, "acls", row["id"])

    async def _closed_groups(self, there: Iterable[str]) -> list[str]:
        found = []
        for product in self._seat.scope:
            plugins = await self._client.rows("services", product.native_id, "plugins")
            if not opens(there, [row for row in plugins if row.get("name") == "acl"]):
                found.append(group(product))
        return found

    async def _have_limits(self, held: Holding) -> None:
        if self._seat.adopted:
            return
        there, wanted = held.plugin(LIMITING, self._place), limits.windows(self._seat.limits)
        if there and not self._names.owns(there):
            return
        if not wanted:
            if there:
                await self._client.delete("plugins", there["id"])
        elif there is None or limits.config(wanted) != limits.config(there["config"]):
            await self._put_plugin(LIMITING, self._place, limits.config(wanted))

    async def _close(self, held: Holding, consumer: str) -> None:
        if held.plugin(TERMINATION, consumer) is None:
            await self._put_plugin(TERMINATION, consumer, _CLOSED)

    async def _open(self, held: Holding) -> None:
        """Only what Aforo closed: a termination of somebody else's stays."""
        row = held.plugin(TERMINATION, self._place)
        if row and self._names.owns(row):
            await self._client.delete("plugins", row["id"])

    async def _put_plugin(self, name: str, consumer: str, config: Row) -> None:
        body = {"name": name, "consumer": {"id": consumer}, "config": config, "tags": self._names.tags}
        await self._client.put(("plugins", self._names.plugin(consumer, name)), body)

    async def _remove(self, held: Holding) -> None:
        """The seat's consumers with all that hangs on them; at an adopted one only keys that are to go, and ours."""
        if held.consumer and not self._seat.adopted:
            await self._client.delete("consumers", held.consumer["id"])
        else:
            await self._clear(held)
        if held.parked:
            await self._client.delete("consumers", held.parked["id"])

    async def _clear(self, held: Holding) -> None:
        gone = {native_id(key, self._names) for key in self._seat.keys if key.standing is Standing.GONE}
        for row in held.keys:
            if row["id"] in gone or self._names.owns(row):
                await self._delete_key(row)
        for row in held.acls:
            if self._names.owns(row):
                await self._client.delete("consumers", reference(row, "consumer"), "acls", row["id"])
        for row in held.plugins:
            if self._names.owns(row):
                await self._client.delete("plugins", row["id"])

    def _refuse_foreign(self, held: Holding) -> None:
        for row in foreign_keys(held, self._seat, self._names):
            raise PostconditionFailed(
                f"There is one live key more than promised: key-auth {row['id']} on {self._names.username} is not "
                "Aforo's, and its calls would count as this subscription's.",
                next_step="Delete that key at Kong, or move it to a consumer of its own.",
            )
