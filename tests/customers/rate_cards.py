"""Generated rate cards and quantities, over the whole range that is allowed."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st


def _text(nanos: int, places: int) -> str:
    return f"{Decimal(nanos).scaleb(-places):f}"


quantities = st.one_of(
    st.integers(0, 10**24 - 1).map(lambda n: _text(n, 9)),
    st.integers(0, 10**6).map(lambda n: _text(n, 0)),
    st.integers(0, 10**5).map(lambda n: _text(n, 2)),
)
some_quantities = quantities.filter(lambda text: Decimal(text) > 0)
prices = st.one_of(
    st.integers(0, 10**7).map(lambda n: _text(n, 6)),
    st.integers(0, 10**24 - 1).map(lambda n: _text(n, 12)),
)
percents = st.integers(0, 10**11).map(lambda n: _text(n, 9))


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    ends = draw(st.lists(some_quantities, max_size=5, unique_by=Decimal))
    tops: list[str | None] = [*sorted(ends, key=Decimal), None]
    return [{"upTo": top, "unitPrice": draw(prices)} for top in tops]


per_unit = st.fixed_dictionaries({"model": st.just("per_unit"), "metric": st.just("m"), "unitPrice": prices})
flat = st.fixed_dictionaries({"model": st.just("flat"), "amount": prices})
percentage = st.fixed_dictionaries(
    {"model": st.just("percentage"), "metric": st.just("m"), "percent": percents}, optional={"minFee": prices}
)
_included = {"model": st.just("included_quota"), "metric": st.just("m"), "includedUnits": quantities}
included_by_unit = st.fixed_dictionaries({**_included, "unitPrice": prices})
included_by_block = st.fixed_dictionaries({**_included, "blockUnits": some_quantities, "blockPrice": prices})
graduated = st.fixed_dictionaries({"model": st.just("graduated"), "metric": st.just("m"), "tiers": tiers()})
volume = st.fixed_dictionaries({"model": st.just("volume"), "metric": st.just("m"), "tiers": tiers()})

rising = st.one_of(per_unit, flat, percentage, included_by_unit, included_by_block, graduated)
"""Entries under which more never costs less; volume is not among them, since a cheaper tier prices all units anew."""
entries = st.one_of(rising, volume)
