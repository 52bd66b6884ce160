"""What a cost rule is about, and what it comes to, as people read it. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from aforo.customers import CostRule, CostScope, NewCostRule
from aforo.enforcement.costs.effect import Effect
from aforo.enforcement.earnings import money, units


def about(rule: CostRule | CostScope, products: Mapping[str, str]) -> str:
    """`api_calls of search`, `all of search`, `api_calls`."""
    if rule.product_id is None:
        return str(rule.metric)
    name = products.get(rule.product_id, rule.product_id)
    return f"{rule.metric} of {name}" if rule.metric else f"all of {name}"


def priced(rule: CostRule | NewCostRule) -> str:
    """`0.0004 EUR`, with every digit that was written."""
    return f"{rule.unit_cost:f} {rule.currency}"


def decimals(amounts: Iterable[Decimal]) -> int:
    """How many show each of these amounts whole; two at least."""
    return max((2, *(-int(one.normalize().as_tuple().exponent) for one in amounts)))


def shown(effect: Effect) -> dict[str, Any]:
    """For the template: money as decimals, None where it is not known."""
    return {
        "span": effect.span,
        "currency": effect.currency or "",
        "units": units(effect.units),
        "cost": money(effect.cost),
        "before": _row(effect.before),
        "after": _row(effect.after),
    }


def _row(row: Any) -> dict[str, Decimal | float | None]:
    return {"revenue": money(row.revenue), "cost": money(row.cost), "margin": money(row.margin), "share": row.share}
