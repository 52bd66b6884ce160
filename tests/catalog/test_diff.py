"""The diff: every difference once, and nothing that nobody did."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aforo.catalog.codec import product_in, product_out
from aforo.catalog.model import ChangeKind
from aforo.catalog.rules.diff import compare
from aforo.gateway_sdk.contract import Entity, Product
from aforo.kit.jsontree import ABSENT, Json, JsonObject, leaves, put
from tests.catalog.strategies import KINDS, products, renumbered, with_entity


@given(products())
def test_a_product_does_not_differ_from_itself(product: Product) -> None:
    assert compare(product, product, KINDS).changes == ()


@given(products())
def test_a_product_created_again_under_new_ids_does_not_differ(product: Product) -> None:
    assert compare(product, renumbered(product), KINDS).changes == ()


@given(products(), st.data())
def test_each_change_of_one_field_is_reported_exactly_once(product: Product, data: st.DataObject) -> None:
    entity = data.draw(st.sampled_from(product.entities))
    pointer, value = data.draw(st.sampled_from(list(leaves(entity.fields))))
    changed: dict[str, Json] = dict(entity.fields)
    put(changed, pointer, "changed by somebody" if value != "changed by somebody" else "otherwise")
    difference = compare(product, with_entity(product, replace(entity, fields=changed)), KINDS)
    assert [change.pointer for change in difference.changes] == [pointer]
    assert difference.is_drift


@given(products(), st.data())
def test_each_removed_child_is_reported_exactly_once(product: Product, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(product.entities))
    live = replace(product, entities=tuple(e for e in product.entities if e is not gone))
    changes = compare(product, live, KINDS).changes
    assert [(c.kind, c.entity_kind, c.entity_key) for c in changes] == [(ChangeKind.MISSING, gone.kind, gone.key)]


@given(products(), st.sampled_from(KINDS))
def test_a_child_added_by_others_counts_only_on_the_kinds_that_say_so(product: Product, kind: object) -> None:
    assert kind in KINDS
    chosen = next(one for one in KINDS if one is kind)
    foreign = Entity(chosen.name, "theirs", "id-theirs", {"a": 1})
    difference = compare(product, replace(product, entities=(*product.entities, foreign)), KINDS)
    assert [(c.kind, c.entity_key) for c in difference.changes] == [(ChangeKind.FOREIGN, "theirs")]
    assert difference.is_drift is chosen.foreign_is_drift


@given(products(), st.data())
def test_an_ignored_path_is_no_difference_but_is_listed(product: Product, data: st.DataObject) -> None:
    entity = data.draw(st.sampled_from(product.entities))
    live = with_entity(product, replace(entity, fields={"somebody": "was here"}))
    shown = compare(product, live, KINDS).changes
    ignored = frozenset(change.path for change in shown)
    difference = compare(product, live, KINDS, ignored)
    assert not difference.is_drift
    assert {skipped.path for skipped in difference.skipped} >= ignored


def _one(
    fields: JsonObject,
    defaults: JsonObject | None = None,
    *,
    secrets: frozenset[str] = frozenset(),
    masked: frozenset[str] = frozenset(),
) -> Product:
    return Product("p", "p", "p", None, (Entity("service", "s", "s", fields, defaults or {}, secrets, masked),))


def test_a_default_that_a_newer_gateway_brings_is_no_difference() -> None:
    assert not compare(_one({"a": 1}), _one({"a": 1, "b": 5}, {"b": 5}), KINDS).is_drift


def test_a_default_field_that_a_newer_gateway_dropped_is_no_difference() -> None:
    assert not compare(_one({"a": 1, "b": 5}, {"b": 5}), _one({"a": 1}), KINDS).is_drift


def test_a_value_set_back_to_the_default_is_a_difference() -> None:
    difference = compare(_one({"b": 7}, {"b": 5}), _one({"b": 5}, {"b": 5}), KINDS)
    assert [(c.before, c.after) for c in difference.changes] == [(7, 5)]


def test_a_default_that_was_cleared_is_a_difference() -> None:
    difference = compare(_one({"b": 5}, {"b": 5}), _one({"b": None}, {"b": 5}), KINDS)
    assert [(c.before, c.after) for c in difference.changes] == [(5, None)]


def test_a_changed_default_does_not_excuse_a_changed_value() -> None:
    difference = compare(_one({"b": 5}, {"b": 5}), _one({"b": 6}, {"b": 6}), KINDS)
    assert [(c.before, c.after) for c in difference.changes] == [(5, 6)]


def test_null_and_absent_are_the_same_nothing() -> None:
    nothings: list[JsonObject] = [{}, {"a": None}]
    for nothing in nothings:
        for other in nothings:
            assert not compare(_one(nothing), _one(other), KINDS).is_drift


def test_an_empty_object_is_something() -> None:
    for nothing in ({}, {"a": None}):
        added = compare(_one(nothing), _one({"a": {}}), KINDS).changes
        removed = compare(_one({"a": {}}), _one(nothing), KINDS).changes
        assert [change.pointer for change in (*added, *removed)] == ["/a", "/a"]


def test_a_scalar_that_became_an_object_is_one_difference() -> None:
    assert len(compare(_one({"a": 5}), _one({"a": {"b": 1, "c": 2}}), KINDS).changes) == 1


def test_true_is_not_one_but_one_is_one_point_zero() -> None:
    assert compare(_one({"a": True}), _one({"a": 1}), KINDS).is_drift
    assert not compare(_one({"a": 1}), _one({"a": 1.0}), KINDS).is_drift


def test_what_the_gateway_masks_is_never_compared_and_is_listed() -> None:
    masked = frozenset({"/password"})
    difference = compare(_one({"password": "real"}), _one({"password": "***"}, masked=masked), KINDS)
    assert not difference.is_drift
    assert [skipped.why for skipped in difference.skipped] == ["masked by the gateway"]


def test_a_renamed_entity_is_found_by_its_native_id() -> None:
    before = Product("p", "p", "p", None, (Entity("route", "old", "r-1", {"name": "old"}),))
    after = Product("p", "p", "p", None, (Entity("route", "new", "r-1", {"name": "new"}),))
    changes = compare(before, after, KINDS).changes
    assert [(c.kind, c.pointer, c.before, c.after) for c in changes] == [(ChangeKind.FIELD, "/name", "old", "new")]


def test_a_secret_is_marked_as_one() -> None:
    secret = frozenset({"/token"})
    before, after = _one({"token": "hmac:1"}, secrets=secret), _one({"token": "hmac:2"}, secrets=secret)
    assert [change.secret for change in compare(before, after, KINDS).changes] == [True]


def test_an_absent_side_is_told_as_absent() -> None:
    assert compare(_one({"a": 1}), _one({}), KINDS).changes[0].after is ABSENT


def test_a_renamed_sibling_is_one_change_not_two() -> None:
    def product(route: str) -> Product:
        plugin = Entity("plugin", f"acl@{route}", "p-1", {"route": route}, references={"/route": "route"})
        return Product("p", "p", "p", None, (Entity("route", route, "r-1", {"name": route}), plugin))

    changes = compare(product("old"), product("new"), KINDS).changes
    assert [(change.entity_kind, change.pointer) for change in changes] == [("route", "/name")]


@given(products())
def test_a_product_survives_storage(product: Product) -> None:
    assert product_in(product_out(product)) == product
