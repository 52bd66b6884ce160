"""Previews: every product once, nothing concluded from what was not read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.catalog.codec import preview_in, preview_out
from aforo.catalog.model import Recorded, Status
from aforo.catalog.rules.preview import match, observed_digest, preview
from aforo.catalog.rules.selection import selected
from aforo.gateway_sdk.contract import SPEC_KIND, Discovery, Entity, Problem, Product
from aforo.kit.errors import Invalid
from tests.catalog.strategies import KINDS, products, renumbered


def _product(ref: str, value: int = 0, kind: str = "service") -> Product:
    return Product(ref, f"id-{ref}", ref, "v2", (Entity(kind, ref, f"e-{ref}", {"value": value}),))


refs = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(refs, refs)
def test_a_preview_shows_every_product_exactly_once_in_order(ours: list[str], theirs: list[str]) -> None:
    recorded = [Recorded(ref, 1, _product(ref)) for ref in ours]
    rows = preview(recorded, Discovery(tuple(_product(ref) for ref in theirs)), KINDS).rows
    assert [row.ref for row in rows] == sorted({*ours, *theirs})
    told = {row.ref: row.status for row in rows}
    assert {ref for ref, status in told.items() if status is Status.NEW} == set(theirs) - set(ours)
    assert {ref for ref, status in told.items() if status is Status.STALE} == set(ours) - set(theirs)


@given(refs, refs)
def test_a_partial_read_makes_nothing_stale_and_says_what_is_open(ours: list[str], theirs: list[str]) -> None:
    recorded = [Recorded(ref, 1, _product(ref)) for ref in ours]
    problems = (Problem("page 2 of the services", "429", "gateway_throttled"),)
    found = preview(recorded, Discovery(tuple(_product(ref) for ref in theirs), problems), KINDS)
    assert found.partial
    assert not [row for row in found.rows if row.status is Status.STALE]
    assert list(found.unread) == sorted(set(ours) - set(theirs))


@given(products())
def test_an_object_created_again_with_the_same_content_is_unchanged(product: Product) -> None:
    found = preview([Recorded("p", 3, product)], Discovery((renumbered(product),)), KINDS)
    assert [row.status for row in found.rows] == [Status.UNCHANGED]


@given(products(), products())
def test_the_hash_tells_whether_anything_on_either_side_moved(left: Product, right: Product) -> None:
    def hashed(product: Product, version: int) -> str:
        return preview([Recorded("p", version, left)], Discovery((product,)), KINDS).hash

    assert hashed(left, 1) == hashed(left, 1)
    assert hashed(left, 1) != hashed(left, 2)
    assert (hashed(left, 1) == hashed(right, 1)) is (observed_digest(left) == observed_digest(right))


def test_the_line_of_a_changed_spec_reads_as_promised() -> None:
    before = replace(_product("TranslationAPI", 1, SPEC_KIND))
    after = replace(_product("TranslationAPI", 2, SPEC_KIND))
    row = preview([Recorded("p", 1, before)], Discovery((after,)), KINDS).rows[0]
    assert row.line == "CHANGED: TranslationAPI v2 (spec differs between gateway and Aforo)"


def test_a_new_product_is_no_twin_of_a_recorded_one_with_another_name() -> None:
    rows = preview([Recorded("p", 1, _product("a"))], Discovery((_product("b"),)), KINDS).rows
    assert [(row.ref, row.status) for row in rows] == [("a", Status.STALE), ("b", Status.NEW)]


def test_products_that_swapped_their_names_are_still_themselves() -> None:
    a, b = _product("a"), _product("b")
    swapped = (replace(a, ref="b"), replace(b, ref="a"))
    rows = preview([Recorded("p1", 1, a), Recorded("p2", 1, b)], Discovery(swapped), KINDS).rows
    assert [(row.ref, row.product_id, row.key) for row in rows] == [("a", "p2", "a"), ("b", "p1", "b")]


def test_rows_that_share_a_ref_each_have_a_key_and_the_ref_means_the_one_that_can_be_imported() -> None:
    a, b = _product("a"), _product("b")
    rows = preview([Recorded("p1", 1, a), Recorded("p2", 1, b)], Discovery((replace(a, ref="b"),)), KINDS).rows
    assert [(row.key, row.status) for row in rows] == [("b#p1", Status.UNCHANGED), ("b#p2", Status.STALE)]
    assert [row.product_id for row in selected(rows, ["b", "b#p1"])] == ["p1"]
    with pytest.raises(Invalid) as refused:
        selected(rows, ["b#p2", "c"])
    assert [pointer for pointer, _ in refused.value.faults] == ["/select/0", "/select/1"]
    assert "gone from the gateway" in refused.value.faults[0][1]


def test_a_ref_of_two_live_products_means_neither_of_them() -> None:
    twins = (_product("a"), replace(_product("a"), native_id="other"))
    rows = preview([], Discovery(twins), KINDS).rows
    with pytest.raises(Invalid) as refused:
        selected(rows, ["a"])
    assert all(row.key in refused.value.faults[0][1] for row in rows)
    assert selected(rows, [row.key for row in rows]) == list(rows)


def test_a_record_with_both_the_native_id_and_the_ref_of_a_product_is_its_twin() -> None:
    live = _product("b")
    renamed = replace(live, ref="a")
    pairs = match([Recorded("p1", 1, renamed), Recorded("p2", 1, live)], [live])
    assert [(record and record.id, product and product.ref) for record, product in pairs] == [("p1", None), ("p2", "b")]


def test_a_stored_preview_has_its_keys_again() -> None:
    a, b = _product("a"), _product("b")
    found = preview([Recorded("p1", 1, a), Recorded("p2", 1, b)], Discovery((replace(a, ref="b"),)), KINDS)
    assert preview_in(preview_out(found)) == found
