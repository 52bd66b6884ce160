"""A statement's own rules: which month, the cap, late events as adjustments, whose usage is whose."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.customers.model import Mode, Plan, PlanState, Subscription
from aforo.customers.rules import bill
from aforo.customers.rules.attribution import Owner, holder, owner
from aforo.customers.rules.ledger import Bill, Ledger, parsed
from aforo.customers.rules.states import State
from aforo.customers.terms import Terms
from aforo.usage import Used
from aforo.usage.rules.cells import Sums
from tests.customers.rate_cards import entries
from tests.customers.rating_oracle import cost, half_even

BEGAN = datetime(2026, 8, 3, 10, 7, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
FEW = settings(max_examples=25, deadline=None)
MANY = settings(max_examples=5_000, deadline=None)
PER_UNIT = {"model": "per_unit", "metric": "api_calls", "unitPrice": "0.01"}


def plan(*card: dict[str, Any], **members: Any) -> Plan:
    terms = Terms.model_validate({"currency": "EUR", "rateCard": card, **members})
    return Plan("plan_1", "ten_1", "pro", "Pro", 1, PlanState.PUBLISHED, terms, BEGAN, BEGAN)


def subscription(cancelled_at: datetime | None = None) -> Subscription:
    state = State.CANCELLED if cancelled_at else State.ACTIVE
    return Subscription(
        "sub_1", "ten_1", "cust_1", "plan_1", 1, state, Mode.AFORO_PROVIDED, BEGAN, None, BEGAN, BEGAN, cancelled_at
    )


def used(at: datetime, units: int | str = 1, received: datetime | None = None, **members: Any) -> Used:
    nanos = int(Decimal(units) * 10**9)
    late = received is not None and received - at > bill.LATENESS
    quarter = int(received.timestamp()) // 900 if received is not None and late else 0
    facts = {"metric": "api_calls", "product": "", "credential": "", "subscription": "", **members}
    return Used(int(at.timestamp()) // 900, received=quarter, sums=Sums(1, nanos, nanos), **facts)


def ledger(one: Plan, events: Sequence[Used], cancelled_at: datetime | None = None) -> Ledger:
    return Ledger(subscription(cancelled_at), bill.billing_spec(one.terms), [(None, one)], events, {})


def bills(one: Plan, events: Sequence[Used], now: datetime = NOW) -> dict[str, Bill]:
    return {f"{told.period.start:%m}": told for told in ledger(one, events).bills(now)}


days = st.integers(1, 107 * 96).map(
    lambda quarters: datetime(2026, 8, 4, tzinfo=UTC) + timedelta(minutes=15 * quarters)
)
delays = st.sampled_from([timedelta(), timedelta(hours=23), timedelta(days=2), timedelta(days=30), timedelta(days=80)])
events = st.lists(
    st.builds(lambda at, delay, units: used(at, units, at + delay), days, delays, st.integers(1, 10_000)), max_size=12
)
linear = st.sampled_from([PER_UNIT, {"model": "percentage", "metric": "api_calls", "percent": "2.5"}])


@given(entries, events)
@FEW
def test_all_statements_together_charge_what_all_events_come_to_whenever_they_came(
    entry: dict[str, Any], some: list[Used]
) -> None:
    _sums_to_the_oracle(entry, some)


@pytest.mark.long
@given(entries, events)
@MANY
def test_all_statements_together_charge_what_all_events_come_to_in_many_cases(
    entry: dict[str, Any], some: list[Used]
) -> None:
    _sums_to_the_oracle(entry, some)


def _sums_to_the_oracle(entry: dict[str, Any], some: list[Used]) -> None:
    entry = entry if entry["model"] == "flat" else {**entry, "metric": "api_calls"}
    everything = bills(plan(entry), some, datetime(2027, 3, 5, tzinfo=UTC))
    by_month: dict[str, Fraction] = {month: Fraction(0) for month in everything}
    for one in some:
        at = datetime.fromtimestamp(one.quarter * 900, UTC)
        by_month[f"{at:%m}"] += Fraction(one.sums.nanos, 10**9)
    wanted = sum((half_even(cost(entry, quantity), 2) for quantity in by_month.values()), Fraction(0))
    assert sum((Fraction(one.total) for one in everything.values()), Fraction(0)) == wanted


@given(linear, events)
@FEW
def test_where_the_price_is_linear_a_period_is_exactly_the_sum_of_its_days(
    entry: dict[str, Any], some: list[Used]
) -> None:
    one = plan(entry)
    for told in bills(one, some).values():
        inside = [each for each in some if told.period.start <= _at(each) < told.period.end]
        counted = [each for each in inside if not each.received or _received(each) < bill.final_at(told.period)]
        days_of = {_at(each).date() for each in counted}
        by_day = [
            Fraction(bills(one, [each for each in counted if _at(each).date() == day])[key].own.told.exact_total)
            for key in [f"{told.period.start:%m}"]
            for day in days_of
        ]
        assert sum(by_day, Fraction(0)) == Fraction(told.own.told.exact_total)


@given(events, st.randoms())
@FEW
def test_the_same_events_in_any_order_give_the_same_digest(some: list[Used], dice: Any) -> None:
    one, shuffled = plan(PER_UNIT), list(some)
    dice.shuffle(shuffled)
    first, again = bills(one, some), bills(one, shuffled)
    assert [told.digest() for told in first.values()] == [told.digest() for told in again.values()]


@given(events, days)
@FEW
def test_what_comes_later_changes_no_final_statement(some: list[Used], asked: datetime) -> None:
    """What was received by a moment says the same of every period that was final then as all events do later."""
    known = [each for each in some if not each.received and _at(each) < asked - bill.LATENESS]
    known += [each for each in some if each.received and _received(each) + timedelta(minutes=15) <= asked]
    before, after = bills(plan(PER_UNIT), known, asked), bills(plan(PER_UNIT), some)
    for month, told in before.items():
        if bill.final_at(told.period) <= asked:
            assert told.digest() == after[month].digest()


def test_a_late_event_is_an_adjustment_in_the_oldest_statement_that_is_open_when_it_comes() -> None:
    september = datetime(2026, 9, 10, tzinfo=UTC)
    late = used(september, 300, datetime(2026, 10, 1, 23, tzinfo=UTC))
    later = used(september, 40, datetime(2026, 10, 2, 1, tzinfo=UTC))
    told = bills(plan(PER_UNIT), [late, later])
    assert (told["09"].total, told["09"].events) == (Decimal("3.00"), 1)
    (adjusted,) = told["10"].adjustments
    assert (adjusted.period.start, adjusted.events, adjusted.amount) == (told["09"].period.start, 1, Decimal("0.40"))
    assert told["10"].own.total == 0
    assert told["10"].total == Decimal("0.40")
    assert not told["11"].adjustments


def test_the_cap_is_a_line_of_its_own_and_late_events_do_not_pass_it() -> None:
    one = plan(PER_UNIT, spendCap={"amount": "5", "period": "month", "timeZone": "Europe/Berlin"})
    september = datetime(2026, 9, 10, tzinfo=UTC)
    told = list(ledger(one, [used(september, 400), used(september, 300, september + timedelta(days=30))]).bills(NOW))
    october, first = told[1], told[2]
    assert first.period.start == datetime(2026, 8, 31, 22, tzinfo=UTC)  # midnight in Berlin
    assert (first.own.told.total, first.total) == (Decimal("4.00"), Decimal("4.00"))
    assert (october.adjustments[0].cap, october.total) == (Decimal("-2.00"), Decimal("1.00"))
    over = next(iter(ledger(one, [used(NOW, 900)]).bills(NOW)))
    assert over.own.cap is not None
    assert (over.own.told.total, over.own.cap.reduction, over.total) == (Decimal(9), Decimal(-4), Decimal(5))


def test_a_cap_of_another_calendar_is_told_and_not_applied() -> None:
    daily = plan(PER_UNIT, spendCap={"amount": "5", "period": "day"})
    (newest, *_) = ledger(daily, [used(NOW, 900)]).bills(NOW)
    assert newest.own.cap is not None
    assert (newest.own.cap.applies, newest.total) == (False, Decimal(9))


def test_after_its_end_a_subscription_gets_no_fee_and_only_statements_that_adjust() -> None:
    one = plan(PER_UNIT, {"model": "flat", "amount": "19"})
    end = datetime(2026, 9, 20, tzinfo=UTC)
    late = used(datetime(2026, 9, 10, tzinfo=UTC), 100, datetime(2026, 10, 20, tzinfo=UTC))
    told = list(ledger(one, [late], end).bills(NOW))
    assert [(f"{each.period.start:%m}", each.total) for each in told] == [
        ("10", Decimal("1.00")),
        ("09", Decimal("19.00")),
        ("08", Decimal("19.00")),
    ]


@pytest.mark.parametrize(("how", "total"), [("PERCENTILE_95", "7"), ("COUNT_DISTINCT", "3")])
def test_a_figure_that_needs_every_quantity_is_made_from_all_quarters_together(how: str, total: str) -> None:
    one = plan(PER_UNIT | {"unitPrice": "1"})
    first = used(NOW, 3)._replace(spread={2 * 10**9: 50, 7 * 10**9: 49})
    other = used(NOW - timedelta(hours=2), 3)._replace(spread={9 * 10**9: 1, 7 * 10**9: 10})
    told = Ledger(subscription(), bill.billing_spec(one.terms), [(None, one)], [first, other], {"api_calls": how})
    assert next(iter(told.bills(NOW))).total == Decimal(total)


def test_before_it_begins_a_subscription_has_no_statement() -> None:
    assert list(ledger(plan(PER_UNIT), []).bills(BEGAN - timedelta(seconds=1))) == []


def test_each_cell_belongs_to_the_subscription_that_the_gateway_would_have_taken() -> None:
    first, second = plan(PER_UNIT, productIds=["prod_a"]).terms, plan(productIds=["prod_b"]).terms
    holders = [holder("sub_1", 0, 10**6, first), holder("sub_2", 0, None, second)]
    early, after = datetime(1990, 1, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)

    def whose(at: datetime, **members: Any) -> str | None:
        return owner(
            used(at, **members), holders, {"int/key/k1": Owner("sub_2", 10**5)}, {"prod_a", "prod_b", "prod_c"}
        )

    assert whose(early, product="prod_b") == "sub_2"
    assert whose(early, product="prod_c") is None
    assert whose(early, product="its name at the gateway") == "sub_1"
    assert whose(early, metric="tokens") == "sub_1"
    assert whose(early, credential="int/key/k1", product="prod_a") == "sub_2"
    a_day_before = datetime.fromtimestamp((10**5 - 96) * 900, UTC)
    assert whose(a_day_before, credential="int/key/k1", product="prod_a") == "sub_2"
    assert whose(a_day_before - timedelta(minutes=15), credential="int/key/k1", product="prod_a") == "sub_1"
    assert whose(early, subscription="sub_1", product="prod_b") == "sub_1"
    assert whose(after) == "sub_2"
    assert whose(after, subscription="sub_1") is None
    assert whose(after, subscription="sub_of_another") is None


@pytest.mark.parametrize("text", ["", "stmt_", "stmt_x", "stmt_1_2026", "stmt_1_20261301t000000", "\0"])
def test_what_is_no_id_of_a_statement_is_none(text: str) -> None:
    assert parsed(text) is None


def test_a_statements_id_names_subscription_and_period() -> None:
    newest = next(iter(ledger(plan(), []).bills(NOW)))
    assert parsed(newest.id) == ("sub_1", datetime(2026, 11, 1, tzinfo=UTC))


def _at(one: Used) -> datetime:
    return datetime.fromtimestamp(one.quarter * 900, UTC)


def _received(one: Used) -> datetime:
    return datetime.fromtimestamp(one.received * 900, UTC)
