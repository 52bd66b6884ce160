"""Carries out the steps of a restore on a kong.yml, touching only the rows that the steps name. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.kong.declarative.document import COLLECTIONS, KongDocument, Place, derived_id, expand_url, identity
from aforo.gateways.kong.mapping import (
    THIS,
    Ids,
    Row,
    creation,
    keeping_our_tag,
    native_ids,
    new_owner,
    refusal,
    wanted,
)
from aforo.kit.jsontree import ABSENT, Absent, at, put

_URL_PARTS = frozenset({"/protocol", "/host", "/port", "/path"})
_MOVES = frozenset({"/service", "/route"})
_NAMED = frozenset({"service", "route", "upstream"})


def carry_out(document: KongDocument, recorded: Product, live: Product | None, steps: Sequence[Step]) -> None:
    """Steps whose effect already stands change nothing, so the same steps may be carried out again."""
    ids = native_ids(recorded, live)
    for step in steps:
        match step:
            case Step(action=Action.CREATE, target=Entity() as target):
                _create(document, target, ids)
            case Step(action=Action.UPDATE, target=Entity() as target, live=Entity() as found):
                _update(document, step, target, found, ids)
            case Step(action=Action.DELETE, live=Entity() as found):
                document.remove(found.native_id)


def _create(document: KongDocument, target: Entity, ids: Ids) -> None:
    """What is there all the same was moved, not deleted; then only what differs is set, if it is still ours."""
    name = target.fields.get("name")
    native = document.id_of(target.kind, name) if target.kind in _NAMED and isinstance(name, str) else ""
    there = document.places.get(target.native_id) or document.places.get(native)
    if there is None:
        _add(document, target, ids)
        return
    parent = _parent(document, target, ids)
    _refuse_moved(document, there, target, parent)
    row = _row(document, target)
    if _URL_PARTS & {f"/{name}" for name in row}:
        expand_url(there.row)
    if "tags" in row:
        row["tags"] = keeping_our_tag(row["tags"], there.row.get("tags"))
    there.row.update(row)
    if parent and parent.kind not in there.parents:
        there.row[parent.kind] = parent.id
        there.parents[parent.kind] = parent.id


def _refuse_moved(document: KongDocument, there: Place, target: Entity, parent: Place | None) -> None:
    theirs = {name: {"id": native} for name, native in there.parents.items()}
    owner = new_owner(target.kind, theirs, {parent.kind: parent.id} if parent else {})
    if owner:
        kind, native = owner
        place = document.places.get(native)
        raise refusal(
            target.kind, target.key, kind and f"{kind} {place.row.get('name') or native if place else native}"
        )


def _add(document: KongDocument, target: Entity, ids: Ids) -> None:
    """A child goes inside its parent's row, where it needs no reference."""
    parent = _parent(document, target, ids)
    holder = parent.row if parent else document.tree
    rows = holder.get(COLLECTIONS[target.kind])
    if not isinstance(rows, list):
        rows = holder[COLLECTIONS[target.kind]] = []
    place = Place(target.kind, _row(document, target), rows, id=target.native_id)
    if parent:
        place.parents[parent.kind] = parent.id
    if derived_id(target.kind, identity(place)) != target.native_id:
        place.row = {"id": target.native_id, **place.row}
    document.add(place)


def _row(document: KongDocument, target: Entity) -> Row:
    row = {name: value for name, value in creation(target).items() if f"/{name}" not in _MOVES}
    for kind in ("consumer", "consumer_group"):
        if kind in row:
            row[kind] = _outsider(document, kind, str(row[kind]))
    return row


def _outsider(document: KongDocument, kind: str, key: str) -> str:
    """By name where there is one, since that is how people write it; else by id."""
    if (kind, key) in document.names:
        return key
    places = (place for place in document.places.values() if place.kind == kind)
    return next((place.id for place in places if place.row.get("custom_id") == key), key)


def _parent(document: KongDocument, target: Entity, ids: Ids) -> Place | None:
    if target.kind == "target":
        return document.places.get(ids.get(("upstream", THIS), ""))
    if target.kind == "plugin" and isinstance(target.fields.get("route"), str):
        return document.places.get(ids.get(("route", str(target.fields["route"])), ""))
    if target.kind in ("route", "plugin"):
        return document.places.get(ids.get(("service", THIS), ""))
    return None


def _update(document: KongDocument, step: Step, target: Entity, found: Entity, ids: Ids) -> None:
    """A member that the record lacks is taken out, which in a file means its default."""
    if _MOVES & step.changed.keys():
        document.remove(found.native_id)
        _add(document, replace(target, native_id=found.native_id), ids)
        return
    row, changes = _place(document, found).row, wanted(step)
    if _URL_PARTS & changes.keys():
        expand_url(row)
    for pointer, value in changes.items():
        kind = pointer[1:]
        if step.kind == "plugin" and kind in ("consumer", "consumer_group") and isinstance(value, str):
            row[kind] = _outsider(document, kind, value)
        else:
            told = keeping_our_tag(value, row.get("tags")) if pointer == "/tags" else value
            gone = told is None and isinstance(at(target.fields, pointer), Absent)
            put(row, pointer, ABSENT if gone else told)


def _place(document: KongDocument, found: Entity) -> Place:
    place = document.places.get(found.native_id)
    if place is None:
        raise GatewayChanged(
            f"The {found.kind} {found.key} is gone since this product was read. Nothing was written.",
            status=412,
            next_step="Compare the product again, then restore what still differs.",
        )
    return place
