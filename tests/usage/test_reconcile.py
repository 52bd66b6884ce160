"""Pulled beside pushed: every figure is shown once, and a reason is given where one is known."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.usage.rules.reconcile import Row, Terms, Why, reconcile

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
READ = {DAY: NOW}
names = st.sampled_from("abcdef")


def one(pulled: dict[tuple[str, ...], int], pushed: dict[str, int], terms: Terms) -> Row:
    (row,) = reconcile({DAY: pulled}, {DAY: pushed}, terms)
    return row


def why(row: Row) -> list[Why]:
    return [reason.why for reason in row.reasons]


@settings(max_examples=25)
@given(
    st.dictionaries(st.frozensets(names, max_size=3).map(lambda one: tuple(sorted(one))), st.integers(0, 9)),
    st.dictionaries(st.one_of(names, st.just("")), st.integers(1, 9)),
)
def test_every_call_and_every_event_is_in_exactly_one_row(
    pulled: dict[tuple[str, ...], int], pushed: dict[str, int]
) -> None:
    rows = reconcile({DAY: pulled}, {DAY: pushed}, Terms(NOW, read_at=READ, attached_at=LONG_AGO))
    assert sum(row.pulled or 0 for row in rows) == sum(pulled.values())
    assert sum(row.pushed for row in rows) == sum(pushed.values())
    shown = [product for row in rows for product in row.products or ("",)]
    assert len(shown) == len(set(shown))
    assert all(bool(row.reasons) == (row.difference != 0) for row in rows)


def test_a_difference_is_told_absolute_and_in_percent_of_the_gateways_figure() -> None:
    row = one({("a",): 300}, {"a": 299}, Terms(NOW, read_at=READ, attached_at=LONG_AGO, counts_refused=False))
    assert (row.difference, row.percent, why(row)) == (-1, Decimal("-0.33"), [Why.UNKNOWN])
    assert one({("a",): 0}, {"a": 2}, Terms(NOW, read_at=READ, attached_at=LONG_AGO)).percent is None


def test_products_counted_together_are_compared_together_also_where_sets_overlap() -> None:
    row = one({("a", "b"): 5, ("b", "c"): 4}, {"a": 3, "c": 6}, Terms(NOW, read_at=READ, attached_at=LONG_AGO))
    assert (row.products, row.pulled, row.pushed, row.reasons) == (("a", "b", "c"), 9, 9, ())


def test_without_an_artifact_the_gateways_figure_is_all_that_is_known() -> None:
    assert why(one({("a",): 5}, {}, Terms(NOW, read_at=READ))) == [Why.NO_ARTIFACT]


def test_an_artifact_attached_that_day_or_later_explains_what_lacks_and_never_a_surplus() -> None:
    later = Terms(NOW, read_at=READ, attached_at=datetime(2026, 11, 20, 9, tzinfo=UTC), counts_refused=False)
    assert why(one({("a",): 5}, {"a": 1}, later)) == [Why.ATTACHED_SINCE]
    assert Why.ATTACHED_SINCE not in why(one({("a",): 1}, {"a": 5}, later))


def test_a_day_that_is_not_over_or_not_counted_yet_is_not_called_a_loss() -> None:
    during = datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert why(one({("a",): 5}, {"a": 4}, Terms(during, read_at={DAY: during}, attached_at=LONG_AGO)))[0] is (
        Why.DAY_NOT_OVER
    )
    early = {DAY: datetime(2026, 11, 21, 0, 5, tzinfo=UTC)}
    lag = Terms(NOW, read_at=early, attached_at=LONG_AGO, lag=timedelta(minutes=10))
    assert why(one({("a",): 5}, {"a": 6}, lag))[0] is Why.VENDOR_LAG


def test_what_was_not_read_or_is_never_counted_is_unknown_and_not_zero() -> None:
    unread = one({}, {"a": 4}, Terms(NOW))
    assert (unread.pulled, unread.difference, why(unread)) == (None, None, [Why.NOT_READ])
    never = one({}, {"v2:a": 4}, Terms(NOW, read_at=READ, attached_at=LONG_AGO, uncounted=("v2:",)))
    assert (never.pulled, why(never)) == (None, [Why.NOT_COUNTED])
    assert one({}, {"a": 4}, Terms(NOW, read_at=READ, attached_at=LONG_AGO)).pulled == 0


def test_missing_events_and_refused_calls_are_named_where_events_lack() -> None:
    terms = Terms(NOW, read_at=READ, attached_at=LONG_AGO, missing={DAY: 2}, counts_refused=True, best_effort=True)
    assert why(one({("a",): 5}, {"a": 3}, terms)) == [Why.REFUSED_CALLS, Why.EVENTS_MISSING, Why.BEST_EFFORT]
    assert why(one({("a",): 3}, {"a": 5}, terms)) == [Why.UNKNOWN]
