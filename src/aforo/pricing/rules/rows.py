"""One wish beside the gateway: what a sync would write. What does not carry Aforo's mark is never among it."""

from collections.abc import Iterable, Sequence

from aforo.catalog import ChangeKind, Difference, Status, compare, entity_path, plan_restore
from aforo.gateway_sdk.contract import Action, Product, Step
from aforo.gateway_sdk.manifest import EntityKind
from aforo.pricing.model import Row, Wish


def plan_row(wish: Wish, live: Product | None, kinds: Sequence[EntityKind]) -> Row | None:
    """A plan's row; None where nothing is to stand and nothing of it does."""
    there = live or Product(wish.wanted.ref, wish.wanted.native_id, wish.wanted.name, wish.wanted.version, ())
    removes = _left_over(wish.wanted, there, kinds)
    planned = plan_restore(wish.wanted, there, kinds, remove=frozenset(removes)).steps
    steps = tuple(step for step in planned if not _is_foreign(step))
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
        (*wish.left_out, *_left_alone(planned)),
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


def owned(product: Product | None) -> Product | None:
    """What of it carries Aforo's mark; None if nothing does."""
    mine = tuple(one for one in product.entities if one.owned) if product else ()
    if product is None or not mine:
        return None
    return Product(product.ref, product.native_id, product.name, product.version, mine)


def _left_over(wanted: Product, live: Product, kinds: Sequence[EntityKind]) -> tuple[str, ...]:
    ours = {entity_path(one) for one in live.entities if one.owned}
    extra = [one.path for one in compare(wanted, live, kinds).changes if one.kind is ChangeKind.FOREIGN]
    return tuple(path for path in extra if path in ours)


def _is_foreign(step: Step) -> bool:
    return step.live is not None and not step.live.owned


def _left_alone(steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        if _is_foreign(step):
            yield f"{step.kind} {step.key}: it does not carry Aforo's mark, so it is left alone"


def _status(wish: Wish, live: Product | None, steps: Sequence[Step]) -> Status:
    if wish.is_gone:
        return Status.STALE
    if not steps:
        return Status.UNCHANGED
    return Status.NEW if owned(live) is None else Status.CHANGED


def _reason(wish: Wish, status: Status, steps: Sequence[Step]) -> str:
    if status is Status.STALE:
        return "made for a plan that is gone, or sells nothing here any more"
    if status is Status.UNCHANGED and not wish.wanted.entities:
        return "the gateway has nothing to hold of it"
    if status is Status.CHANGED and all(step.action is Action.DELETE for step in steps):
        return "more stands at the gateway than the plan wants"
    return "plan and gateway differ" if status is Status.CHANGED else ""
