"""A connection is used only when its settings, as they are, have passed a test and were not found unsafe."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.integrations.model import Integration, TestResult
from aforo.integrations.rules import proof

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSED = (Check("Reached", Verdict.OK), Check("May write", Verdict.LIMITED))
DOWN = (Check("Reached", Verdict.FAILED, "nothing listens", code="gateway_unreachable"),)
UNSAFE = (Check("Reached", Verdict.OK), Check("Role", Verdict.FAILED, "accepts anybody", code="gateway_unsafe_role"))
NOTHING: tuple[Check, ...] = ()
NEW = Integration(
    id="int_1",
    tenant_id="ten_1",
    name="gw",
    gateway="aws",
    sign_in="aws_role",
    settings={},
    secret_hints={},
    facts={},
    emulated=False,
    revision=1,
    created_at=NOW,
)


def _after(*tests: tuple[Check, ...], revision: int = 1) -> Integration:
    known: TestResult | None = None
    for checks in tests:
        known = proof.judged(known, revision, checks, NOW)
    return replace(NEW, last_test=known)


@pytest.mark.parametrize(
    ("tests", "usable"),
    [
        ((), False),
        ((NOTHING,), False),
        ((PASSED,), True),
        ((DOWN,), False),
        ((UNSAFE,), False),
        ((PASSED, DOWN), True),
        ((PASSED, DOWN, DOWN), True),
        ((PASSED, UNSAFE), False),
        ((PASSED, UNSAFE, DOWN), False),
        ((UNSAFE, DOWN), False),
        ((UNSAFE, PASSED), True),
        ((DOWN, PASSED), True),
    ],
)
def test_a_gateway_that_is_down_takes_nothing_away_and_one_that_is_unsafe_does(
    tests: tuple[tuple[Check, ...], ...], *, usable: bool
) -> None:
    assert proof.may_be_used(_after(*tests)) is usable


@given(st.lists(st.sampled_from([PASSED, DOWN, UNSAFE, NOTHING]), max_size=6))
@settings(max_examples=50)
def test_whatever_was_shown_of_other_settings_shows_nothing_of_these(tests: list[tuple[Check, ...]]) -> None:
    changed = replace(_after(*tests), revision=2)
    assert not proof.may_be_used(changed)
    assert not proof.may_be_used(replace(changed, last_test=proof.judged(changed.last_test, 2, DOWN, NOW)))
    assert proof.may_be_used(replace(changed, last_test=proof.judged(changed.last_test, 2, PASSED, NOW)))


def test_a_refusal_repeats_the_words_of_the_failed_check() -> None:
    assert proof.in_the_way(_after(PASSED, UNSAFE)).endswith("failed: Role: accepts anybody")
    assert "has not been tested" in proof.in_the_way(replace(_after(PASSED), revision=2))
