"""Restore plans: only what differs, only what is ours, in an order that works."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aforo.catalog.rules.diff import compare, entity_path
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.kit.jsontree import Json, JsonObject, put
from tests.catalog.strategies import KINDS, products


def _applied(live: Product, steps: tuple[Step, ...]) -> Product:
    """What a gateway that does exactly what it is told would hold afterwards."""
    entities = {(entity.kind, entity.key): entity for entity in live.entities}
    for step in steps:
        key = (step.kind, step.key)
        if step.action is Action.DELETE:
            del entities[key]
        elif step.action is Action.CREATE:
            assert step.target is not None
            entities[key] = step.target
        else:
            assert step.live is not None
            assert step.target is not None
            changed: dict[str, Json] = dict(step.live.fields)
            for pointer, value in step.changed.items():
                put(changed, pointer, value)
            kept = _without_emptied(changed, step.target.fields)
            entities[step.live.kind, step.live.key] = replace(step.live, fields=kept)
    return replace(live, entities=tuple(entities.values()))


def _without_emptied(fields: JsonObject, wanted: JsonObject) -> dict[str, Json]:
    """An object that lost its last member goes with it, unless the record has it."""
    kept: dict[str, Json] = {}
    for name, value in fields.items():
        there = wanted.get(name)
        if isinstance(value, dict):
            inner = _without_emptied(value, there if isinstance(there, dict) else {})
            if inner or isinstance(there, dict):
                kept[name] = inner
        else:
            kept[name] = value
    return kept


@given(products(), products())
def test_after_a_restore_nothing_of_ours_differs(recorded: Product, live: Product) -> None:
    plan = plan_restore(recorded, live, KINDS)
    left = compare(recorded, _applied(live, plan.steps), KINDS).changes
    assert [change for change in left if change not in plan.left_alone] == []


@given(products())
def test_a_product_that_is_gone_is_created_whole_in_the_order_of_kinds(recorded: Product) -> None:
    steps = plan_restore(recorded, None, KINDS).steps
    assert {step.action for step in steps} == {Action.CREATE}
    order = [kind.name for kind in KINDS]
    positions = [order.index(step.kind) for step in steps]
    assert positions == sorted(positions)
    assert len(steps) == len(recorded.entities)


@given(products(), products(), st.data())
def test_only_ticked_strangers_are_removed(recorded: Product, live: Product, data: st.DataObject) -> None:
    strangers = tuple(replace(e, key=f"x-{e.key}", native_id=f"x-{e.native_id}") for e in live.entities)
    beside = replace(live, entities=(*recorded.entities, *strangers))
    ticked = data.draw(st.sets(st.sampled_from([entity_path(entity) for entity in strangers])))
    steps = plan_restore(recorded, beside, KINDS, remove=frozenset(ticked)).steps
    assert {step.action for step in steps} <= {Action.DELETE}
    assert {entity_path(step.live) for step in steps if step.live} == ticked


def test_a_restore_sends_only_what_differs() -> None:
    recorded = Product("p", "p", "p", None, (Entity("service", "s", "1", {"a": 1, "b": {"c": 2, "d": 3}}),))
    live = Product("p", "p", "p", None, (Entity("service", "s", "1", {"a": 1, "b": {"c": 9, "d": 3, "e": 4}}),))
    (step,) = plan_restore(recorded, live, KINDS).steps
    assert set(step.changed) == {"/b/c", "/b/e"}


def test_what_the_operator_ignores_is_not_written() -> None:
    recorded = Product("p", "p", "p", None, (Entity("service", "s", "1", {"a": 1, "b": 2}),))
    live = Product("p", "p", "p", None, (Entity("service", "s", "1", {"a": 5, "b": 6}),))
    (step,) = plan_restore(recorded, live, KINDS, ignored=frozenset({"/service/s/a"})).steps
    assert set(step.changed) == {"/b"}


def test_a_masked_value_of_a_lost_child_is_named_as_not_restorable() -> None:
    lost = Entity("plugin", "jwt", "1", {"secret": "***"}, masked=frozenset({"/secret"}))
    plan = plan_restore(Product("p", "p", "p", None, (lost,)), Product("p", "p", "p", None, ()), KINDS)
    assert [skipped.path for skipped in plan.unrestorable] == ["/plugin/jwt/secret"]
