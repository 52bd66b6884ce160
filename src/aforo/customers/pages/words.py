"""A plan's terms as people read them. Pure."""

from datetime import datetime, tzinfo
from typing import Any

from aforo.customers.model import Plan
from aforo.customers.rules.rating import PartKind
from aforo.customers.terms import Model, Quota, Rate, RateLimit

MODELS = {
    Model.PER_UNIT: "each unit",
    Model.FLAT: "flat fee",
    Model.PERCENTAGE: "percentage",
    Model.INCLUDED_QUOTA: "included, then each unit",
    Model.GRADUATED: "tiers, each at its price",
    Model.VOLUME: "tiers, all at the reached price",
}


PARTS = {
    PartKind.UNITS: "",
    PartKind.INCLUDED: "included",
    PartKind.BLOCKS: "blocks",
    PartKind.PERCENT: "share",
    PartKind.MINIMUM: "up to the minimum",
    PartKind.FEE: "fee",
}


def part_words(kind: PartKind) -> str:
    """What a step of a calculation is, beside its line's name."""
    return PARTS[kind]


def exact_words(moment: datetime, zone: tzinfo) -> str:
    """`1 Dec 2026, 00:00 CET`: by the plan's clock, not the page's."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def quota(one: Quota) -> str:
    """`100,000 api_calls a month, HARD`."""
    zone = "" if one.time_zone == "UTC" else f", {one.time_zone}"
    return f"{one.units:,f} {one.metric} a {one.period.value}, {one.mode.value}{zone}"


def rate_limit(one: RateLimit) -> str:
    burst = f", burst {one.burst:,f}" if one.burst is not None else ""
    return f"{one.units:,f} {one.metric} in {one.per_seconds:,} s{burst}"


def priced(entry: Rate, currency: str) -> dict[str, Any]:
    """One entry of the rate card: what it is called, how it counts, and its price in one line."""
    return {
        "name": entry.name or entry.metric or "Fee",
        "metric": entry.metric,
        "model": MODELS[entry.model],
        "price": _price(entry, currency),
        "tiers": [(_reach(tier.up_to), f"{tier.unit_price:f}") for tier in entry.tiers or ()],
    }


def metrics_of(plan: Plan) -> list[str]:
    """The metrics that a plan prices, in the order of its card, each once."""
    return list(dict.fromkeys(entry.metric for entry in plan.terms.rate_card if entry.metric))


def _price(entry: Rate, currency: str) -> str:
    if entry.tiers:
        low = min(tier.unit_price for tier in entry.tiers)
        return f"from {low:f} {currency} a unit"
    parts = [
        f"{entry.amount:,f} {currency} a period" if entry.amount is not None else "",
        f"{entry.percent:f} %" if entry.percent is not None else "",
        f"at least {entry.min_fee:,f} {currency}" if entry.min_fee is not None else "",
        f"{entry.included_units:,f} included" if entry.included_units is not None else "",
        f"{entry.unit_price:f} {currency} a unit" if entry.unit_price is not None else "",
        f"{entry.block_price:f} {currency} a block of {entry.block_units:,f}" if entry.block_units is not None else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing"


def _reach(up_to: Any) -> str:
    return "beyond" if up_to is None else f"up to {up_to:,f}"
