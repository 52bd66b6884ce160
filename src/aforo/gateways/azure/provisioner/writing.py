"""Brings a seat to what is wanted. Keys, whose they are, state and scope change in one write, under the ETag."""

from collections.abc import Sequence
from typing import Any

from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateway_sdk.provision import Seat, Standing, WantedKey
from aforo.gateways.azure.client import Client, Found
from aforo.gateways.azure.mapping.places import place
from aforo.gateways.azure.provisioner.holding import (
    Holding,
    adopted_sid,
    is_adopted,
    own_keys,
    read,
    standing_of,
    target,
)
from aforo.gateways.azure.provisioner.names import Names, display_name, last, slot_of
from aforo.gateways.azure.provisioner.places import Places
from aforo.gateways.azure.provisioner.slots import fresh, is_open, layout

_QUIETLY = {"notify": "false"}
_STATE = {Standing.ACTIVE: "active", Standing.SUSPENDED: "suspended"}


class Writer:
    """Writes one seat."""

    def __init__(self, client: Client, seat: Seat) -> None:
        self._client = client
        self._seat = seat
        self._names = Names(seat.subscription_id)
        self._places = Places(client)

    async def converge(self) -> frozenset[str]:
        """The credentials whose key in an adopted subscription was replaced."""
        held = await read(self._client, self._seat)
        closed = await self._adopted(held)
        keys = own_keys(self._seat)
        apart = not any(key.standing is not Standing.GONE for key in keys)
        if self._seat.standing is Standing.GONE or (self._seat.adopted and apart):
            await self.remove(held)
        else:
            await self._own(held, keys)
        return closed

    async def remove(self, held: Holding) -> None:
        """Our subscription, its product if that is ours, and then our user: Azure deletes none with subscriptions."""
        if held.own:
            await self._client.delete(("subscriptions", self._names.sid), held.own.etag)
            await self._leave(held.own)
        elif len(self._seat.scope) > 1:
            await self._places.leave(place(self._seat.plan, self._seat.scope, {}).name)
        if held.user:
            await self._client.delete(("users", self._names.user), held.user.etag, **_QUIETLY)

    async def _own(self, held: Holding, keys: Sequence[WantedKey]) -> None:
        wish = layout(keys, held.holders, held.values)
        standing = self._seat.standing if is_open(keys) else Standing.SUSPENDED
        told: dict[str, Any] = {
            "displayName": display_name(wish.holders),
            "state": _STATE[standing],
            **{f"{slot}Key": value for slot, value in wish.values.items()},
        }
        if held.own is None:
            await self._have_user(held)
            scope = f"/products/{await self._places.have(self._seat)}"
            told |= {"scope": scope, "ownerId": f"/users/{self._names.user}", "allowTracing": False}
            await self._client.put(("subscriptions", self._names.sid), told, **_QUIETLY)
            return
        if standing is Standing.ACTIVE:
            told["scope"] = f"/products/{await self._places.have(self._seat)}"
        await self._patch(held.own, told)
        if last(told.get("scope")).lower() not in ("", target(held.own.row)[-1].lower()):
            await self._leave(held.own)

    async def _have_user(self, held: Holding) -> None:
        if held.user is None:
            path = ("users", self._names.user)
            await self._client.put(path, self._names.user_fields(self._seat.owner), **_QUIETLY)

    async def _patch(self, found: Found, told: dict[str, Any]) -> None:
        """Only what differs; a scope is told in full, and compared by its end."""
        changed = {name: value for name, value in told.items() if not _is_same(name, found.properties.get(name), value)}
        if changed:
            await self._client.patch(("subscriptions", str(found.row["name"])), changed, found.etag, **_QUIETLY)

    async def _leave(self, own: Found) -> None:
        at = target(own.row)
        if at[:1] == ("products",):
            await self._places.leave(at[1])

    async def _adopted(self, held: Holding) -> frozenset[str]:
        """State and replaced keys of the adopted subscription; nothing else of it is ever written."""
        sid = adopted_sid(self._seat)
        keys = [key for key in self._seat.keys if is_adopted(key, self._seat)]
        if sid is None or not keys:
            return frozenset()
        staying = [key for key in keys if key.standing is not Standing.GONE]
        if held.adopted is None:
            if staying:
                raise _gone(sid)
            return frozenset()
        if len({key.standing for key in staying}) > 1:
            raise _half(sid)
        gone = {key.credential_id: slot_of(key.native_id, sid) for key in keys if key.standing is Standing.GONE}
        told = {f"{slot}Key": fresh() for slot in gone.values()}
        standing = self._seat.standing if is_open(keys) else Standing.SUSPENDED
        if staying and standing is not standing_of(held.adopted.row):
            told["state"] = _STATE[standing]
        await self._patch(held.adopted, told)
        return frozenset(gone)


def _is_same(name: str, before: Any, after: Any) -> bool:
    if name == "scope":
        return last(before).lower() == last(after).lower() and "/products/" in str(before)
    return bool(before == after)


def _gone(sid: str) -> GatewayNotFound:
    return GatewayNotFound(
        f"The adopted Azure subscription {sid} is no longer there.",
        status=404,
        next_step="Cancel the subscription, or revoke the credentials that stood there.",
    )


def _half(sid: str) -> GatewayError:
    return GatewayError(
        f"Azure suspends {sid} with both its keys, and only one of them is to be suspended.",
        next_step="Suspend both credentials, or revoke the one.",
    )
