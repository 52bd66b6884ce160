"""Our includes go into any policy behind `base`, once, and out again without moving anything of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.gateways.azure.mapping.including import FRAGMENTS, NotAPolicy, included, with_ours, without_ours
from aforo.gateways.azure.mapping.policies import sections

PIECES = st.sampled_from(
    [
        "<base />",
        "<!-- <base /> aforo-inbound -->",
        '<set-variable name="x" value="@(1 > 2 ? "<base />" : "</inbound>")" />',
        "<choose><when condition='a > b'><base /></when></choose>",
        '<include-fragment fragment-id="theirs" />',
        '<include-fragment fragment-id="aforo-inbounds" />',
    ]
)
GAPS = st.sampled_from(["", "\n\t\t", "\r\n    ", " "])
SECTIONS = st.lists(st.tuples(GAPS, PIECES), max_size=4).map(lambda told: "".join(gap + piece for gap, piece in told))


@st.composite
def documents(draw: st.DrawFn) -> str:
    names = draw(st.permutations([*FRAGMENTS, "backend"]))
    return f"<policies>{''.join(f'<{name}>{draw(SECTIONS)}{draw(GAPS)}</{name}>' for name in names)}</policies>"


@given(documents())
def test_putting_in_and_taking_out_moves_nothing_of_others(raw: str) -> None:
    inside = with_ours(raw)
    assert set(included(inside)) == set(FRAGMENTS)
    assert with_ours(inside) == inside
    assert without_ours(raw) == raw
    assert sections(without_ours(inside)) == sections(raw)
    for name in FRAGMENTS:
        assert sections(inside)[name] != sections(raw)[name]
    assert sections(inside)["backend"] == sections(raw)["backend"]


@pytest.mark.parametrize("has_base", [True, False])
def test_a_section_that_is_missing_is_made_and_goes_on_to_the_scope_above_if_there_is_one(has_base: bool) -> None:
    told = sections(with_ours("<policies><inbound /></policies>", has_base=has_base))
    assert ("<base" in told["on-error"]) == has_base
    assert "<base" not in told["inbound"], "a section without base means to stop there"


@pytest.mark.parametrize("raw", ["", "no policy", '<policies><inbound value="@(" /></policies>'])
def test_what_cannot_be_taken_apart_is_left_alone(raw: str) -> None:
    with pytest.raises(NotAPolicy):
        with_ours(raw)
    assert without_ours(f"{raw}aforo-") == f"{raw}aforo-"
