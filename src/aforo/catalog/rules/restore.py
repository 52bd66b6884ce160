"""Plan the writes that bring a gateway back to the record: only what differs, and only what is ours."""

from collections.abc import Iterator, Sequence

from aforo.catalog.model import Change, ChangeKind, RestorePlan, Skipped
from aforo.catalog.rules.diff import compare, entity_path, pair_entities
from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.manifest import EntityKind
from aforo.kit.jsontree import ABSENT, Absent, Json, at


def plan_restore(
    recorded: Product,
    live: Product | None,
    kinds: Sequence[EntityKind],
    *,
    ignored: frozenset[str] = frozenset(),
    remove: frozenset[str] = frozenset(),
) -> RestorePlan:
    """Creations and updates in the order of the kinds, then removals in the reverse order.

    `remove` holds the paths of children added by others that the operator ticked; all others are left alone.
    """
    there = live or Product(recorded.ref, recorded.native_id, recorded.name, recorded.version, ())
    difference = compare(recorded, there, kinds, ignored)
    writes: list[Step] = []
    removals: list[Step] = []
    unrestorable: list[Skipped] = []
    for ours, theirs in pair_entities(recorded, there, kinds):
        changes = [change for change in difference.changes if _is_about(change, ours or theirs)]
        if ours:
            writes += _writes(ours, theirs, changes)
            unrestorable += _unrestorable(ours, theirs, changes)
        elif theirs and entity_path(theirs) in remove:
            removals.append(Step(Action.DELETE, theirs.kind, theirs.key, None, theirs))
    left_alone = tuple(
        change for change in difference.changes if change.kind is ChangeKind.FOREIGN and change.path not in remove
    )
    return RestorePlan((*writes, *reversed(removals)), tuple(unrestorable), left_alone)


def _is_about(change: Change, entity: Entity | None) -> bool:
    return entity is not None and (change.entity_kind, change.entity_key) == (entity.kind, entity.key)


def _writes(ours: Entity, theirs: Entity | None, changes: Sequence[Change]) -> Iterator[Step]:
    if theirs is None:
        if changes:  # none when the operator ignores this child
            yield Step(Action.CREATE, ours.kind, ours.key, ours, None)
        return
    changed: dict[str, Json | Absent] = {
        change.pointer: at(ours.fields, change.pointer) for change in changes if change.kind is ChangeKind.FIELD
    }
    if changed:
        yield Step(Action.UPDATE, ours.kind, ours.key, ours, theirs, changed)


def _unrestorable(ours: Entity, theirs: Entity | None, changes: Sequence[Change]) -> Iterator[Skipped]:
    """A re-created entity lacks what the vendor never told us."""
    if theirs is None and changes:
        for pointer in sorted(ours.masked):
            if at(ours.fields, pointer) is not ABSENT:
                yield Skipped(entity_path(ours) + pointer, "the gateway masks this value: set it by hand")
