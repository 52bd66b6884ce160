"""Quantities are exact, against Python's fractions."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.usage.model import Refused
from aforo.usage.rules.quantity import NANOS, cost, decimal_text, quantity

LIMIT = Fraction(10) ** 15
numerals = st.builds(
    lambda whole, fraction, exponent: whole + fraction + exponent,
    st.integers(0, 10**17).map(str),
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=14).map(lambda digits: "." + digits)),
    st.one_of(st.just(""), st.integers(-20, 20).map(lambda places: f"e{places}")),
)


def valued(text: str) -> Fraction | None:
    try:
        whole, nano = quantity(text, zero_allowed=False)
    except Refused as refusal:
        return None if refusal.code == "invalid_quantity" else Fraction(-1)
    assert 0 <= nano < NANOS
    return whole + Fraction(nano, NANOS)


@settings(max_examples=300)
@given(numerals)
def test_a_quantity_is_kept_exactly_or_refused(text: str) -> None:
    true = Fraction(Decimal(text))
    keepable = 0 < true < LIMIT and (true * NANOS).denominator == 1
    assert valued(text) == (true if keepable else None)


@given(st.integers(0, 10**15 - 1), st.integers(0, NANOS - 1))
def test_what_is_shown_reads_back_as_the_same_quantity(whole: int, nano: int) -> None:
    assert quantity(decimal_text(whole, nano), zero_allowed=True) == (whole, nano)
    assert Decimal(decimal_text(whole, nano)) == whole + Decimal(nano).scaleb(-9)


def test_numbers_that_floats_confuse_stay_apart() -> None:
    assert valued("999999999999999.999999999") == LIMIT - Fraction(1, NANOS)
    assert valued("0.1") == Fraction(1, 10)
    assert valued("9007199254740993e-3") == Fraction(9007199254740993, 1000)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " 1",
            "1 ",
            "-1",
            "0",
            "0.0",
            "1e400",
            "1e-400",
            "NaN",
            "Infinity",
            "0x1",
            "1_000",
            "1,5",
            "1e",
            ".",
            "1.",
        ),
        *("1000000000000000", "0.0000000001", "1" * 200, "1e99999999999", "true", "null", "\u00b2", "\u0663"),
    ],
)
def test_what_is_no_positive_decimal_is_refused(text: str) -> None:
    assert valued(text) is None


def test_zero_is_for_heartbeats_only() -> None:
    assert quantity("0", zero_allowed=True) == (0, 0)


def test_costs_are_decimal_text_and_never_negative() -> None:
    assert cost("0.00040") == "0.0004"
    assert cost("0") == "0"
    for bad in ("-1", "free", "1e400"):
        with pytest.raises(Refused):
            cost(bad)


def test_a_json_number_is_read_from_its_own_text() -> None:
    assert valued(json.dumps(1.5)) == Fraction(3, 2)
    assert valued("1E3") == 1000
