"""What the hot path knows: plans, grants, products and guards as immutable values. Quantities are nano-units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from aforo.credentials import CredentialRow
from aforo.enforcement.rules.price import Price


class Log(StrEnum):
    """Live and test keys have their own logs and counters."""

    LIVE = "live"
    TEST = "test"


class Span(NamedTuple):
    """A recurring period, as a plan names it: `every` is hour, day, week, month, quarter or year."""

    every: str
    anchor_day: int
    time_zone: str


MONTH: Final = Span("month", 1, "UTC")
"""The period of margins: the calendar month of UTC, for all customers alike."""


class Quota(NamedTuple):
    """`mode` is HARD, SOFT or OVERAGE."""

    metric: str
    limit: int
    mode: str
    span: Span


class RateLimit(NamedTuple):
    """So many units in so many seconds; see `rules.rate` for what a burst is."""

    units: int
    per_seconds: int
    burst: int | None


class SpendCap(NamedTuple):
    """In 10^-21 of the currency."""

    amount: int
    span: Span


@dataclass(frozen=True, slots=True)
class Terms:
    """A published plan version, made ready for deciding."""

    plan_id: str
    key: str
    version: int
    currency: str
    product_ids: frozenset[str]
    quotas: Mapping[str, tuple[Quota, ...]]
    rate_limits: Mapping[str, tuple[RateLimit, ...]]
    features: Mapping[str, bool]
    prices: Mapping[str, Price]
    fixed_fees: int
    is_priced: bool
    spend_cap: SpendCap | None
    fail_mode: str
    outage_units: int
    metrics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A subscription that is not cancelled. PENDING becomes ACTIVE by time alone."""

    tenant_id: str
    subscription_id: str
    customer_id: str
    external_id: str | None
    status: str
    starts_ms: int
    terms: Terms

    def is_active(self, now_ms: int) -> bool:
        return self.status == "ACTIVE" or (self.status == "PENDING" and self.starts_ms <= now_ms)


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalog, and whether the operator has switched it to `enforce`."""

    id: str
    integration_id: str
    ref: str
    enforced: bool


CredentialKey = tuple[str, str, str]
"""Integration, type and native id."""


class Guard(NamedTuple):
    """A margin guard. Floors are in 10^-9 of the revenue."""

    kind: str
    ref: str
    enforced: bool
    floors: tuple[int | None, int | None, int | None]
    throttle_percent: int
    retry_seconds: int


class CostRule(NamedTuple):
    """What a unit costs from a moment on, in 10^-12 of a currency; for a product, a metric, or both."""

    product_id: str | None
    metric: str | None
    unit_cost: int
    currency: str
    from_ms: int


ScopeKey = tuple[str, str]
"""CUSTOMER, TIER or TENANT, and the customer's id, the plan's key, the tenant's id."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Everything that is decided by for one tenant; never changed, only replaced."""

    id: str
    version: int = 0
    paused: bool = False
    grants: Mapping[str, Grant] = field(default_factory=dict)
    by_customer: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    products: Mapping[str, Product] = field(default_factory=dict)
    refs: Mapping[tuple[str | None, str], Product] = field(default_factory=dict)
    credentials: Mapping[CredentialKey, CredentialRow] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    costs: tuple[CostRule, ...] = ()
    """In the order in which they were written."""

    enforces_any: bool = False
    fees: Mapping[ScopeKey, tuple[int, bool]] = field(default_factory=dict)
    """By guarded scope: the fixed fees of its subscriptions a month, and whether all of them have a rate card."""

    plan_modes: dict[tuple[str, int], bool] = field(default_factory=dict, compare=False)
    """Looked up once for each plan version: whether all of its products enforce. Products stay while this lives."""

    def enforces_all_of(self, terms: Terms) -> bool:
        known = self.plan_modes.get((terms.plan_id, terms.version))
        if known is None:
            products = (self.products.get(one) for one in terms.product_ids)
            known = all(product.enforced for product in products if product is not None)
            self.plan_modes[terms.plan_id, terms.version] = known
        return known

    def product(self, named: str, integration_id: str | None) -> Product | None:
        """By id, or by the gateway's own name for it: within the integration that is named, else if it is unique."""
        return self.products.get(named) or self.refs.get((integration_id, named))
