"""How the api shows why one customer earns or loses money."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from aforo.enforcement.earnings.customer import Applied, GuardNow, Part
from aforo.enforcement.earnings.reading import CustomerAnswer
from aforo.enforcement.earnings.table import money, units
from aforo.enforcement.earnings.views import LINE, MarginLine, decimal_text, line_view
from aforo.kit.wire import Moment, WireModel

CUSTOMER_EXAMPLE: Final[dict[str, Any]] = {
    **LINE,
    "span": "month",
    "from": "2026-11-01T00:00:00.000Z",
    "to": "2026-11-22T14:05:12.000Z",
    "currency": "EUR",
    "parts": [
        {
            "productId": "prod_01k9q3",
            "name": "search",
            "metric": "api_calls",
            "units": "98073",
            "revenue": "294.22",
            "cost": "402.10",
            "margin": "-107.88",
            "soldAt": "0.003",
            "costsAt": "0.0041",
        }
    ],
    "days": [{"from": "2026-11-22T00:00:00.000Z", "calls": "4003", "revenue": "12.01", "cost": "16.41"}],
    "costRules": [
        {
            "productId": "prod_01k9q3",
            "metric": "api_calls",
            "unitCost": "0.0041",
            "currency": "EUR",
            "validFrom": "2026-11-01T00:00:00.000Z",
            "units": "98073",
            "cost": "402.10",
        }
    ],
    "guards": [
        {"kind": "CUSTOMER", "ref": "cust_01k9q3", "mode": "observe", "floors": ["0.30", None, "0.10"], "level": "L3"}
    ],
    "refusals": [{"reason": "margin_blocked", "enforced": False, "calls": 1204}],
    "subscriptionIds": ["sub_01k9q3"],
}


class MarginPart(WireModel):
    """A product and metric; fixed fees have neither. `soldAt` and `costsAt` are a unit's average."""

    product_id: str | None
    name: str
    metric: str | None
    units: str
    revenue: str | None
    cost: str | None
    margin: str | None
    sold_at: str | None
    costs_at: str | None


class MarginDay(WireModel):
    """From its begin to the next one's; an hour for `today`. Fixed fees belong to none."""

    from_: Annotated[Moment, Field(alias="from")]
    calls: str
    revenue: str | None
    cost: str | None


class AppliedRule(WireModel):
    """A cost rule that counted: for how many units, and what they cost by it."""

    product_id: str | None
    metric: str | None
    unit_cost: str
    currency: str
    valid_from: Moment
    units: str
    cost: str | None


class MarginGuardNow(WireModel):
    """A guard over this customer. `level` is that of whatever it watches, this calendar month of UTC."""

    kind: Literal["CUSTOMER", "TIER", "TENANT"]
    ref: str
    mode: Literal["observe", "enforce"]
    floors: list[str | None]
    level: Literal["NONE", "L1", "L2", "L3", "UNKNOWN"]


class MarginRefusals(WireModel):
    """Calls of the last 7 days decided against for one reason; not `enforced`: they passed, and would not have."""

    reason: str
    enforced: bool
    calls: int


class CustomerMarginView(MarginLine):
    """Why one customer earns or loses money. The parts add up to the whole, the days to the parts without fees."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [CUSTOMER_EXAMPLE]}}
    span: Literal["today", "7d", "30d", "month"]
    from_: Annotated[Moment, Field(alias="from")]
    to: Moment
    currency: str | None
    parts: list[MarginPart]
    days: list[MarginDay]
    cost_rules: list[AppliedRule]
    guards: list[MarginGuardNow]
    refusals: list[MarginRefusals]
    subscription_ids: list[str]


def customer_view(answer: CustomerAnswer) -> CustomerMarginView:
    found, span = answer.margin, answer.margin.figures.span
    starts = [
        {"from": begin, "calls": f"{units(day.calls):f}"} for begin, day in zip(span.buckets, found.days, strict=True)
    ]
    return CustomerMarginView.model_validate(
        {
            **dict(line_view(found.line)),
            "name": answer.customer.name,
            "span": span.name,
            "from": span.start,
            "to": span.end,
            "currency": found.figures.currency,
            "parts": [_part(one) for one in found.parts],
            "days": [
                start | {"revenue": decimal_text(money(day.revenue)), "cost": decimal_text(money(day.cost))}
                for start, day in zip(starts, found.days, strict=True)
            ],
            "cost_rules": [_applied(one) for one in found.rules],
            "guards": [_guard(one) for one in found.guards],
            "refusals": [
                MarginRefusals(reason=one.reason, enforced=one.enforced, calls=one.calls) for one in found.refused
            ],
            "subscription_ids": [one.subscription.id for one in answer.subscriptions],
        }
    )


def _part(one: Part) -> MarginPart:
    return MarginPart(
        product_id=one.product or None,
        name=one.name,
        metric=one.metric or None,
        units=f"{one.units:f}",
        revenue=decimal_text(one.revenue),
        cost=decimal_text(one.cost),
        margin=decimal_text(one.margin),
        sold_at=decimal_text(one.sold_at),
        costs_at=decimal_text(one.costs_at),
    )


def _applied(one: Applied) -> AppliedRule:
    return AppliedRule(
        product_id=one.product,
        metric=one.metric,
        unit_cost=f"{one.unit_cost:f}",
        currency=one.currency,
        valid_from=one.since,
        units=f"{one.units:f}",
        cost=decimal_text(one.cost),
    )


def _guard(one: GuardNow) -> MarginGuardNow:
    return MarginGuardNow.model_validate(
        {
            "kind": one.kind,
            "ref": one.ref,
            "mode": "enforce" if one.enforced else "observe",
            "floors": [decimal_text(floor) for floor in one.floors],
            "level": one.level,
        }
    )
