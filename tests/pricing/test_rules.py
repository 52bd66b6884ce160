"""The rules on values alone: versions beside one another, facts, and which steps a row takes."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.catalog import Status
from aforo.customers import Plan, PlanState, Terms
from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer
from aforo.kit.clock import HandClock
from aforo.pricing.model import Subject, Wish
from aforo.pricing.rules.facts import facts
from aforo.pricing.rules.merging import merged
from aforo.pricing.rules.rows import is_done, plan_row

KINDS = (EntityKind("group", "Group"), EntityKind("limit", "Limit"))


def entity(key: str, units: int, kind: str = "limit", *, ours: bool = True) -> Entity:
    return Entity(kind, key, f"id-{key}", {"units": units}, owned=ours)


def product(*entities: Entity) -> Product:
    return Product("plan:pro", "plan_1", "Pro", "1", entities)


def wish(wanted: Product, **members: Any) -> Wish:
    return Wish("plan:pro", Subject.PLAN, "plan_1", "Pro", wanted, **members)


def carried(*entities: Entity, left_out: tuple[str, ...] = (), dangers: tuple[str, ...] = ()) -> Carried:
    return Carried(product(*entities), left_out, dangers)


def offers(*versions: int) -> list[Offer]:
    return [Offer("plan_1", "pro", "Pro", one, (), (), "EUR", subscription_ids=("sub_1",)) for one in versions]


def test_an_older_version_stands_beside_the_newest_where_the_gateway_has_room_for_both() -> None:
    both = merged(offers(2, 1), [carried(entity("b", 2), dangers=("d",)), carried(entity("a", 1), dangers=("d", "e"))])
    assert [one.key for one in both.wanted.entities] == ["b", "a"]
    assert (both.left_out, both.dangers) == ((), ("d", "e"))


def test_an_older_version_that_would_change_the_newest_is_left_out_whole_and_told() -> None:
    newest, older = carried(entity("plan", 2)), carried(entity("plan", 1), entity("member", 1))
    only = merged(offers(2, 1), [newest, older])
    assert only.wanted == newest.wanted
    assert only.left_out == (
        "version 1, with 1 subscription, is not held apart: limit plan is one for all versions of the plan",
    )


def test_what_both_versions_say_alike_is_held_once() -> None:
    alike = entity("group", 1, "group")
    both = merged(offers(2, 1), [carried(alike, entity("b", 2)), carried(alike, entity("a", 1), left_out=("w",))])
    assert [one.key for one in both.wanted.entities] == ["group", "b", "a"]
    assert both.left_out == ("version 1: w",)


def test_what_others_made_is_neither_updated_nor_removed() -> None:
    live = product(entity("a", 9, ours=False), entity("theirs", 1, ours=False))
    row = plan_row(wish(product(entity("a", 1))), live, KINDS)
    assert row
    assert (row.status, row.steps, row.removes) == (Status.UNCHANGED, (), ())
    assert row.left_out == ("limit a: it does not carry Aforo's mark, so it is left alone",)


def test_what_an_earlier_sync_made_is_aforos_even_where_it_cannot_bear_a_mark() -> None:
    made = entity("draft", 1, ours=False)
    row = plan_row(wish(product(entity("draft", 2)), last=product(made)), product(made), KINDS)
    assert row
    assert [step.title for step in row.steps] == ["update limit draft"]


def test_of_a_plan_that_is_gone_only_what_is_aforos_is_taken_away() -> None:
    live = product(entity("a", 1), entity("theirs", 1, ours=False))
    row = plan_row(wish(product(), last=product(entity("a", 1)), is_gone=True), live, KINDS)
    assert row
    assert (row.status, [step.title for step in row.steps]) == (Status.STALE, ["delete limit a"])
    assert plan_row(wish(product(), last=product(entity("a", 1)), is_gone=True), None, KINDS) is None


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)),
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 3), st.booleans())),
)
def test_done_once_a_row_has_nothing_more_to_do_and_others_work_stands(
    want: dict[str, int], there: dict[str, tuple[int, bool]]
) -> None:
    live = product(*(entity(key, units, ours=ours) for key, (units, ours) in there.items()))
    asked = wish(product(*(entity(key, units) for key, units in want.items())))
    row = plan_row(asked, live, KINDS)
    assert row
    after = carry(live, row.steps)
    assert is_done(asked, after, KINDS)
    foreign = {one.key: one for one in live.entities if not one.owned}
    assert {one.key: one for one in after.entities if not one.owned} == foreign


def carry(live: Product, steps: Sequence[Any]) -> Product:
    """What a gateway that does as it is told then holds."""
    kept = {(one.kind, one.key): one for one in live.entities}
    for step in steps:
        if step.target:
            kept[step.kind, step.key] = step.target
        else:
            del kept[step.kind, step.key]
    return product(*kept.values())


def test_a_plans_facts_are_its_key_its_version_and_its_prices_in_words() -> None:
    card = [
        {"model": "flat", "amount": "19", "name": "Base fee"},
        {"model": "per_unit", "metric": "api_calls", "unitPrice": "0.001"},
        {"model": "included_quota", "metric": "mb", "includedUnits": "5", "blockUnits": "10", "blockPrice": "2"},
        {"model": "percentage", "metric": "sales", "percent": "2.5", "minFee": "0.1"},
        {"model": "volume", "metric": "rows", "tiers": [{"upTo": None, "unitPrice": "0.5"}]},
    ]
    terms = Terms.model_validate({"currency": "EUR", "rateCard": card})
    plan = Plan("plan_1", "t", "pro", "Pro", 3, PlanState.PUBLISHED, terms, HandClock().now(), None)
    assert facts(plan) == {
        "key": "pro",
        "version": "3",
        "price.1": "Base fee: 19 EUR a period",
        "price.2": "api_calls: 0.001 EUR a unit",
        "price.3": "mb: 5 included, then 2 EUR for each 10 units",
        "price.4": "sales: 2.5 %, at least 0.1 EUR",
        "price.5": "rows: volume, from 0.5 EUR a unit",
    }
