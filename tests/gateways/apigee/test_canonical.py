"""Two answers that mean the same are the same, two that differ in one field differ in one, and every rule is needed."""

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Product
from aforo.gateways.apigee.mapping import GROUPS, RULES, Rule, product
from aforo.kit.jsontree import digest
from tests.gateways.apigee.apigee_parts import PLANS, PRODUCTS, Row, paths

TIMES = {"createdAt": "1790000000000", "lastModifiedAt": "1790000000001"}
FULL: Row = {
    "name": "orders",
    "displayName": "Orders",
    "quota": "100",
    "scopes": ["write", "read"],
    "attributes": [{"name": "team", "value": "shop"}, {"name": "client-secret", "value": "s3"}],
    "operationGroup": {
        "operationConfigs": [
            {
                "apiSource": "orders-v1",
                "operations": [{"resource": "/orders", "methods": ["POST", "GET"]}],
                "quota": {"limit": "10", "interval": "1", "timeUnit": "hour"},
            }
        ],
        "operationConfigType": "proxy",
    },
    **TIMES,
}
PLAN: Row = {
    "name": "id-1",
    "apiproduct": "orders",
    "displayName": "Gold",
    "state": "DRAFT",
    "setupFee": {"units": "5"},
}


def _changed(tree: Row, *way: str | int, to: Any) -> Row:
    """A copy with one member set, or taken out with None."""
    found: Any = copy.deepcopy(tree)
    here = found
    for part in way[:-1]:
        here = here[part]
    if to is None:
        del here[way[-1]]
    else:
        here[way[-1]] = to
    return dict(found)


_CONFIG = ("operationGroup", "operationConfigs", 0)
# What each rule is for: two ways to say one thing, which without it would read as a difference.
ALIKE: dict[str, tuple[Row, Row, Row, Row]] = {
    "times are volatile": (FULL, _changed(FULL, "lastModifiedAt", to="5"), PLAN, PLAN),
    "names and parents are implied": (FULL, FULL, PLAN, _changed(PLAN, "name", to="id-2")),
    "attributes are an object": (
        FULL,
        _changed(FULL, "attributes", to=FULL["attributes"][::-1]),
        PLAN,
        PLAN,
    ),
    "our own marks are nobody's wish": (
        FULL,
        _changed(FULL, "attributes", to=[*FULL["attributes"], {"name": "aforo.plan.quota", "value": "1"}]),
        PLAN,
        PLAN,
    ),
    "strings of digits are numbers": (FULL, _changed(FULL, "quota", to=100), PLAN, PLAN),
    "a zero in a rate plan is nothing": (FULL, FULL, PLAN, {**PLAN, "endTime": "0"}),
    "an unspecified choice is nothing": (
        FULL,
        {**FULL, "quotaCounterScope": "QUOTA_COUNTER_SCOPE_UNSPECIFIED"},
        PLAN,
        PLAN,
    ),
    "what is empty is missing": (FULL, {**FULL, "proxies": [], "description": "", "apiResources": [""]}, PLAN, PLAN),
    "a set has no order": (FULL, _changed(FULL, "scopes", to=["read", "write"]), PLAN, PLAN),
}


def _read(row: Row, plan: Row, rules: tuple[Rule, ...] = RULES) -> Product:
    return product(row, [plan], rules)


def _without(name: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.name != name)


@pytest.mark.parametrize("name", sorted(ALIKE))
def test_two_ways_to_say_one_thing_are_one_and_only_by_this_rule(name: str) -> None:
    one, other, plan, other_plan = ALIKE[name]
    assert paths(_read(one, plan), _read(other, other_plan)) == []
    assert paths(_read(one, plan, _without(name)), _read(other, other_plan, _without(name))) != []


def test_operations_are_told_once_and_only_by_their_rule() -> None:
    def whole(rules: tuple[Rule, ...]) -> Any:
        entity = _read(FULL, PLAN, rules).entity("product", "orders")
        assert entity
        return entity.fields["operationGroup"]

    assert whole(RULES) == {"operationConfigType": "proxy"}
    assert "operationConfigs" in whole(_without("operations are children"))


def test_a_change_of_methods_is_told_at_the_operation_and_only_by_its_name() -> None:
    other = _changed(FULL, *_CONFIG, "operations", 0, "methods", to=["GET"])
    assert paths(_read(FULL, PLAN), _read(other, PLAN)) == ["/operation/orders-v1 ~1orders/operations/~1orders/methods"]
    nameless = _without("operations have names")
    assert paths(_read(FULL, PLAN, nameless), _read(other, PLAN, nameless)) == [
        "/operation/orders-v1 ~1orders/operations"
    ]


def test_a_default_that_the_server_fills_in_is_no_wish_and_only_by_its_rule() -> None:
    bare = _changed(FULL, *_CONFIG, "quota", "timeUnit", to=None)
    assert paths(_read(bare, PLAN), _read(FULL, PLAN)) != []  # both know the default, so its absence says something
    wishes = [digest(entity.wished()) for entity in _read(FULL, PLAN).entities if entity.kind == "operation"]
    assert wishes == [digest(entity.wished()) for entity in _read(bare, PLAN).entities if entity.kind == "operation"]
    lost = _without("defaults are known")
    assert _read(FULL, PLAN, lost).config_digest != _read(FULL, PLAN).config_digest


def test_an_attribute_that_is_named_like_a_secret_is_sealed_and_only_by_its_rule() -> None:
    def secrets(rules: tuple[Rule, ...]) -> frozenset[str]:
        return frozenset().union(*(entity.secrets for entity in _read(FULL, PLAN, rules).entities))

    assert secrets(RULES) == {"/attributes/client-secret"}
    assert secrets(_without("secrets are pointed out")) == frozenset()


def test_every_rule_has_a_case_of_its_own() -> None:
    told_apart = {
        "operations are children",
        "operations have names",
        "defaults are known",
        "secrets are pointed out",
    }
    assert {rule.name for rule in RULES} == {*ALIKE, *told_apart}


def _shuffled(value: Any, dice: random.Random) -> Any:
    """The same answer with members and sets in another order; lists of configurations as well."""
    if isinstance(value, dict):
        names = dice.sample(sorted(value), len(value))
        return {name: _shuffled(value[name], dice) for name in names}
    if isinstance(value, list):
        ranges = any(isinstance(one, dict) and "fee" in one for one in value)
        return [_shuffled(one, dice) for one in (value if ranges else dice.sample(value, len(value)))]
    return value


@settings(max_examples=30, deadline=None)
@given(PRODUCTS, PLANS, st.randoms(use_true_random=False))
def test_order_times_and_ids_are_never_a_difference(row: Row, plan: Row, dice: random.Random) -> None:
    one = product({**row, **TIMES}, [{**plan, "name": "a", "apiproduct": "tried"}])
    other = product({**_shuffled(row, dice), "createdAt": "7"}, [{**_shuffled(plan, dice), "name": "b"}])
    assert paths(one, other) == []


_Place = tuple[str | int, ...]
_NAMING = ("apiSource", "resource", "operation", "service", "model")


def _leaves(tree: Any, way: _Place = ()) -> list[_Place]:
    """Members with values of their own; a set is one, and the lists around an operation are not."""
    if isinstance(tree, dict):
        return [leaf for name, value in tree.items() for leaf in _leaves(value, (*way, name))]
    if isinstance(tree, list) and tree and isinstance(tree[0], dict):
        return [leaf for index, value in enumerate(tree) for leaf in _leaves(value, (*way, index))]
    return [way]


def _mutated(value: Any) -> Any:
    if isinstance(value, list):
        return [*value, "another"]
    if isinstance(value, int):
        return value + 1
    return str(int(value) + 1) if value.isdigit() else f"{value}x"


def _is_field(way: _Place) -> bool:
    is_attributes_name = "attributes" in way and way[-1] == "name"
    return way[-1] not in ("name", "attributes", *_NAMING) and not is_attributes_name


@settings(max_examples=30, deadline=None)
@given(PRODUCTS, st.data())
def test_a_change_of_one_field_is_exactly_one_difference(row: Row, data: st.DataObject) -> None:
    way = data.draw(st.sampled_from([way for way in _leaves(row) if _is_field(way)]))
    assert len(paths(product(row), product(_edited(row, way)))) == 1


@settings(max_examples=30, deadline=None)
@given(PLANS, st.data())
def test_a_change_of_one_field_of_a_rate_plan_is_exactly_one_difference(plan: Row, data: st.DataObject) -> None:
    way = data.draw(st.sampled_from(_leaves(plan)))
    id_ = {"name": "id-1", "apiproduct": "tried"}
    bare = {"name": "tried", "displayName": "Tried"}
    before, after = product(bare, [{**plan, **id_}]), product(bare, [{**_edited(plan, way), **id_}])
    assert len(paths(before, after)) == 1


def _edited(row: Row, way: _Place) -> Row:
    here: Any = row
    for part in way:
        here = here[part]
    return _changed(row, *way, to=_mutated(here))


@settings(max_examples=25, deadline=None)
@given(PRODUCTS, st.data())
def test_an_operation_that_others_add_is_one_foreign_child_wherever_it_stands(row: Row, data: st.DataObject) -> None:
    group = data.draw(st.sampled_from([name for name in GROUPS if name in row] or [""]))
    if not group:
        return
    configs = row[group]["operationConfigs"]
    new = {**data.draw(st.sampled_from(configs)), "apiSource": "stranger"}
    place = data.draw(st.integers(0, len(configs)))
    after = {**row, group: {**row[group], "operationConfigs": [*configs[:place], new, *configs[place:]]}}
    found = paths(product(row), product(after))
    assert len(found) == 1
    assert found[0].startswith("/operation/")
    assert "stranger" in found[0]


def test_of_two_operations_on_one_resource_each_keeps_its_twin_whatever_is_put_before_them() -> None:
    def config(method: str, limit: str) -> Row:
        about = {"operations": [{"resource": "/orders", "methods": [method]}]}
        return {"apiSource": "orders-v1", **about, "quota": {"limit": limit, "interval": "1"}}

    def read(*configs: Row) -> Product:
        return product({"name": "orders", "displayName": "Orders", "operationGroup": {"operationConfigs": [*configs]}})

    recorded = read(config("GET", "10"), config("POST", "5"))
    assert paths(recorded, read(config("POST", "5"), config("GET", "10"))) == []
    assert len(paths(recorded, read(config("DELETE", "1"), config("GET", "10"), config("POST", "5")))) == 1
    assert len(paths(recorded, read(config("GET", "10"), config("PUT", "5")))) == 1
    assert paths(recorded, read(config("GET", "11"), config("POST", "5"))) == [
        "/operation/orders-v1 ~1orders/quota/limit"
    ]


@pytest.mark.parametrize(
    ("row", "version"),
    [
        ({"attributes": [{"name": "Version", "value": "2.1"}]}, "2.1"),
        ({"apiResources": ["/v3/orders/**"]}, "v3"),
        ({"name": "orders-v4"}, "v4"),
        ({"proxies": ["orders-v5"]}, "v5"),
        ({}, None),
    ],
)
def test_the_version_is_an_attribute_else_a_path_segment_else_the_end_of_a_name(row: Row, version: str | None) -> None:
    assert product({"name": "orders", **row}).version == version


def test_reading_leaves_the_answer_as_it_was() -> None:
    row = copy.deepcopy(FULL)
    product(row, [dict(PLAN)])
    assert row == FULL
