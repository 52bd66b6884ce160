"""Reads everything at Kong that a seat may consist of, and tells it as the contract wants it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aforo.gateway_sdk.provision import RemoteObject, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row, reference
from aforo.gateways.kong.provisioner.limits import why_not
from aforo.gateways.kong.provisioner.names import KEY_TYPE, Names, credential_of, group, opens

TERMINATION = "request-termination"
LIMITING = "rate-limiting"


@dataclass(slots=True)
class Holding:
    """What is there: the consumer whose keys work, the parked one, and what hangs on them, foreign rows as well."""

    consumer: Row | None
    parked: Row | None
    keys: list[Row] = field(default_factory=list)
    acls: list[Row] = field(default_factory=list)
    plugins: list[Row] = field(default_factory=list)

    def key(self, native_id: str) -> Row | None:
        return next((row for row in self.keys if row["id"] == native_id), None)

    def plugin(self, name: str, consumer: str) -> Row | None:
        """The consumer's plugin of this name for all services."""
        return next((row for row in self.plugins if _is_for_all(row, name, consumer)), None)

    def groups(self, consumer: str) -> list[str]:
        return [str(row["group"]) for row in self.acls if reference(row, "consumer") == consumer]


def _is_for_all(row: Row, name: str, consumer: str) -> bool:
    narrowed = reference(row, "service") or reference(row, "route")
    return row.get("name") == name and reference(row, "consumer") == consumer and not narrowed


def working_consumer(seat: Seat, names: Names) -> str:
    return seat.adopted.consumer if seat.adopted else names.consumer


def native_id(key: WantedKey, names: Names) -> str:
    return key.native_id or names.key(key.credential_id)


async def read(client: Client, seat: Seat) -> Holding:
    """All of it, or raises."""
    names = Names(seat.subscription_id)
    places = (working_consumer(seat, names), names.parked)
    consumer, parked = [await client.find("consumers", place) for place in places]
    held = Holding(consumer, parked)
    for row in (consumer, parked):
        if row:
            held.keys += await client.rows("consumers", row["id"], "key-auth")
            held.acls += await client.rows("consumers", row["id"], "acls")
            held.plugins += await client.rows("consumers", row["id"], "plugins")
    return held


async def seated(client: Client, seat: Seat) -> Seated:
    """The seat as it stands now."""
    names = Names(seat.subscription_id)
    held = await read(client, seat)
    place = working_consumer(seat, names)
    standing = _standing(held, seat, place, names)
    scope, notes = await _scope(client, seat, held.groups(place)) if held.consumer else (set(), [])
    return Seated(
        standing,
        tuple(_objects(held, seat, names)),
        tuple(_keys(held, seat, names)),
        frozenset(scope if standing is Standing.ACTIVE else ()),
        (*notes, *_left_out(seat, held, place, names)),
    )


def _standing(held: Holding, seat: Seat, place: str, names: Names) -> Standing:
    if held.consumer is None:
        return Standing.GONE
    if seat.adopted:
        return _adopted_standing(held, seat, names)
    return Standing.SUSPENDED if held.plugin(TERMINATION, place) else Standing.ACTIVE


def _adopted_standing(held: Holding, seat: Seat, names: Names) -> Standing:
    """By the seat's keys alone, since the consumer is not Aforo's to close and may have others."""
    keys = list(_known_keys(held, seat, names))
    if not keys and not any(_objects(held, seat, names, adopted=False)):
        return Standing.GONE
    waiting = [row for row in keys if reference(row, "consumer") == names.parked]
    return Standing.SUSPENDED if keys and len(waiting) == len(keys) else Standing.ACTIVE


def _known_keys(held: Holding, seat: Seat, names: Names) -> Iterator[Row]:
    return (row for key in seat.keys if (row := held.key(native_id(key, names))))


def _objects(held: Holding, seat: Seat, names: Names, *, adopted: bool = True) -> Iterator[RemoteObject]:
    """The consumers, then what of ours hangs on them; keys are told by themselves."""
    if held.consumer and (adopted or not seat.adopted):
        yield RemoteObject("consumer", held.consumer["id"], _name(held.consumer), adopted=bool(seat.adopted))
    if held.parked:
        yield RemoteObject("consumer", held.parked["id"], _name(held.parked))
    for kind, rows in (("acl", held.acls), ("plugin", held.plugins)):
        yield from (RemoteObject(kind, row["id"], _name(row)) for row in rows if names.owns(row))


def _name(row: Row) -> str:
    return str(row.get("username") or row.get("custom_id") or row.get("group") or row.get("name") or row["id"])


def _keys(held: Holding, seat: Seat, names: Names) -> Iterator[SeatedKey]:
    """Those that the seat lists, then others with its mark."""
    listed = {native_id(key, names): key.credential_id for key in seat.keys}
    for native, credential_id in listed.items():
        row = held.key(native)
        if row is None:
            yield SeatedKey(credential_id, KEY_TYPE, native, Standing.GONE)
        else:
            yield SeatedKey(credential_id, KEY_TYPE, native, _key_standing(row, names), row.get("key"))
    for row in strays(held, listed, names):
        yield SeatedKey(credential_of(row) or "", KEY_TYPE, row["id"], _key_standing(row, names))


def strays(held: Holding, listed: Iterable[str], names: Names) -> list[Row]:
    """Keys with the seat's mark that it does not list."""
    known = set(listed)
    return [row for row in held.keys if names.owns(row) and row["id"] not in known]


def foreign_keys(held: Holding, seat: Seat, names: Names) -> list[Row]:
    """Keys that somebody else put on a consumer of ours: they would be counted and billed as this subscription's."""
    listed = {native_id(key, names) for key in seat.keys}
    ours = {names.parked} if seat.adopted else {names.consumer, names.parked}
    return [
        row
        for row in held.keys
        if reference(row, "consumer") in ours and not names.owns(row) and row["id"] not in listed
    ]


def _key_standing(row: Row, names: Names) -> Standing:
    return Standing.SUSPENDED if reference(row, "consumer") == names.parked else Standing.ACTIVE


async def _scope(client: Client, seat: Seat, groups: list[str]) -> tuple[set[str], list[str]]:
    """The products that open, and what their services lack to hold everybody else off."""
    scope: set[str] = set()
    notes: list[str] = []
    for product in seat.scope:
        plugins = await client.rows("services", product.native_id, "plugins")
        acls = [row for row in plugins if row.get("name") == "acl" and _works(row)]
        if opens(groups, acls):
            scope.add(product.id)
        notes += _lacking(product.name, group(product), plugins, acls, is_open=product.id in scope)
    return scope, notes


def _works(plugin: Row) -> bool:
    """For everybody: a plugin for one consumer alone says nothing of ours."""
    return plugin.get("enabled", True) and not reference(plugin, "consumer")


def _lacking(name: str, wanted: str, plugins: Iterable[Row], acls: list[Row], *, is_open: bool) -> Iterator[str]:
    if not any(row.get("name") == "key-auth" and _works(row) for row in plugins):
        yield (
            f"Service {name} has no key-auth plugin of its own, so keys may not be asked for there. "
            "Add one, unless its routes or a global plugin ask for keys."
        )
    if not acls:
        yield f"Service {name} has no acl plugin, so any key opens it. Add one that allows the group {wanted}."
    elif not is_open:
        yield f"Service {name} does not allow the group {wanted}. Add it to the acl plugin's `allow` list."


def _left_out(seat: Seat, held: Holding, place: str, names: Names) -> Iterator[str]:
    if held.consumer is None or not seat.limits:
        return
    if seat.adopted:
        yield "The plan's limits are not set at the adopted consumer, which is used as it is; Aforo enforces them."
        return
    yield from (f"Not carried: {why}." for limit in seat.limits if (why := why_not(limit)))
    limiting = held.plugin(LIMITING, place)
    if limiting and not names.owns(limiting):
        yield "The consumer has a rate-limiting plugin that is not Aforo's; it was left as it is."
