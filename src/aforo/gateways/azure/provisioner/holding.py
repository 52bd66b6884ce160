"""Reads everything at Azure that a seat may consist of, and tells it as the contract wants it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import RemoteObject, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.gateways.azure.client import Client, Found, Row
from aforo.gateways.azure.mapping.limits import policies
from aforo.gateways.azure.mapping.places import place
from aforo.gateways.azure.mapping.products import api_name
from aforo.gateways.azure.provisioner.names import KEY_TYPE, Names, holders_of, native_id, slot_of
from aforo.gateways.azure.provisioner.slots import is_open, waiting_keys


@dataclass(slots=True)
class Holding:
    """The seat's own Azure subscription with its keys by slot, its user, and the adopted subscription."""

    own: Found | None
    values: Mapping[str, str]
    user: Found | None
    adopted: Found | None = None
    scope: frozenset[str] = frozenset()
    holders: dict[str, str] = field(default_factory=dict)


def adopted_sid(seat: Seat) -> str | None:
    return (seat.adopted.application or seat.adopted.consumer) if seat.adopted else None


def is_adopted(key: WantedKey, seat: Seat) -> bool:
    """Whether it is a key of the adopted subscription rather than of the seat's own."""
    sid = adopted_sid(seat)
    return sid is not None and slot_of(key.native_id, sid) is not None


def own_keys(seat: Seat) -> list[WantedKey]:
    return [key for key in seat.keys if not is_adopted(key, seat)]


async def read(client: Client, seat: Seat) -> Holding:
    """All of it, or raises. Three calls, two more for an adopted seat's or a bundle's."""
    names, sid = Names(seat.subscription_id), adopted_sid(seat)
    own = await client.find("subscriptions", names.sid)
    held = Holding(
        own,
        await client.keys(names.sid) if own else {},
        await client.find("users", names.user),
        await client.find("subscriptions", sid) if sid else None,
    )
    targets = [target(one.row) for one in (held.own, held.adopted) if one]
    opened = [await opens(client, one, seat.scope) for one in targets]
    held.scope = frozenset[str]().union(*opened)
    held.holders = _holders(held, seat, names.sid)
    return held


def _holders(held: Holding, seat: Seat, sid: str) -> dict[str, str]:
    """By the display name; where somebody has changed that, by what Aforo knows."""
    if held.own is None:
        return {}
    told = holders_of(held.own.row)
    if told is not None:
        return told
    return {slot: key.credential_id for key in seat.keys if (slot := slot_of(key.native_id, sid))}


def target(row: Row) -> tuple[str, ...]:
    """What an Azure subscription opens: ("products", name), ("apis", name), or nothing, which is everything."""
    parts = str((row.get("properties") or {}).get("scope") or "").rstrip("/").split("/")
    collection = parts[-2].lower() if len(parts) > 1 else ""
    return (collection, parts[-1]) if collection in ("products", "apis") else ()  # `/apis` is everything too


async def opens(client: Client, at: tuple[str, ...], scope: Sequence[ScopedProduct]) -> frozenset[str]:
    """The ids of the products that are open: those named, and those whose APIs are all in what is."""
    if not at:
        return frozenset(one.id for one in scope)
    named = frozenset(one.id for one in scope if at[0] == "products" and one.native_id.lower() == at[1].lower())
    if len(named) == len(scope):
        return named
    there = await apis_of(client, at[1]) if at[0] == "products" else frozenset((at[1].lower(),))
    inside = {one.id: await apis_of(client, one.native_id) for one in scope if one.id not in named}
    return named | {one for one, apis in inside.items() if apis and apis <= there}


async def apis_of(client: Client, product: str) -> frozenset[str]:
    """The names of a product's APIs, in lower case; none where there is no such product."""
    try:
        return frozenset(api_name(row).lower() for row in await client.rows("products", product, "apis"))
    except GatewayNotFound:
        return frozenset()


def seated(held: Holding, seat: Seat, closed: Collection[str] = ()) -> Seated:
    """The seat as it stands. `closed` are credentials whose key in an adopted subscription was just replaced, which
    nothing there shows.
    """
    names = Names(seat.subscription_id)
    standing = _standing(held, seat, closed)
    return Seated(
        standing,
        tuple(_objects(held, seat)),
        tuple(_keys(held, seat, names, closed)),
        held.scope if standing is Standing.ACTIVE else frozenset(),
        tuple(_notes(held, seat)) if seat.standing is not Standing.GONE else (),
    )


def standing_of(row: Row) -> Standing:
    """How an Azure subscription stands: submitted waits for approval, and the rest is past."""
    state = str((row.get("properties") or {}).get("state") or "").lower()
    if state == "active":
        return Standing.ACTIVE
    return Standing.SUSPENDED if state in ("suspended", "submitted") else Standing.GONE


def _standing(held: Holding, seat: Seat, closed: Collection[str]) -> Standing:
    """By its Azure subscriptions; an adopted one counts as long as the seat has a key in it."""
    mine = [key for key in seat.keys if is_adopted(key, seat) and key.credential_id not in closed]
    rows = [held.own] + ([held.adopted] if mine else [])
    found = {standing_of(one.row) for one in rows if one}
    if not found and seat.adopted and not seat.keys:
        return seat.standing
    if Standing.ACTIVE in found or (Standing.SUSPENDED in found and not is_open(seat.keys)):
        return Standing.ACTIVE if seat.standing is Standing.ACTIVE or Standing.ACTIVE in found else Standing.SUSPENDED
    return Standing.SUSPENDED if Standing.SUSPENDED in found or held.user else Standing.GONE


def _objects(held: Holding, seat: Seat) -> Iterator[RemoteObject]:
    if held.adopted:
        yield _object("subscription", held.adopted.row, adopted=True)
    if held.own:
        yield _object("subscription", held.own.row)
    if held.user:
        yield _object("user", held.user.row)
    if held.own and (at := target(held.own.row)) and at[1].lower() not in {p.native_id.lower() for p in seat.scope}:
        yield RemoteObject("product", at[1], at[1])


def _object(kind: str, row: Row, *, adopted: bool = False) -> RemoteObject:
    name = str(row["name"])
    told = (row.get("properties") or {}).get("displayName")
    return RemoteObject(kind, name, str(told or name) if adopted else name, adopted=adopted)


def _keys(held: Holding, seat: Seat, names: Names, closed: Collection[str]) -> Iterator[SeatedKey]:
    """Those that the seat lists, then others that our Azure subscription says it holds."""
    slots = {one: slot for slot, one in held.holders.items()}
    for key in seat.keys:
        slot = slots.get(key.credential_id)
        if is_adopted(key, seat):
            is_there = held.adopted and key.credential_id not in closed
            yield _told(key, standing_of(held.adopted.row) if held.adopted and is_there else Standing.GONE)
        elif held.own and slot:
            told = replace(key, native_id=native_id(names.sid, slot))
            yield _told(told, standing_of(held.own.row), held.values.get(slot))
        else:
            waits = seat.standing is not Standing.GONE and key in waiting_keys(seat.keys) and key.secret is not None
            yield _told(key, Standing.SUSPENDED if waits else Standing.GONE)
    known = {key.credential_id for key in seat.keys}
    for one, slot in slots.items():
        if held.own and one not in known:
            yield SeatedKey(one, KEY_TYPE, native_id(names.sid, slot), standing_of(held.own.row))


def _told(key: WantedKey, standing: Standing, secret: str | None = None) -> SeatedKey:
    return SeatedKey(key.credential_id, KEY_TYPE, key.native_id or "", standing, secret)


def _notes(held: Holding, seat: Seat) -> Iterator[str]:
    limits = policies(seat.limits)
    wanted = place(seat.plan, seat.scope, limits).name
    at = target(held.own.row)[-1:] if held.own else ()
    if held.own and limits and at != (wanted,):
        yield "Azure does not keep the plan's limits yet: sync the plan's price, then this subscription moves there."
    if held.own and len(seat.scope) > 1:
        yield (
            f"An Azure subscription opens one product, so {len(seat.scope)} of them stand in one of Aforo's own, "
            f"{''.join(at)}, with their APIs and policies."
        )
    if waiting_keys(seat.keys):
        yield "Azure suspends both keys or none, so the suspended one was taken out; it comes back with its secret."
    shut = [one.name for one in seat.scope if one.id not in held.scope]
    if held.adopted and shut:
        yield f"The adopted Azure subscription does not open {', '.join(shut)}; a new key of this subscription does."
