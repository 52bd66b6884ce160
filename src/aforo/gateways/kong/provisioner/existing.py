"""Everybody at Kong: consumers with their keys, ours and foreign, from flat lists; and the removal of an orphan."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, ExistingKey, Standing
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row, reference
from aforo.gateways.kong.provisioner.holding import TERMINATION
from aforo.gateways.kong.provisioner.names import KEY_TYPE, opens, subscription_of

_LISTS = {"consumers": "consumers", "key-auths": "keys", "acls": "groups", "plugins": "plugins"}


@dataclass(frozen=True, slots=True)
class _Lists:
    keys: dict[str, list[Row]]
    groups: dict[str, list[str]]
    acls: dict[str, list[Row]]
    closed: frozenset[str]


async def existing(client: Client, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
    """Only a first call that fails raises; a list that ends early makes the answer partial."""
    found: dict[str, Sequence[Row]] = {}
    problems = []
    for path, what in _LISTS.items():
        listing = await client.listing(path, first_raises=path == "consumers")
        found[path] = listing.rows
        if listing.fault:
            problems.append(Problem(what, listing.fault.detail, listing.fault.code))
        progress(len(listing.rows), None, what)
    lists = _joined(found)
    consumers = [one for row in found["consumers"] for one in _told(row, lists, products)]
    return Existence(tuple(consumers), tuple(problems))


def _joined(found: dict[str, Sequence[Row]]) -> _Lists:
    keys, groups, acls = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in found["key-auths"]:
        keys[reference(row, "consumer")].append(row)
    for row in found["acls"]:
        groups[reference(row, "consumer")].append(str(row["group"]))
    closed = set()
    for row in found["plugins"]:
        who, where = reference(row, "consumer"), reference(row, "service")
        if row.get("name") == "acl" and where and not who and row.get("enabled", True):
            acls[where].append(row)
        if row.get("name") == TERMINATION and who and not where:
            closed.add(who)
    return _Lists(keys, groups, acls, frozenset(closed))


def _told(consumer: Row, lists: _Lists, products: Sequence[ScopedProduct]) -> Iterator[Existing]:
    """A foreign consumer on which Aforo made keys is told twice: once as it was, once with what is marked."""
    rows = lists.keys.get(consumer["id"], [])
    owner = subscription_of(consumer)
    scope = frozenset(
        one.native_id
        for one in products
        if opens(lists.groups.get(consumer["id"], []), lists.acls.get(one.native_id, []))
    )
    standing = Standing.SUSPENDED if consumer["id"] in lists.closed else Standing.ACTIVE
    mine = [row for row in rows if owner or subscription_of(row) is None]
    yield _existing(consumer, mine, scope, standing, owner)
    marked = defaultdict(list)
    for row in rows:
        if not owner and (subscription := subscription_of(row)):
            marked[subscription].append(row)
    for subscription, of_it in marked.items():
        yield _existing(consumer, of_it, scope, standing, subscription)


def _existing(
    consumer: Row, keys: Iterable[Row], scope: frozenset[str], standing: Standing, owner: str | None
) -> Existing:
    username, custom_id = consumer.get("username"), consumer.get("custom_id")
    return Existing(
        consumer=consumer["id"],
        name=str(username or custom_id or consumer["id"]),
        keys=tuple(_key(row, standing) for row in keys),
        email=username if username and "@" in username else None,
        external_id=custom_id,
        scope=scope,
        subscription_id=owner,
    )


def _key(row: Row, standing: Standing) -> ExistingKey:
    told = row.get("key")
    sha256 = hashlib.sha256(told.encode()).hexdigest() if isinstance(told, str) else None
    made = row.get("created_at")
    created_at = datetime.fromtimestamp(made, UTC) if isinstance(made, int | float) else None
    return ExistingKey(KEY_TYPE, row["id"], standing, sha256, created_at)


async def remove(client: Client, found: Existing) -> None:
    """The consumer with all that hangs on it if it is ours, else what of the subscription was put on it."""
    consumer = await client.find("consumers", found.consumer)
    if consumer is None:
        return
    if found.subscription_id is None:
        raise _not_ours(found)
    if subscription_of(consumer) == found.subscription_id:
        await client.delete("consumers", found.consumer)
        return
    if not await _remove_marked(client, found):
        raise _not_ours(found)


async def _remove_marked(client: Client, found: Existing) -> int:
    removed = 0
    for below in ("key-auth", "acls"):
        for row in await client.rows("consumers", found.consumer, below):
            if subscription_of(row) == found.subscription_id:
                await client.delete("consumers", found.consumer, below, row["id"])
                removed += 1
    for row in await client.rows("consumers", found.consumer, "plugins"):
        if subscription_of(row) == found.subscription_id:
            await client.delete("plugins", row["id"])
            removed += 1
    return removed


def _not_ours(found: Existing) -> GatewayError:
    return GatewayError(
        f"Consumer {found.name} does not carry Aforo's mark, so Aforo does not delete it.",
        next_step="Delete it at Kong if nobody needs it.",
    )
