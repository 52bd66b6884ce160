"""Metrics, customers, plans, subscriptions, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from aforo.customers.rules.states import State
from aforo.customers.terms import Terms
from aforo.kit.jsontree import Json


class Aggregation(StrEnum):
    """How the quantities of a metric's events become one figure."""

    COUNT = "COUNT"
    SUM = "SUM"
    MAX = "MAX"
    COUNT_DISTINCT = "COUNT_DISTINCT"
    AVG = "AVG"
    PERCENTILE_95 = "PERCENTILE_95"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is counted. Events, quotas and prices name it."""

    name: str
    unit: str
    aggregation: Aggregation
    description: str = ""


API_CALLS: Final = Metric("api_calls", "call", Aggregation.SUM, "Calls that reached a product.")
"""The metric that every tenant has from the start and keeps."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys. `external_id` is what the tenant calls it; events may name either.

    `system`: Aforo's own, such as the canary of a verification. It buys nothing and is in no list.
    """

    id: str
    tenant_id: str
    external_id: str | None
    name: str
    email: str | None
    tier: str | None
    metadata: Mapping[str, Json]
    created_at: datetime
    updated_at: datetime
    system: bool = False


class PlanState(StrEnum):
    """A DRAFT changes until it is PUBLISHED; a PUBLISHED version never does."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a plan. `id`, `key` and `name` are the same in all versions; `system` as of a customer."""

    id: str
    tenant_id: str
    key: str
    name: str
    version: int
    state: PlanState
    terms: Terms
    created_at: datetime
    published_at: datetime | None
    system: bool = False


class Mode(StrEnum):
    """Who makes a subscription's credentials."""

    AFORO_PROVIDED = "AFORO_PROVIDED"
    GATEWAY_GENERATED = "GATEWAY_GENERATED"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer on one version of a plan. `status` is what is stored; `states.seen_at` tells what it is now."""

    id: str
    tenant_id: str
    customer_id: str
    plan_id: str
    plan_version: int
    status: State
    mode: Mode
    starts_at: datetime
    primary_integration_id: str | None
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProductRef:
    """What this room needs to know of a product of the catalog."""

    id: str
    name: str
    integration_id: str


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """How far a subscription is at one gateway; `observed` is PENDING until it was first there as wanted."""

    integration_id: str
    wanted: State
    observed: str = "PENDING"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A subscription as it is now, and at which gateways it is to stand."""

    subscription: Subscription
    status: State
    gateways: tuple[GatewayStatus, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A subscription that is not cancelled, its plan version, and the products that it opens."""

    subscription_id: str
    customer_id: str
    external_id: str | None
    status: State
    starts_at: datetime
    plan: Plan

    @property
    def product_ids(self) -> frozenset[str]:
        return frozenset(self.plan.terms.product_ids)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that grants hang on has changed: which, and the number by which a reader asks for what came after."""

    version: int
    kind: str
    subject: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CostRule:
    """What a unit costs the tenant, from a moment on, for a product, a metric, or a metric of a product."""

    id: str
    tenant_id: str
    product_id: str | None
    metric: str | None
    unit_cost: Decimal
    currency: str
    valid_from: datetime
    created_at: datetime


class ScopeKind(StrEnum):
    """Whose margin is guarded: one customer's, that of all on a plan (tier), or the whole tenant's."""

    CUSTOMER = "CUSTOMER"
    TIER = "TIER"
    TENANT = "TENANT"


@dataclass(frozen=True, slots=True)
class MarginGuard:
    """Below which margins to alert, throttle and block. Floors are shares of revenue; None where a level is unused."""

    id: str
    tenant_id: str
    scope_kind: ScopeKind
    scope_ref: str
    enforce: bool
    floors: tuple[Decimal | None, Decimal | None, Decimal | None]
    throttle_rate: int
    retry_after_seconds: int
    created_at: datetime
    updated_at: datetime
