"""Everybody at Azure: users with their Azure subscriptions, ours and foreign, from two lists; and an orphan's removal.

The secrets are not asked for: that is a call for each subscription, counted by Azure as a write, and a gateway that
tells the subscription's id in a check needs no hash.
"""

from collections.abc import Iterator, Mapping, Sequence

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, ExistingKey, Owner, Seat, Standing
from aforo.gateways.azure.client import Client, Row
from aforo.gateways.azure.mapping.products import properties
from aforo.gateways.azure.provisioner.holding import read, standing_of, target
from aforo.gateways.azure.provisioner.names import (
    KEY_TYPE,
    SLOTS,
    holders_of,
    last,
    native_id,
    subscription_of,
)
from aforo.gateways.azure.provisioner.writing import Writer


async def existing(client: Client, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
    """Only a first call that fails raises; a list that ends early makes the answer partial."""
    problems, found = [], {}
    for path in ("subscriptions", "users"):
        listing = await client.listing(path, first_raises=path == "subscriptions")
        found[path] = listing.rows
        if listing.fault:
            problems.append(Problem(path, listing.fault.detail, listing.fault.code))
        progress(len(listing.rows), None, path)
    users = {str(row["name"]).lower(): row for row in found["users"]}
    names = {one.native_id.lower(): one.native_id for one in products}
    owners = {last(properties(row).get("ownerId")).lower() for row in found["subscriptions"]}
    consumers = [_told(row, users, names) for row in found["subscriptions"]]
    consumers += [_bare(row) for name, row in users.items() if name not in owners]
    return Existence(tuple(consumers), tuple(problems))


def _told(row: Row, users: Mapping[str, Row], products: Mapping[str, str]) -> Existing:
    """One Azure subscription with its owner; one that has none is told by itself."""
    sid, owner = str(row["name"]), last(properties(row).get("ownerId"))
    user = users.get(owner.lower())
    ours = subscription_of(sid)
    return Existing(
        consumer=str(user["name"]) if user else owner or sid,
        name=_name(user) if user else owner or sid,
        keys=tuple(_keys(row, sid, is_ours=ours is not None)),
        application=sid,
        application_name=str(properties(row).get("displayName") or sid),
        email=_email(user) if user and not ours else None,
        scope=_scope(row, products),
        subscription_id=ours,
    )


def _keys(row: Row, sid: str, *, is_ours: bool) -> Iterator[ExistingKey]:
    """Of ours those that are somebody's, since nobody knows the others; both of a foreign or renamed one."""
    holders = holders_of(row) if is_ours else None
    told = SLOTS if holders is None else holders
    yield from (ExistingKey(KEY_TYPE, native_id(sid, slot), standing_of(row)) for slot in SLOTS if slot in told)


def _scope(row: Row, products: Mapping[str, str]) -> frozenset[str]:
    """By the subscription's own words. What a scope of a single API opens is no product."""
    at = target(row)
    if not at:
        return frozenset(products.values())
    return frozenset({products[at[1].lower()]}) if at[0] == "products" and at[1].lower() in products else frozenset()


def _bare(user: Row) -> Existing:
    """A user without any subscription, such as one of ours whose making was broken off."""
    name = str(user["name"])
    return Existing(name, _name(user), (), email=_email(user), subscription_id=subscription_of(name))


def _name(user: Row) -> str:
    told = properties(user)
    words = " ".join(str(told.get(part) or "") for part in ("firstName", "lastName")).strip()
    return words or str(told.get("email") or user["name"])


def _email(user: Row) -> str | None:
    return str(properties(user).get("email") or "") or None


async def remove(client: Client, found: Existing) -> None:
    """Our Azure subscription with our user, by the mark in their names."""
    marks = {subscription_of(found.consumer), subscription_of(found.application or found.consumer)}
    if found.subscription_id is None or marks != {found.subscription_id}:
        raise GatewayError(
            f"{found.application_name or found.name} does not carry Aforo's mark, so Aforo does not delete it.",
            next_step="Delete it in Azure if nobody needs it.",
        )
    subscription = found.subscription_id
    seat = Seat(subscription, Owner(subscription, subscription), "", Standing.GONE, (), ())
    await Writer(client, seat).remove(await read(client, seat))
