"""A plan version's terms, from the JSON that the customers room keeps to values that are quick to decide by."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from aforo.enforcement.model import Quota, RateLimit, Span, SpendCap, Terms
from aforo.enforcement.rules import price
from aforo.enforcement.rules.price import Price


class _Wire(msgspec.Struct, rename="camel"):
    pass


class _Period(_Wire):
    period: str = "month"
    anchor_day: int = 1
    time_zone: str = "UTC"

    def span(self) -> Span:
        return Span(self.period, self.anchor_day, self.time_zone)


class _Quota(_Period, kw_only=True):
    metric: str
    units: str
    mode: str = "HARD"


class _RateLimit(_Wire):
    metric: str
    per_seconds: int
    units: str
    burst: str | None = None


class _Tier(_Wire):
    up_to: str | None
    unit_price: str


class _Rate(_Wire):
    model: str
    metric: str | None = None
    unit_price: str | None = None
    amount: str | None = None
    percent: str | None = None
    min_fee: str | None = None
    included_units: str | None = None
    block_units: str | None = None
    block_price: str | None = None
    tiers: list[_Tier] = []


class _SpendCap(_Period, kw_only=True):
    amount: str


class _FailMode(_Wire):
    kind: str = "closed"
    units: str | None = None


class _Terms(_Wire):
    currency: str
    product_ids: list[str] = []
    quotas: list[_Quota] = []
    rate_limits: list[_RateLimit] = []
    features: dict[str, bool] = {}
    rate_card: list[_Rate] = []
    spend_cap: _SpendCap | None = None
    fail_mode: _FailMode = msgspec.field(default_factory=_FailMode)


_decoder: Final = msgspec.json.Decoder(_Terms)


def read_terms(plan_id: str, key: str, version: int, stored: str) -> Terms:
    """Raises msgspec.ValidationError or ValueError for terms that no plan could have been published with."""
    terms = _decoder.decode(stored)
    prices = _prices(terms.rate_card)
    cap = terms.spend_cap
    return Terms(
        plan_id=plan_id,
        key=key,
        version=version,
        currency=terms.currency,
        product_ids=frozenset(terms.product_ids),
        quotas=_by_metric(terms.quotas, _quota),
        rate_limits=_by_metric(terms.rate_limits, _rate_limit),
        features=terms.features,
        prices=prices,
        fixed_fees=sum(scaled(one.amount, 21) for one in terms.rate_card if one.model == "flat"),
        is_priced=bool(terms.rate_card),
        spend_cap=SpendCap(scaled(cap.amount, 21), cap.span()) if cap else None,
        fail_mode=terms.fail_mode.kind,
        outage_units=scaled(terms.fail_mode.units, 9),
        metrics=frozenset([*prices, *(one.metric for one in terms.quotas), *(one.metric for one in terms.rate_limits)]),
    )


def scaled(number: str | None, places: int) -> int:
    """A decimal string as a whole number of 10^-places; none is 0."""
    if not number:
        return 0
    sign, digits = (-1, number[1:]) if number[0] == "-" else (1, number)
    whole, _, fraction = digits.partition(".")
    return sign * int(whole + fraction.ljust(places, "0"))


def _by_metric(rows: Iterable[Any], made: Callable[[Any], Any]) -> Mapping[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = defaultdict(tuple)
    for row in rows:
        found[row.metric] = (*found[row.metric], made(row))
    return dict(found)


def _quota(one: _Quota) -> Quota:
    return Quota(one.metric, scaled(one.units, 9), one.mode, one.span())


def _rate_limit(one: _RateLimit) -> RateLimit:
    return RateLimit(scaled(one.units, 9), one.per_seconds, scaled(one.burst, 9) if one.burst else None)


def _prices(card: list[_Rate]) -> dict[str, Price]:
    """By metric: one price each; fees by the period are no price of a metric."""
    return {one.metric: _MODELS[one.model](one) for one in card if one.metric and one.model != "flat"}


def _included(one: _Rate) -> Price:
    if one.block_units is None:
        return price.included_quota(scaled(one.included_units, 9), scaled(one.unit_price, 12), None)
    return price.included_quota(scaled(one.included_units, 9), scaled(one.block_price, 12), scaled(one.block_units, 9))


def _tiers(one: _Rate) -> list[tuple[int | None, int]]:
    return [(scaled(tier.up_to, 9) if tier.up_to else None, scaled(tier.unit_price, 12)) for tier in one.tiers]


_MODELS: Final[Mapping[str, Callable[[_Rate], Price]]] = {
    "per_unit": lambda one: price.per_unit(scaled(one.unit_price, 12)),
    "percentage": lambda one: price.percentage(scaled(one.percent, 9), scaled(one.min_fee, 12)),
    "included_quota": _included,
    "graduated": lambda one: price.graduated(_tiers(one)),
    "volume": lambda one: price.volume(_tiers(one)),
}
