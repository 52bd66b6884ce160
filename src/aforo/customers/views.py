"""The room's values as the wire shows them."""

from typing import Any, Literal

from pydantic import Field

from aforo.customers.model import (
    Aggregation,
    CostRule,
    Customer,
    MarginGuard,
    Metric,
    Mode,
    Placed,
    Plan,
    PlanState,
    ScopeKind,
)
from aforo.customers.rules.currency import plain
from aforo.customers.rules.rating import PartKind
from aforo.customers.rules.statement import Line, Statement
from aforo.customers.rules.states import State
from aforo.customers.shapes import CostScope, Floors, GuardScope
from aforo.customers.terms import Amount, Model, Rate, Terms
from aforo.kit.wire import Moment, WireModel


class MetricView(WireModel):
    name: str
    unit: str
    aggregation: Aggregation
    description: str


class CustomerView(WireModel):
    id: str
    external_id: str | None
    name: str
    email: str | None
    tier: str | None
    metadata: dict[str, Any]
    created_at: Moment
    updated_at: Moment


class PlanView(Terms):
    """One version of a plan."""

    id: str
    key: str
    name: str
    version: int
    state: PlanState
    created_at: Moment
    published_at: Moment | None


class GatewayView(WireModel):
    """How far a subscription is at one gateway."""

    integration_id: str
    wanted: State
    observed: str
    reason: str | None


class SubscriptionView(WireModel):
    id: str
    customer_id: str
    plan_id: str
    plan_version: int
    status: State
    mode: Mode
    starts_at: Moment
    primary_integration_id: str | None
    gateways: list[GatewayView]
    created_at: Moment
    updated_at: Moment
    cancelled_at: Moment | None


class PartView(WireModel):
    """One step of a calculation. Exact: not rounded to what can be paid."""

    kind: PartKind
    quantity: str
    price: str
    amount: str


class LineView(WireModel):
    """`amount` as it is paid, `exact` as it was calculated; the parts sum to `exact`."""

    metric: str | None
    model: Model
    name: str | None
    quantity: str
    amount: str
    exact: str
    parts: list[PartView]


class StatementView(WireModel):
    """`total` is the sum of the lines' amounts, `exactTotal` of what was calculated."""

    plan_id: str
    version: int
    currency: str
    lines: list[LineView]
    total: str
    exact_total: str


class CostRuleView(WireModel):
    id: str
    scope: CostScope
    unit_cost: Amount
    currency: str
    valid_from: Moment
    created_at: Moment


class GuardView(WireModel):
    id: str
    scope: GuardScope
    mode: Literal["observe", "enforce"]
    floors: Floors
    throttle_rate: int = Field(description="The percentage that L2 lets through")
    retry_after_seconds: int
    created_at: Moment
    updated_at: Moment


def metric_view(metric: Metric) -> MetricView:
    return MetricView.model_validate(metric, from_attributes=True)


def customer_view(customer: Customer) -> CustomerView:
    return CustomerView.model_validate(customer, from_attributes=True)


def plan_view(plan: Plan) -> PlanView:
    return PlanView.model_construct(
        **dict(plan.terms),
        id=plan.id,
        key=plan.key,
        name=plan.name,
        version=plan.version,
        state=plan.state,
        created_at=plan.created_at,
        published_at=plan.published_at,
    )


def subscription_view(placed: Placed) -> SubscriptionView:
    one = placed.subscription
    return SubscriptionView(
        id=one.id,
        customer_id=one.customer_id,
        plan_id=one.plan_id,
        plan_version=one.plan_version,
        status=placed.status,
        mode=one.mode,
        starts_at=one.starts_at,
        primary_integration_id=one.primary_integration_id,
        gateways=[GatewayView.model_validate(gateway, from_attributes=True) for gateway in placed.gateways],
        created_at=one.created_at,
        updated_at=one.updated_at,
        cancelled_at=one.cancelled_at,
    )


def statement_view(plan: Plan, card: tuple[Rate, ...], told: Statement) -> StatementView:
    return StatementView(
        plan_id=plan.id,
        version=plan.version,
        currency=told.currency,
        lines=[line_view(entry, line) for entry, line in zip(card, told.lines, strict=True)],
        total=f"{told.total:f}",
        exact_total=plain(told.exact_total),
    )


def cost_rule_view(rule: CostRule) -> CostRuleView:
    return CostRuleView(
        id=rule.id,
        scope=CostScope(product_id=rule.product_id, metric=rule.metric),
        unit_cost=rule.unit_cost,
        currency=rule.currency,
        valid_from=rule.valid_from,
        created_at=rule.created_at,
    )


def guard_view(guard: MarginGuard) -> GuardView:
    ref = None if guard.scope_kind is ScopeKind.TENANT else guard.scope_ref
    low, middle, high = guard.floors
    return GuardView(
        id=guard.id,
        scope=GuardScope(kind=guard.scope_kind, ref=ref),
        mode="enforce" if guard.enforce else "observe",
        floors=Floors(l1=low, l2=middle, l3=high),
        throttle_rate=guard.throttle_rate,
        retry_after_seconds=guard.retry_after_seconds,
        created_at=guard.created_at,
        updated_at=guard.updated_at,
    )


def line_view(entry: Rate, line: Line) -> LineView:
    return LineView(
        metric=entry.metric,
        model=entry.model,
        name=entry.name,
        quantity=plain(line.quantity),
        amount=f"{line.amount:f}",
        exact=plain(line.exact),
        parts=[
            PartView(kind=part.kind, quantity=plain(part.quantity), price=plain(part.price), amount=plain(part.amount))
            for part in line.parts
        ],
    )
