"""A plan in words, for gateways that can show them beside what they hold of it."""

from collections.abc import Mapping

from aforo.customers import Plan, Rate


def facts(plan: Plan) -> Mapping[str, str]:
    """Key, version, and a price for each entry of the rate card."""
    told = {"key": plan.key, "version": str(plan.version)}
    for number, rate in enumerate(plan.terms.rate_card, 1):
        told[f"price.{number}"] = _price(rate, plan.terms.currency)
    return told


def _price(rate: Rate, currency: str) -> str:
    what = rate.name or rate.metric or "fee"
    return f"{what}: {_words(rate, currency)}"


def _words(rate: Rate, currency: str) -> str:
    if rate.amount is not None:
        return f"{rate.amount:f} {currency} a period"
    if rate.percent is not None:
        return f"{rate.percent:f} %" + (f", at least {rate.min_fee:f} {currency}" if rate.min_fee else "")
    if rate.tiers:
        return f"{rate.model.value}, from {rate.tiers[0].unit_price:f} {currency} a unit"
    beyond = _overage(rate, currency)
    return f"{rate.included_units:f} included, then {beyond}" if rate.included_units is not None else beyond


def _overage(rate: Rate, currency: str) -> str:
    if rate.block_units is not None and rate.block_price is not None:
        return f"{rate.block_price:f} {currency} for each {rate.block_units:f} units"
    return f"{rate.unit_price or 0:f} {currency} a unit"
