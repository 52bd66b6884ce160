"""Compare one recorded product with its live twin, field by field.

Three things are no difference: a value that the gateway filled in by itself and the record never had, a field that a
newer gateway version no longer has and that stood at its default, and whatever the vendor masks.
"""

from collections.abc import Iterator, Mapping, Sequence

from aforo.catalog.model import Change, ChangeKind, Difference, Skipped
from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.manifest import EntityKind
from aforo.kit.jsontree import ABSENT, Absent, Json, at, escape, same

Pair = tuple[Entity | None, Entity | None]
Twins = Mapping[tuple[str, str], str]
"""The live key of each recorded entity that has a live twin."""
_Found = tuple[tuple[str, ...], Json | Absent, Json | Absent]


def compare(
    recorded: Product,
    live: Product,
    kinds: Sequence[EntityKind],
    ignored: frozenset[str] = frozenset(),
) -> Difference:
    """Every difference once, ordered by kind as in the manifest, then key, then path."""
    changes: list[Change] = []
    skipped: list[Skipped] = []
    foreign_counts = {kind.name: kind.foreign_is_drift for kind in kinds}
    pairs = pair_entities(recorded, live, kinds)
    twins = {(ours.kind, ours.key): theirs.key for ours, theirs in pairs if ours and theirs}
    for before, after in pairs:
        if before and after:
            found = list(_compare_fields(before, after, twins))
            changes += sorted((one for one in found if isinstance(one, Change)), key=_pointer)
            skipped += [one for one in found if isinstance(one, Skipped)]
        elif before:
            changes.append(_child(ChangeKind.MISSING, before, counts=True))
        elif after:
            changes.append(_child(ChangeKind.FOREIGN, after, counts=foreign_counts.get(after.kind, False)))
    kept = tuple(change for change in changes if not _is_ignored(change.path, ignored))
    dropped = tuple(Skipped(change.path, "ignored by you") for change in changes if _is_ignored(change.path, ignored))
    return Difference(kept, (*skipped, *dropped))


def pair_entities(recorded: Product, live: Product, kinds: Sequence[EntityKind]) -> list[Pair]:
    """Match by native id, then by natural key, within each kind; what is left over stands alone."""
    pairs: list[Pair] = []
    for kind in _kind_names(recorded, live, kinds):
        ours = [entity for entity in recorded.entities if entity.kind == kind]
        theirs = [entity for entity in live.entities if entity.kind == kind]
        pairs += _pair(ours, theirs)
    return pairs


def _pair(ours: list[Entity], theirs: list[Entity]) -> list[Pair]:
    by_id = {entity.native_id: entity for entity in theirs}
    matched = {entity.key: by_id[entity.native_id] for entity in ours if entity.native_id in by_id}
    taken = {id(entity) for entity in matched.values()}
    by_key = {entity.key: entity for entity in theirs if id(entity) not in taken}
    for entity in ours:
        if entity.key not in matched and entity.key in by_key:
            matched[entity.key] = by_key.pop(entity.key)
    taken = {id(entity) for entity in matched.values()}
    pairs: list[Pair] = [(entity, matched.get(entity.key)) for entity in sorted(ours, key=_key)]
    pairs += [(None, entity) for entity in sorted(theirs, key=_key) if id(entity) not in taken]
    return pairs


def _pointer(change: Change) -> str:
    return change.pointer


def _key(entity: Entity) -> str:
    return entity.key


def _kind_names(recorded: Product, live: Product, kinds: Sequence[EntityKind]) -> list[str]:
    known = [kind.name for kind in kinds]
    present = {entity.kind for entity in (*recorded.entities, *live.entities)}
    return [*known, *sorted(present - set(known))]


def _compare_fields(before: Entity, after: Entity, twins: Twins) -> Iterator[Change | Skipped]:
    for names, old, new in _differing(before.fields, after.fields, ()):
        pointer = "".join(f"/{escape(name)}" for name in names)
        path = entity_path(before) + pointer
        if pointer in before.masked or pointer in after.masked:
            yield Skipped(path, "masked by the gateway")
        elif _is_servers_doing(before, after, pointer, old, new):
            yield Skipped(path, "server default")
        elif not _is_same_sibling(before, pointer, old, new, twins):
            secret = pointer in before.secrets or pointer in after.secrets
            yield Change(ChangeKind.FIELD, before.kind, before.key, pointer, path, old, new, secret=secret)


def _differing(before: Json | Absent, after: Json | Absent, names: tuple[str, ...]) -> Iterator[_Found]:
    """Places at which two trees differ, each once: objects are walked, all else is compared whole."""
    if before is after:
        return
    ours, theirs = _as_object(before, after), _as_object(after, before)
    if ours is not None and theirs is not None and (ours or theirs):
        for name in ours if ours.keys() == theirs.keys() else {**ours, **theirs}:
            yield from _differing(ours.get(name, ABSENT), theirs.get(name, ABSENT), (*names, name))
    elif not (_is_nothing(before) and _is_nothing(after)) and not same(before, after):
        yield names, before, after


def _as_object(value: Json | Absent, other: Json | Absent) -> dict[str, Json] | None:
    """The value as an object to walk; nothing is one without members where the other side is an object."""
    if isinstance(value, dict):
        return value
    return {} if isinstance(other, dict) and _is_nothing(value) else None


def _is_nothing(value: Json | Absent) -> bool:
    """Null and absent are the same nothing; an empty object is something."""
    return value is None or value is ABSENT


def _is_servers_doing(before: Entity, after: Entity, pointer: str, old: Json | Absent, new: Json | Absent) -> bool:
    """A default that the record could not know yet, or one that the gateway no longer knows."""
    if _is_nothing(old) and isinstance(at(before.defaults, pointer), Absent):
        return not isinstance(new, Absent) and same(new, at(after.defaults, pointer))
    if _is_nothing(new) and isinstance(at(after.defaults, pointer), Absent):
        return not isinstance(old, Absent) and same(old, at(before.defaults, pointer))
    return False


def _is_same_sibling(before: Entity, pointer: str, old: Json | Absent, new: Json | Absent, twins: Twins) -> bool:
    """Whether both sides name the same sibling, which was renamed."""
    kind = before.references.get(pointer)
    return kind is not None and isinstance(old, str) and twins.get((kind, old)) == new


def _child(kind: ChangeKind, entity: Entity, *, counts: bool) -> Change:
    wished = entity.wished()
    before, after = (wished, ABSENT) if kind is ChangeKind.MISSING else (ABSENT, wished)
    return Change(kind, entity.kind, entity.key, "", entity_path(entity), before, after, counts=counts)


def entity_path(entity: Entity) -> str:
    """`/kind/key`, escaped as parts of a JSON pointer."""
    return f"/{escape(entity.kind)}/{escape(entity.key)}"


def _is_ignored(path: str, ignored: frozenset[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in ignored)
