"""How the api shows what usage earned and cost."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from aforo.enforcement.earnings.figures import Figures
from aforo.enforcement.earnings.table import Line, money
from aforo.kit.wire import Moment, WireModel

LINE: Final[dict[str, Any]] = {
    "id": "cust_01k9q3",
    "name": "Acme",
    "calls": "98073",
    "revenue": "310.00",
    "cost": "402.10",
    "margin": "-92.10",
    "marginShare": "-0.2971",
    "level": "L3",
    "guardEnforces": False,
    "refusedCalls": 37,
    "wouldRefuseCalls": 1204,
    "missedRevenueEstimate": "3.92",
    "savedCostEstimate": "5.09",
    "unknown": "",
}
EXAMPLE: Final[dict[str, Any]] = {
    "by": "customer",
    "span": "month",
    "from": "2026-11-01T00:00:00.000Z",
    "to": "2026-11-22T14:05:12.000Z",
    "currency": "EUR",
    "revenue": "9120.00",
    "cost": "6210.00",
    "margin": "2910.00",
    "previousRevenue": "8604.00",
    "previousCost": "6001.00",
    "costBasis": "cost rules",
    "data": [LINE],
    "nextCursor": None,
}


class MarginLine(WireModel):
    """One customer, plan or product. Money is in the answer's currency and null where it is not known; `unknown` says
    why. `level` is null where no guard watches. Refusals are of the last 7 days, the money beside them is an estimate.
    """

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [LINE]}}
    id: str | None
    name: str
    calls: str
    revenue: str | None
    cost: str | None
    margin: str | None
    margin_share: str | None
    level: Literal["NONE", "L1", "L2", "L3", "UNKNOWN"] | None
    guard_enforces: bool
    refused_calls: int
    would_refuse_calls: int
    missed_revenue_estimate: str | None
    saved_cost_estimate: str | None
    unknown: str


class MarginPage(WireModel):
    """What a span earned and cost, by lines. Fixed fees count whole for `month`, by time for the other spans."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}
    by: Literal["customer", "plan", "product"]
    span: Literal["today", "7d", "30d", "month"]
    from_: Annotated[Moment, Field(alias="from")]
    to: Moment
    currency: str | None
    revenue: str | None
    cost: str | None
    margin: str | None
    previous_revenue: str | None
    previous_cost: str | None
    cost_basis: Literal["cost rules", "none"]
    data: list[MarginLine]
    next_cursor: str | None = None


def margin_page(figures: Figures, by: str, lines: list[Line], next_cursor: str | None) -> MarginPage:
    now, before, span = figures.now, figures.before, figures.span
    return MarginPage.model_validate(
        {
            "by": by,
            "span": span.name,
            "from": span.start,
            "to": span.end,
            "currency": figures.currency,
            "revenue": decimal_text(money(now.revenue)),
            "cost": decimal_text(money(now.cost)),
            "margin": decimal_text(money(now.margin)),
            "previous_revenue": decimal_text(money(before.revenue)),
            "previous_cost": decimal_text(money(before.cost)),
            "cost_basis": "cost rules" if figures.has_costs else "none",
            "data": [line_view(one) for one in lines],
            "next_cursor": next_cursor,
        }
    )


def line_view(one: Line) -> MarginLine:
    return MarginLine(
        id=one.key or None,
        name=one.name,
        calls=f"{one.calls:f}",
        revenue=decimal_text(one.revenue),
        cost=decimal_text(one.cost),
        margin=decimal_text(one.margin),
        margin_share=None if one.share is None else f"{one.share:.4f}",
        level=one.level,
        guard_enforces=one.enforced,
        refused_calls=one.refused,
        would_refuse_calls=one.would_refuse,
        missed_revenue_estimate=decimal_text(one.missed, 2),
        saved_cost_estimate=decimal_text(one.saved, 2),
        unknown=one.why,
    )


def decimal_text(amount: Decimal | None, places: int | None = None) -> str | None:
    """Exact unless `places` are given; two digits behind the point at least."""
    if amount is None:
        return None
    exact = f"{amount:f}" if places is None else f"{amount:.{places}f}"
    whole, _, fraction = exact.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"
