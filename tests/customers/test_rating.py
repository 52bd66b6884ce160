"""Rating against an oracle in exact fractions, over all six price models."""

from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.customers.rules.currency import CURRENCIES, minor_units, payable, plain
from aforo.customers.rules.plan import price_of, priced, rate_card_faults
from aforo.customers.rules.rating import PartKind, rate, total
from aforo.customers.rules.statement import fixed_fees, statement
from aforo.customers.terms import Rate
from tests.customers.rate_cards import entries, graduated, quantities, rising, volume
from tests.customers.rating_oracle import cost, half_even

USUAL = settings(max_examples=50, deadline=None)
LONG = settings(max_examples=20_000, deadline=None)


@given(entries, quantities)
@USUAL
def test_a_price_is_exactly_that_of_the_oracle(entry: dict[str, Any], quantity: str) -> None:
    _agrees(entry, quantity)


@pytest.mark.long
@given(entries, quantities)
@LONG
def test_a_price_is_exactly_that_of_the_oracle_in_many_cases(entry: dict[str, Any], quantity: str) -> None:
    _agrees(entry, quantity)


@given(graduated, st.data())
@USUAL
def test_at_each_tiers_end_and_one_nano_beside_it_the_price_is_exact(
    entry: dict[str, Any], data: st.DataObject
) -> None:
    ends = [Decimal(tier["upTo"]) for tier in entry["tiers"] if tier["upTo"]] or [Decimal(1)]
    end = data.draw(st.sampled_from(ends))
    for quantity in (end - Decimal("1e-9"), end, min(end + Decimal("1e-9"), Decimal("999999999999999.999999999"))):
        _agrees(entry, f"{quantity:f}")
        _agrees(entry | {"model": "volume"}, f"{quantity:f}")


@given(entries, quantities)
@USUAL
def test_parts_sum_to_the_whole_and_each_is_what_it_says(entry: dict[str, Any], quantity: str) -> None:
    parts = _parts(entry, quantity)
    assert sum((Fraction(part.amount) for part in parts), Fraction(0)) == cost(entry, Fraction(quantity))
    for part in parts:
        product = Fraction(part.quantity) * Fraction(part.price)
        if part.kind in (PartKind.UNITS, PartKind.BLOCKS, PartKind.FEE):
            assert Fraction(part.amount) == product
        elif part.kind is PartKind.PERCENT:
            assert Fraction(part.amount) == product / 100


@given(st.one_of(graduated, volume), quantities)
@USUAL
def test_tiers_share_out_the_whole_quantity(entry: dict[str, Any], quantity: str) -> None:
    parts = _parts(entry, quantity)
    assert sum((Fraction(part.quantity) for part in parts), Fraction(0)) == Fraction(quantity)
    assert all(part.quantity >= 0 for part in parts)


@given(rising, quantities, quantities)
@USUAL
def test_more_never_costs_less(entry: dict[str, Any], one: str, other: str) -> None:
    less, more = sorted((one, other), key=Decimal)
    assert total(_parts(entry, less)) <= total(_parts(entry, more))


@given(st.lists(entries, max_size=6), quantities, st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
@USUAL
def test_a_statement_rounds_each_line_once_and_its_total_is_what_its_lines_add_up_to(
    card: list[dict[str, Any]], quantity: str, currency: str
) -> None:
    told = statement(priced([Rate.model_validate(entry) for entry in card]), {"m": Decimal(quantity)}, currency)
    wanted = [cost(entry, Fraction(quantity)) for entry in card]
    rounded = [half_even(amount, minor_units(currency)) for amount in wanted]
    assert [Fraction(line.exact) for line in told.lines] == wanted
    assert [Fraction(line.amount) for line in told.lines] == rounded
    assert Fraction(told.total) == sum(rounded, Fraction(0))
    assert Fraction(told.exact_total) == sum(wanted, Fraction(0))
    assert all(len(f"{line.amount:f}".partition(".")[2]) == minor_units(currency) for line in told.lines)


def test_the_callers_decimal_context_changes_nothing() -> None:
    entry = {"model": "per_unit", "metric": "m", "unitPrice": "0.123456789012"}
    before = total(_parts(entry, "999999999999999.999999999"))
    context = getcontext()
    usual, context.prec = context.prec, 3
    try:
        assert total(_parts(entry, "999999999999999.999999999")) == before
    finally:
        context.prec = usual


@pytest.mark.parametrize(
    ("entry", "quantity", "amount"),
    [
        ({"model": "per_unit", "metric": "m", "unitPrice": "0.001"}, "1234", "1.234"),
        ({"model": "flat", "amount": "49.00"}, "0", "49"),
        ({"model": "percentage", "metric": "m", "percent": "2.5", "minFee": "0.30"}, "0", "0"),
        ({"model": "percentage", "metric": "m", "percent": "2.5", "minFee": "0.30"}, "1", "0.3"),
        ({"model": "percentage", "metric": "m", "percent": "2.5", "minFee": "0.30"}, "12", "0.3"),
        ({"model": "percentage", "metric": "m", "percent": "2.5", "minFee": "0.30"}, "100", "2.5"),
        ({"model": "included_quota", "metric": "m", "includedUnits": "100", "unitPrice": "0.5"}, "100", "0"),
        ({"model": "included_quota", "metric": "m", "includedUnits": "100", "unitPrice": "0.5"}, "100.5", "0.25"),
        (
            _block := {
                "model": "included_quota",
                "metric": "m",
                "includedUnits": "100",
                "blockUnits": "10",
                "blockPrice": "2",
            },
            "100.1",
            "2",
        ),
        (_block, "110", "2"),
        (_block, "110.000000001", "4"),
        (
            _two := {
                "model": "graduated",
                "metric": "m",
                "tiers": [{"upTo": "10", "unitPrice": "1"}, {"upTo": None, "unitPrice": "0.5"}],
            },
            "10",
            "10",
        ),
        (_two, "12", "11"),
        (_two | {"model": "volume"}, "10", "10"),
        (_two | {"model": "volume"}, "12", "6"),
    ],
)
def test_the_plain_cases(entry: dict[str, Any], quantity: str, amount: str) -> None:
    assert plain(total(_parts(entry, quantity))) == amount


@pytest.mark.parametrize("quantity", ["-1", "NaN", "Infinity"])
def test_what_is_no_quantity_is_not_rated(quantity: str) -> None:
    with pytest.raises(ValueError, match="finite and at least 0"):
        rate(price_of(Rate.model_validate({"model": "flat", "amount": "1"})), Decimal(quantity))


@pytest.mark.parametrize(
    ("amount", "currency", "paid"),
    [
        ("0.005", "EUR", "0.00"),
        ("0.015", "EUR", "0.02"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "2"),
        ("1", "KWD", "1.000"),
    ],
)
def test_halves_are_rounded_to_even(amount: str, currency: str, paid: str) -> None:
    assert f"{payable(Decimal(amount), currency):f}" == paid


@pytest.mark.parametrize(
    ("currency", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("BHD", 3), ("TND", 3), ("UYW", 4)]
)
def test_a_currency_has_its_own_number_of_decimals(currency: str, decimals: int) -> None:
    assert currency in CURRENCIES
    assert minor_units(currency) == decimals


def test_fees_are_known_before_anything_is_used() -> None:
    fee, units = {"model": "flat", "amount": "49.00"}, {"model": "per_unit", "metric": "m", "unitPrice": "1"}
    assert fixed_fees(priced([Rate.model_validate(one) for one in (fee, units, fee)])) == Decimal("98.00")
    assert fixed_fees(priced([Rate.model_validate(units)])) is None


def _parts(entry: dict[str, Any], quantity: str) -> tuple[Any, ...]:
    shape = Rate.model_validate(entry)
    assert list(rate_card_faults([shape], {"m"})) == []
    return rate(price_of(shape), Decimal(quantity))


def _agrees(entry: dict[str, Any], quantity: str) -> None:
    assert Fraction(total(_parts(entry, quantity))) == cost(entry, Fraction(quantity))
