"""Whether terms make sense as a whole, and rate cards as priced entries."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from aforo.customers.rules import rating
from aforo.customers.rules.periods import LAST_ANCHOR
from aforo.customers.rules.statement import Priced
from aforo.customers.terms import FailMode, Model, Rate, RecurringPeriod, Terms, TierShape

Fault: TypeAlias = tuple[str, str]
"""A JSON pointer into the terms, and what is wrong there."""

_PRICES: Final = ("unit_price", "amount", "percent", "min_fee", "included_units", "block_units", "block_price", "tiers")
_NEEDS: Final[Mapping[Model, tuple[frozenset[str], frozenset[str]]]] = {
    Model.PER_UNIT: (frozenset({"unit_price"}), frozenset()),
    Model.FLAT: (frozenset({"amount"}), frozenset()),
    Model.PERCENTAGE: (frozenset({"percent"}), frozenset({"min_fee"})),
    Model.INCLUDED_QUOTA: (frozenset({"included_units"}), frozenset({"unit_price", "block_units", "block_price"})),
    Model.GRADUATED: (frozenset({"tiers"}), frozenset()),
    Model.VOLUME: (frozenset({"tiers"}), frozenset()),
}
"""For each model, the members that it must have and those that it may have."""


def faults(terms: Terms, metrics: Collection[str], products: Collection[str]) -> list[Fault]:
    """All that is wrong with readable terms, given the tenant's metrics and those of the named products that exist."""
    return [
        *_unknown_products(terms, products),
        *_unknown_metrics("/quotas", [quota.metric for quota in terms.quotas], metrics),
        *_unknown_metrics("/rateLimits", [limit.metric for limit in terms.rate_limits], metrics),
        *_quota_faults(terms),
        *_repeated("/rateLimits", [(limit.metric, limit.per_seconds) for limit in terms.rate_limits]),
        *rate_card_faults(terms.rate_card, metrics),
        *(_anchor_faults("/spendCap", terms.spend_cap) if terms.spend_cap else ()),
        *_fail_mode_faults(terms.fail_mode),
    ]


def rate_card_faults(rate_card: Sequence[Rate], metrics: Collection[str]) -> Iterator[Fault]:
    """What is wrong with each entry; a metric has at most one price beside its fees."""
    yield from _unknown_metrics("/rateCard", [entry.metric for entry in rate_card], metrics)
    for number, entry in enumerate(rate_card):
        yield from _rate_faults(f"/rateCard/{number}", entry)
    priced = [None if entry.model is Model.FLAT else entry.metric for entry in rate_card]
    yield from _repeated("/rateCard", priced)


def priced(rate_card: Sequence[Rate]) -> tuple[Priced, ...]:
    """A rate card without faults, ready for rating."""
    return tuple(Priced(price_of(entry), entry.metric, entry.name) for entry in rate_card)


def price_of(entry: Rate) -> rating.PriceModel:
    """The entry's price model; its members must be those that the model needs."""
    match entry.model:
        case Model.PER_UNIT:
            return rating.PerUnit(_given(entry.unit_price))
        case Model.FLAT:
            return rating.Flat(_given(entry.amount))
        case Model.PERCENTAGE:
            return rating.Percentage(_given(entry.percent), entry.min_fee or rating.ZERO)
        case Model.INCLUDED_QUOTA:
            price = entry.unit_price if entry.block_units is None else entry.block_price
            return rating.IncludedQuota(_given(entry.included_units), _given(price), entry.block_units)
        case Model.GRADUATED:
            return rating.Graduated(_tiers(entry))
        case Model.VOLUME:
            return rating.Volume(_tiers(entry))


def _tiers(entry: Rate) -> tuple[rating.Tier, ...]:
    return tuple(rating.Tier(tier.up_to, tier.unit_price) for tier in entry.tiers or ())


def _given(number: Decimal | None) -> Decimal:
    if number is None:
        raise ValueError("a member that this price model needs is missing")
    return number


def _unknown_products(terms: Terms, products: Collection[str]) -> Iterator[Fault]:
    for number, product in enumerate(terms.product_ids):
        if product not in products:
            yield f"/productIds/{number}", f"there is no product {product}: import it first"
    yield from _repeated("/productIds", terms.product_ids)


def _unknown_metrics(place: str, names: Sequence[str | None], metrics: Collection[str]) -> Iterator[Fault]:
    for number, name in enumerate(names):
        if name is not None and name not in metrics:
            yield f"{place}/{number}/metric", f"there is no metric {name}: create it first"


def _quota_faults(terms: Terms) -> Iterator[Fault]:
    for number, quota in enumerate(terms.quotas):
        yield from _anchor_faults(f"/quotas/{number}", quota)
    yield from _repeated("/quotas", [(quota.metric, quota.spec()) for quota in terms.quotas])


def _anchor_faults(place: str, period: RecurringPeriod) -> Iterator[Fault]:
    last = LAST_ANCHOR[period.period]
    if period.anchor_day > last:
        meaning = "has no anchor day" if last == 1 else f"has the anchor days 1 to {last}"
        yield f"{place}/anchorDay", f"a period of one {period.period} {meaning}"


def _rate_faults(place: str, entry: Rate) -> Iterator[Fault]:
    needed, possible = _NEEDS[entry.model]
    for member in _PRICES:
        given = getattr(entry, member) is not None
        if member in needed and not given:
            yield f"{place}/{_wire(member)}", f"the model {entry.model} needs it"
        if given and member not in needed | possible:
            yield f"{place}/{_wire(member)}", f"the model {entry.model} does not have it"
    if entry.metric is None and entry.model is not Model.FLAT:
        yield f"{place}/metric", f"the model {entry.model} needs it"
    if entry.model is Model.INCLUDED_QUOTA:
        yield from _overage_faults(place, entry)
    if entry.tiers is not None:
        yield from _tier_faults(f"{place}/tiers", entry.tiers)


def _overage_faults(place: str, entry: Rate) -> Iterator[Fault]:
    """Overage is priced by `unitPrice`, or by `blockUnits` with `blockPrice`."""
    if entry.unit_price is not None:
        for member in ("block_units", "block_price"):
            if getattr(entry, member) is not None:
                yield f"{place}/{_wire(member)}", "overage is priced by unit or by block, not by both"
    elif entry.block_units is None and entry.block_price is None:
        yield f"{place}/unitPrice", "overage needs a price: unitPrice, or blockUnits with blockPrice"
    elif entry.block_units is None or entry.block_price is None:
        missing = "blockUnits" if entry.block_units is None else "blockPrice"
        yield f"{place}/{missing}", "a price by block needs blockUnits and blockPrice"


def _tier_faults(place: str, tiers: Sequence[TierShape]) -> Iterator[Fault]:
    if not tiers:
        yield place, "at least one tier is needed"
        return
    floor = rating.ZERO
    for number, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            yield f"{place}/{number}/upTo", "only the last tier has no end"
        elif tier.up_to <= floor:
            yield f"{place}/{number}/upTo", "each tier ends higher than the one before"
        floor = tier.up_to or floor
    if tiers[-1].up_to is not None:
        yield f"{place}/{len(tiers) - 1}/upTo", "the last tier has no end: null"


def _fail_mode_faults(mode: FailMode) -> Iterator[Fault]:
    if mode.kind == "open_up_to" and mode.units is None:
        yield "/failMode/units", "open_up_to needs it"
    if mode.kind != "open_up_to" and mode.units is not None:
        yield "/failMode/units", "only open_up_to has it"


def _repeated(place: str, values: Iterable[Hashable]) -> Iterator[Fault]:
    seen: set[Hashable] = set()
    for number, value in enumerate(values):
        if value is not None and value in seen:
            yield f"{place}/{number}", "the same stands there already"
        seen.add(value)


def _wire(member: str) -> str:
    head, *rest = member.split("_")
    return head + "".join(word.capitalize() for word in rest)
