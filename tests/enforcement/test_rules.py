"""The pure rules: prices agree with rating, shares are exact, sizes shrink, tokens cannot be made or changed."""

import json
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aforo.customers.rules import plan as plan_rules
from aforo.customers.rules import rating
from aforo.customers.terms import Terms
from aforo.enforcement.rules import lease, margin, quota, rate
from aforo.enforcement.rules.lease import LeaseState
from aforo.enforcement.state.terms import read_terms
from aforo.enforcement.token import Decision, sign, verify

amounts = st.decimals(0, 10**6, places=12).map(lambda one: f"{one:f}")
some = st.decimals(Decimal("0.000000001"), 10**6, places=9).map(lambda one: f"{one:f}")


@st.composite
def rates(draw: st.DrawFn) -> dict[str, object]:
    """One priced entry of a rate card, of any model."""
    tiers: list[dict[str, str | None]] = [
        {"upTo": f"{top:f}", "unitPrice": draw(amounts)}
        for top in sorted(draw(st.sets(st.decimals(1, 10**5, places=9), max_size=3)))
    ]
    tiers.append({"upTo": None, "unitPrice": draw(amounts)})
    entries: list[dict[str, object]] = [
        {"model": "per_unit", "unitPrice": draw(amounts)},
        {"model": "percentage", "percent": draw(some.filter(lambda one: Decimal(one) < 1000))},
        {"model": "percentage", "percent": "2.5", "minFee": draw(amounts)},
        {"model": "included_quota", "includedUnits": draw(some), "unitPrice": draw(amounts)},
        {"model": "included_quota", "includedUnits": draw(some), "blockUnits": draw(some), "blockPrice": draw(amounts)},
        {"model": "graduated", "tiers": tiers},
        {"model": "volume", "tiers": tiers},
    ]
    return {"metric": "m", **draw(st.sampled_from(entries))}


@given(rates(), st.decimals(0, 10**7, places=9))
def test_the_quick_price_is_the_rated_one_to_the_last_digit(entry: dict[str, object], quantity: Decimal) -> None:
    stored = json.dumps({"currency": "EUR", "rateCard": [entry]})
    quick = read_terms("plan_1", "pro", 1, stored).prices["m"](int(quantity.scaleb(9)))
    (priced,) = plan_rules.priced(Terms.model_validate_json(stored).rate_card)
    assert Decimal(quick).scaleb(-21) == rating.total(rating.rate(priced.price, quantity))


@given(st.integers(0, 100), st.integers(1, 1_000))
def test_a_throttle_lets_its_exact_share_through_at_every_length(percent: int, calls: int) -> None:
    passed = sum(margin.lets_through(number, percent) for number in range(1, calls + 1))
    assert passed == calls * percent // 100


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=3))
def test_a_level_is_the_worst_whose_floor_is_missed(revenue: int, cost: int, floors: list[int]) -> None:
    level = margin.level(revenue, cost, sorted(floors, reverse=True))
    if revenue:
        missed = sum(Decimal(revenue - cost) / revenue < Decimal(floor).scaleb(-9) for floor in floors)
        assert list(margin.Level).index(level) == missed


@given(st.integers(0, 10**15), st.integers(1, 10**12), st.floats(0, 10))
def test_a_chunk_is_at_most_a_hundredth_of_the_rest_and_at_least_a_unit_while_there_is_one(
    rest: int, last: int, seconds: float
) -> None:
    for chunk in (quota.first_chunk(rest), quota.next_chunk(last, rest, seconds)):
        assert chunk <= max(quota.UNIT, rest // 100)
        assert chunk <= rest
        assert (chunk > 0) is (rest > 0)


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_lease_shrinks_to_single_units_and_ends_with_them(want: int, rest: int) -> None:
    units = lease.size(want * quota.UNIT, rest * quota.UNIT)
    assert units % quota.UNIT == 0
    assert (units > 0) is (rest > 0)
    assert units <= max(quota.UNIT, min(want, rest // 10) * quota.UNIT)


@given(st.integers(0, 50), st.integers(0, 80), st.integers(0, 80), st.booleans(), st.booleans())
def test_a_lease_never_counts_for_less_than_was_spent(
    units: int, seen: int, used: int, final: bool, expired: bool
) -> None:
    state = LeaseState(units, seen, used, final, expired)
    for hard in (True, False):
        assert lease.counts_for(state, hard=hard) >= seen
    if not final:
        assert lease.counts_for(state, hard=True) >= units


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 30)), max_size=60))
def test_a_bucket_lets_no_more_through_in_any_span_than_its_rate_and_burst(calls: list[tuple[int, int]]) -> None:
    bucket = rate.bucket(units=100, per_seconds=10, burst=20, now_ms=0)
    now, passed = 0, [(0, 0)]
    for wait, units in calls:
        now += wait
        if bucket.filled(now) >= units:
            bucket.take(units, now)
            passed.append((now, units))
        else:
            later = now + bucket.wait_ms(units, now)
            assert bucket.filled(later) >= min(units, 20)
    for first in range(len(passed)):
        total = 0
        for at, units in passed[first:]:
            total += units
            assert total <= 20 + (at - passed[first][0]) * 100 / 10_000
    assert all(one <= two for (one, _), (two, _) in pairwise(passed))


def test_a_decision_verifies_for_its_tenant_and_key_only_and_not_when_changed() -> None:
    decision = Decision(7, 1_000, False, 0, True, 3, "sub_1", "prod_1", "api_calls", 10, 10, ((5, True),))
    token = sign(decision, "ten_1", b"k" * 32)
    assert verify(token, "ten_1", b"k" * 32) == decision
    assert verify(token, "ten_2", b"k" * 32) is None
    assert verify(token, "ten_1", b"j" * 32) is None
    assert len(token) < 200
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert verify(changed, "ten_1", b"k" * 32) in (None, decision)  # the last letter may hold spare bits
    for made_up in ("", "dec_", "dec_%%%", "dec_" + "A" * 5_000, "dec_ü", "lease_1"):
        assert verify(made_up, "ten_1", b"k" * 32) is None
