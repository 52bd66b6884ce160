"""Two answers that mean the same are the same, two that differ in one field differ in one, and every rule is needed."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Entity
from aforo.gateways.kong.mapping import RULES, Canon, Row, Rule, Schema, entity_schema, plugin_schema
from aforo.kit.jsontree import Json, leaves, same
from tests.gateways.kong.kong_parts import (
    COLLECTIONS,
    answered,
    canon,
    members,
    new_id,
    plugin_names,
    records,
    schemas,
    told,
    values,
)

KINDS = ("service", "route", "upstream", "target")
Names = Mapping[str, str]


def _entity(kind: str, row: Row, rules: tuple[Rule, ...] = RULES, names: Names | None = None) -> Entity:
    return Canon(schemas(), rules).entity(kind, "x", row, names or {})


def _differences(before: Entity, after: Entity) -> list[str]:
    """Pointers at which two wishes differ."""
    ours, theirs = dict(leaves(before.wished())), dict(leaves(after.wished()))
    pointers = sorted({*ours, *theirs} - {""})
    return [one for one in pointers if one not in ours or one not in theirs or not same(ours[one], theirs[one])]


def _shuffled(value: Any, sets: tuple[tuple[str, ...], ...], dice: random.Random, path: tuple[str, ...] = ()) -> Any:
    """The same answer with members and sets in another order."""
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: _shuffled(value[name], sets, dice, (*path, name)) for name in names}
    if isinstance(value, list) and path in sets:
        return dice.sample(value, len(value))
    return value


def _plugin_row(name: str, config: Row) -> Row:
    answer = answered({"config": config}, told(f"plugins-{name}"))
    return {"id": new_id(), "name": name, "enabled": True, "created_at": 1, **answer}


def _without_empty(value: Any) -> Any:
    """An empty record in place of a default one is refused by Kong where a member of it is required."""
    if isinstance(value, dict):
        return {name: _without_empty(member) for name, member in value.items() if member != {}}
    return value


def _config_schema(name: str) -> Row:
    found: Row = dict(members(told(f"plugins-{name}")))["config"]
    return found


@given(data=st.data(), dice=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_an_entity_created_again_elsewhere_in_another_order_is_the_same(
    data: st.DataObject, dice: random.Random
) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    schema = told(f"entities-{COLLECTIONS[kind]}")
    row = answered(data.draw(records(schema)), schema)
    again = {**_shuffled(row, schemas()[kind].sets, dice), "id": new_id(), "created_at": 7, "updated_at": 8}
    first, second = _entity(kind, {**row, "id": new_id()}), _entity(kind, again)
    assert first.wished() == second.wished()
    assert first.fields == second.fields


@given(data=st.data(), dice=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_any_plugin_created_again_is_the_same_and_wishes_only_what_was_sent(
    data: st.DataObject, dice: random.Random
) -> None:
    name = data.draw(st.sampled_from(plugin_names()))
    whole = [one for one, field in members(_config_schema(name)) if field["type"] == "record" and "default" in field]
    config = _without_empty(data.draw(records(_config_schema(name), without=whole)))  # two defaults, one for each depth
    row = _plugin_row(name, config)
    first = _entity("plugin", row)
    again = {**_shuffled(row, schemas()[f"plugin:{name}"].sets, dice), "id": new_id(), "created_at": 9}
    assert first.wished() == _entity("plugin", again).wished()
    asked = _entity("plugin", {"name": name, "enabled": True, "config": config or None})
    assert _differences(first, asked) == []


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_each_change_of_one_field_changes_exactly_one_leaf(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    schema = told(f"entities-{COLLECTIONS[kind]}")
    row = answered(data.draw(records(schema)), schema)
    simple = [
        (name, field)
        for name, field in members(schema)
        if field["type"] in ("string", "integer", "boolean", "set", "array")
        and not field.get("auto")
        and field.get("elements", {}).get("type") != "record"
    ]
    name, field = data.draw(st.sampled_from(simple))
    new = data.draw(st.one_of(st.none(), values(field, name)))
    before, after = _entity(kind, row), _entity(kind, {**row, name: new})
    expected = [] if _means_the_same(row[name], new, field) else [f"/{name}"]
    assert _differences(before, after) == expected


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_each_change_of_one_plugin_setting_changes_exactly_one_leaf(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(plugin_names()))
    schema = _config_schema(name)
    row = _plugin_row(name, data.draw(records(schema)))
    simple = [
        (one, field) for one, field in members(schema) if field["type"] in ("string", "integer", "number", "boolean")
    ]
    if not simple:
        return
    member, field = data.draw(st.sampled_from(simple))
    new = data.draw(st.one_of(st.none(), values(field, member)))
    after = _entity("plugin", {**row, "config": {**row["config"], member: new}})
    expected = [] if _means_the_same(row["config"][member], new, field) else [f"/config/{member}"]
    assert _differences(_entity("plugin", row), after) == expected


def _means_the_same(old: Json, new: Json, field: Row) -> bool:
    if field["type"] == "set" and isinstance(old, list) and isinstance(new, list):
        return sorted(map(str, old)) == sorted(map(str, new))
    return same(old, new)


def test_a_null_that_overrules_a_default_is_a_wish() -> None:
    row = answered({"name": "orders", "host": "h"}, told("entities-services"))
    assert _differences(_entity("service", row), _entity("service", {**row, "retries": None})) == ["/retries"]


# One example for each rule: it holds with all rules, and fails as soon as this one is taken away.


def _volatile(rules: tuple[Rule, ...]) -> bool:
    row = answered({"name": "orders", "host": "h"}, told("entities-services"))
    again = {**row, "id": new_id(), "updated_at": 99}
    return _entity("service", {**row, "id": new_id()}, rules).wished() == _entity("service", again, rules).wished()


def _empty_table(rules: tuple[Rule, ...]) -> bool:
    row = answered({"paths": ["/x"], "methods": []}, told("entities-routes"))
    old_form = {**row, "methods": {}}
    return _entity("route", row, rules).fields == _entity("route", old_form, rules).fields


def _twin(rules: tuple[Rule, ...]) -> bool:
    before = _plugin_row("rate-limiting", {"minute": 5, "redis": {"host": "a"}})
    after = _plugin_row("rate-limiting", {"minute": 5, "redis": {"host": "b"}})
    return _differences(_entity("plugin", before, rules), _entity("plugin", after, rules)) == ["/config/redis/host"]


def _reference(rules: tuple[Rule, ...]) -> bool:
    first, second = new_id(), new_id()
    row = _plugin_row("rate-limiting", {"minute": 5})
    before = _entity("plugin", {**row, "route": {"id": first}}, rules, {first: "orders-r"})
    after = _entity("plugin", {**row, "route": {"id": second}}, rules, {second: "orders-r"})
    return before.wished() == after.wished() and before.references == {"/route": "route"}


_LISTED: Row = {
    "fields": [
        {
            "config": {
                "type": "record",
                "required": True,
                "fields": [
                    {
                        "metrics": {
                            "type": "array",
                            "elements": {
                                "type": "record",
                                "fields": [{"name": {"type": "string"}}, {"rate": {"type": "number", "default": 1}}],
                            },
                        }
                    }
                ],
            }
        }
    ]
}


def _element(rules: tuple[Rule, ...], filled: Row) -> bool:
    """What a gateway fills in inside a list is no wish, so a file that does not say it says the same."""
    learnt: dict[str, Schema] = {"plugin:listed": plugin_schema(_LISTED, entity_schema(told("entities-plugins")))}
    sent = {"name": "listed", "config": {"metrics": [{"name": "a"}]}}
    answer = {"name": "listed", "config": {"metrics": [{"name": "a", **filled}]}}
    subject = Canon(learnt, rules)
    return subject.entity("plugin", "x", sent, {}).wished() == subject.entity("plugin", "x", answer, {}).wished()


def _set_order(rules: tuple[Rule, ...]) -> bool:
    row = answered({"paths": ["/x"], "methods": ["GET", "POST"]}, told("entities-routes"))
    other = {**row, "methods": ["POST", "GET"]}
    return _entity("route", row, rules).wished() == _entity("route", other, rules).wished()


def _default(rules: tuple[Rule, ...]) -> bool:
    """A newer version fills in one more member; nobody has asked for it."""
    older = {"name": "orders", "host": "h"}
    newer = answered(older, told("entities-services"))
    return _entity("service", older, rules).wished() == _entity("service", newer, rules).wished()


def _secret(rules: tuple[Rule, ...]) -> bool:
    row = _plugin_row("rate-limiting", {"minute": 5, "redis": {"password": "hunter2"}})
    return "/config/redis/password" in _entity("plugin", row, rules).secrets


def _masked(rules: tuple[Rule, ...]) -> bool:
    shown = _plugin_row("rate-limiting", {"minute": 5, "redis": {"password": "***"}})
    hidden = _plugin_row("rate-limiting", {"minute": 5})
    return _entity("plugin", shown, rules).wished() == _entity("plugin", hidden, rules).wished()


def _own_tag(rules: tuple[Rule, ...]) -> bool:
    bare = answered({"name": "orders", "host": "h"}, told("entities-services"))
    only, beside = {**bare, "tags": ["aforo-monetized"]}, {**bare, "tags": ["v1", "aforo-monetized"]}
    return (
        _entity("service", only, rules).wished() == _entity("service", bare, rules).wished()
        and _entity("service", beside, rules).wished() == _entity("service", {**bare, "tags": ["v1"]}, rules).wished()
    )


_EXAMPLES: dict[str, Callable[[tuple[Rule, ...]], bool]] = {
    "ids and times are volatile": _volatile,
    "our own tag is no configuration": _own_tag,
    "an empty table has its declared type": _empty_table,
    "a deprecated twin says nothing new": _twin,
    "a reference is a key": _reference,
    "a default inside a list is not said": lambda rules: _element(rules, {"rate": 1}),
    "a null is nothing": lambda rules: _element(rules, {"unknown": None}),
    "a set has no order": _set_order,
    "defaults come from the gateway": _default,
    "secrets are pointed out": _secret,
    "masked values are pointed out": _masked,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_needed(rule: Rule) -> None:
    holds = _EXAMPLES[rule.name]
    assert holds(RULES)
    assert not holds(tuple(one for one in RULES if one is not rule))


def test_every_rule_has_its_example_and_no_example_is_left_over() -> None:
    assert set(_EXAMPLES) == {rule.name for rule in RULES}


def test_canonical_form_leaves_the_answer_as_it_was() -> None:
    row = _plugin_row("rate-limiting", {"minute": 5})
    before = repr(row)
    canon().entity("plugin", "x", row, {})
    assert repr(row) == before
