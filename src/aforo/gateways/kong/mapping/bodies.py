"""Entities → what is sent to Kong: keys become ids again, and only what differs is said. Pure."""

from collections.abc import Mapping
from typing import Final

from aforo.gateway_sdk.contract import Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.mapping.canonical import MONETIZED, THIS, map_around
from aforo.gateways.kong.mapping.schema import Row, Schema
from aforo.kit.jsontree import ABSENT, Absent, Json, at, leaves, put, same

Ids = dict[tuple[str, str], str]
"""(kind, key) → native id. The product's one service and one upstream stand under THIS as well."""

SINGLE: Final = ("service", "upstream")


def native_ids(recorded: Product, live: Product | None) -> Ids:
    """Where everything of the product is, or will be once it has been put back under its recorded id.

    A recorded key leads to the live twin: the one with the same id, else the one with the same key.
    """
    theirs = {(entity.kind, entity.key): entity.native_id for entity in live.entities} if live else {}
    alive = {(kind, native) for (kind, _), native in theirs.items()}
    ids: Ids = dict(theirs)
    for entity in recorded.entities:
        place = (entity.kind, entity.key)
        if (entity.kind, entity.native_id) in alive or place not in theirs:
            ids[place] = entity.native_id
    for source in (recorded, live) if live else (recorded,):
        for entity in source.entities:
            if entity.kind in SINGLE:
                ids[entity.kind, THIS] = ids[entity.kind, entity.key]
    return ids


def creation(target: Entity) -> Row:
    """All that was asked for. Defaults are left to the server, and what was never told to us cannot be sent."""
    body = target.wished()
    for pointer, value in leaves(target.fields):
        if value == {} and pointer:
            put(body, pointer, {})
    return body


def differences(target: Entity, found: Entity) -> dict[str, Json | Absent]:
    """What to set at an object that is there so that it is as recorded, by pointer. What is masked is left alone."""
    pointers = {pointer for entity in (target, found) for pointer, _ in leaves(entity.wished()) if pointer}
    ours = {pointer: at(target.fields, pointer) for pointer in sorted(pointers - target.masked - found.masked)}
    return {pointer: value for pointer, value in ours.items() if not _alike(value, at(found.fields, pointer))}


def _alike(left: Json | Absent, right: Json | Absent) -> bool:
    """Null and absent are the same nothing."""
    return same(None if isinstance(left, Absent) else left, None if isinstance(right, Absent) else right)


def wanted(step: Step) -> dict[str, Json]:
    """What an update is to set, by pointer. Masked values are never sent."""
    target, live = step.target, step.live
    if target is None or live is None:
        return {}
    return {
        pointer: _cleared(pointer, target, live) if isinstance(value, Absent) else value
        for pointer, value in step.changed.items()
        if pointer not in target.masked
    }


def _cleared(pointer: str, target: Entity, live: Entity) -> Json:
    """Null, unless the record is silent only because its schema did not know this member: then its default."""
    default = at(live.defaults, pointer)
    if isinstance(at(target.defaults, pointer), Absent) and not isinstance(default, Absent):
        return default
    return None


def patch(step: Step, schema: Schema) -> Row:
    """The body of a PATCH. Records are merged by Kong; lists and maps are not, so they are said whole."""
    body: Row = {}
    for pointer, value in wanted(step).items():
        around = map_around(schema, pointer)
        if around is None:
            put(body, pointer, value)
        elif isinstance(at(body, around), Absent):
            put(body, around, _whole_map(around, step))
    return body


def _whole_map(around: str, step: Step) -> Json:
    """The live map with our members set; members that others have added stay."""
    target, live = step.target, step.live
    if target is None or live is None:
        return None
    if any(pointer.startswith(f"{around}/") for pointer in live.masked):
        raise GatewayError(
            f"{step.kind} {step.key} cannot be restored: {around} holds a value that the gateway masks.",
            next_step="Set this field by hand at the gateway, or tell Aforo to ignore it.",
        )
    tree: dict[str, Json] = {}
    put(tree, around, dict(_object(at(live.fields, around))))
    for pointer, value in step.changed.items():
        if pointer.startswith(f"{around}/") and pointer not in target.masked:
            put(tree, pointer, ABSENT if value is None else value)
    whole = at(tree, around)
    return None if whole == {} and isinstance(at(target.fields, around), Absent) else _told(whole)


def _object(value: Json | Absent) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _told(value: Json | Absent) -> Json:
    return None if isinstance(value, Absent) else value


def replacement(step: Step, fresh: Row, schema: Schema) -> Row:
    """The body of a PUT: the object as it is now, with our members laid over it.

    The server's own members and the deprecated twins, which would contradict ours, are left out.
    """
    body: Row = {name: value for name, value in fresh.items() if name not in schema.volatile}
    for twin in schema.twins:
        if not isinstance(at(body, "/" + "/".join(twin)), Absent):
            put(body, "/" + "/".join(twin), ABSENT)
    for pointer, value in wanted(step).items():
        put(body, pointer, ABSENT if value is None and map_around(schema, pointer) else value)
    return body


def keeping_our_tag(wished: Json, there: Json) -> Json:
    """Tags as recorded, with our own one kept where it stands: no record knows it, so no restore may take it."""
    ours = [MONETIZED] if isinstance(there, list) and MONETIZED in there else []
    told = wished if isinstance(wished, list) else []
    return [*told, *ours] if ours else wished


def changed_references(step: Step) -> set[str]:
    """Members of an update that hold a key and not a value."""
    return {pointer[1:] for pointer in step.changed if pointer[1:] in REFERENCES.get(step.kind, ())}


REFERENCES: Final = {"plugin": ("service", "route", "consumer", "consumer_group")}
