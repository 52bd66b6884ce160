"""One wish beside the gateway: what a sync would write. What is not Aforo's is never among it.

Aforo's is what carries its mark, and what an earlier sync is known to have made: some objects cannot bear a mark.
"""

from collections.abc import Iterable, Sequence

from aforo.catalog import ChangeKind, Difference, Status, compare, entity_path, plan_restore
from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.manifest import EntityKind
from aforo.pricing.model import Row, Wish


def plan_row(wish: Wish, live: Product | None, kinds: Sequence[EntityKind]) -> Row | None:
    """A plan's row; None where nothing is to stand and nothing of it does."""
    there = live or Product(wish.wanted.ref, wish.wanted.native_id, wish.wanted.name, wish.wanted.version, ())
    removes = _left_over(wish, there, kinds)
    planned = plan_restore(wish.wanted, there, kinds, remove=frozenset(removes)).steps
    steps = tuple(step for step in planned if not _is_foreign(wish, step))
    if wish.is_gone and not steps:
        return None
    status = _status(wish, live, steps)
    return Row(
        wish,
        status,
        _reason(wish, status, steps),
        live,
        compare(wish.wanted, there, kinds) if live else Difference(),
        steps,
        removes,
        (*wish.left_out, *_left_alone(wish, planned)),
    )


def tag_row(wish: Wish) -> Row:
    """A tag's row, by what the last sync wrote: gateways do not tell a tag apart from the product."""
    if wish.is_gone:
        return Row(wish, Status.STALE, "no longer sold: the tag is taken off")
    if wish.last is None:
        return Row(wish, Status.NEW, "sold: the tag is set")
    return Row(wish, Status.UNCHANGED, "")


def is_done(wish: Wish, after: Product | None, kinds: Sequence[EntityKind]) -> bool:
    """Whether, read back, a sync would have nothing left to do."""
    row = plan_row(wish, after, kinds)
    return row is None or not row.steps


def standing(row: Row, after: Product | None) -> Product | None:
    """What of the read-back is Aforo's, now that the row has been done; None if nothing is."""
    made = {(step.kind, step.key) for step in row.steps if step.action is Action.CREATE}
    mine = tuple(
        one for one in (after.entities if after else ()) if is_ours(row.wish, one) or (one.kind, one.key) in made
    )
    return Product(after.ref, after.native_id, after.name, after.version, mine) if after and mine else None


def is_ours(wish: Wish, entity: Entity) -> bool:
    """Whether it carries Aforo's mark, or stood there after the last sync as what that had made."""
    before = wish.last.entities if wish.last else ()
    return entity.owned or any((one.kind, one.native_id) == (entity.kind, entity.native_id) for one in before)


def _left_over(wish: Wish, live: Product, kinds: Sequence[EntityKind]) -> tuple[str, ...]:
    ours = {entity_path(one) for one in live.entities if is_ours(wish, one)}
    extra = [one.path for one in compare(wish.wanted, live, kinds).changes if one.kind is ChangeKind.FOREIGN]
    return tuple(path for path in extra if path in ours)


def _is_foreign(wish: Wish, step: Step) -> bool:
    return step.live is not None and not is_ours(wish, step.live)


def _left_alone(wish: Wish, steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        if _is_foreign(wish, step):
            yield f"{step.kind} {step.key}: it does not carry Aforo's mark, so it is left alone"


def _status(wish: Wish, live: Product | None, steps: Sequence[Step]) -> Status:
    if wish.is_gone:
        return Status.STALE
    if not steps:
        return Status.UNCHANGED
    known = any(is_ours(wish, one) for one in live.entities) if live else False
    return Status.CHANGED if known else Status.NEW


def _reason(wish: Wish, status: Status, steps: Sequence[Step]) -> str:
    if status is Status.STALE:
        return "made for a plan that is gone, or sells nothing here any more"
    if status is Status.UNCHANGED and not wish.wanted.entities:
        return "the gateway has nothing to hold of it"
    if status is Status.CHANGED and all(step.action is Action.DELETE for step in steps):
        return "more stands at the gateway than the plan wants"
    return "plan and gateway differ" if status is Status.CHANGED else ""
