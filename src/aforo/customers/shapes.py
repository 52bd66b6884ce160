"""What callers send."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StrictInt

from aforo.customers.model import Aggregation, Mode, ScopeKind
from aforo.customers.terms import Amount, Currency, Floor, Frozen, Label, MetricName, ProductId, Quantity, Rate, Terms

_METADATA_BYTES: Final = 16 * 1024


def _metadata(given: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(given, ensure_ascii=False).encode()) > _METADATA_BYTES:
        raise ValueError("at most 16 KiB of JSON")
    return given


def _external_id(given: str) -> str:
    if given == "system" or given.startswith("cust_"):
        raise ValueError("`system` and what starts with `cust_` are Aforo's own")
    return given


def _metric_name(given: str) -> str:
    if given.startswith("system."):
        raise ValueError("names that start with `system.` are Aforo's own")
    return given


def _year(given: datetime) -> datetime:
    if not 1970 <= given.year < 2200:
        raise ValueError("a time between 1970 and 2200 is wanted here")
    return given


ExternalId = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_external_id)]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]
Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Id = Annotated[str, Field(min_length=1, max_length=64)]
When = Annotated[AwareDatetime, AfterValidator(_year)]
OwnMetricName = Annotated[MetricName, AfterValidator(_metric_name)]


def _example(**members: Any) -> Any:
    return Frozen.model_config | {"json_schema_extra": {"examples": [members]}}


class NewMetric(Frozen):
    name: OwnMetricName
    unit: Label
    aggregation: Aggregation = Aggregation.SUM
    description: str = Field(default="", max_length=2_000)

    model_config = _example(name="tokens", unit="token", aggregation="SUM", description="Tokens in and out.")


class MetricPatch(Frozen):
    """Only what is to change. The aggregation is not: it would change what past usage means."""

    unit: Label = ""
    description: str = Field(default="", max_length=2_000)

    model_config = _example(description="Calls that reached a product.")


class NewCustomer(Frozen):
    """`externalId` is what you call this customer; events may name it instead of the id."""

    name: Label
    external_id: ExternalId | None = None
    email: Email | None = None
    tier: Label | None = None
    metadata: Metadata = Field(default_factory=dict)

    model_config = _example(name="Acme", externalId="acme", email="ops@acme.example", tier="pro", metadata={})


class CustomerPatch(NewCustomer):
    """Only what is to change; null takes a value away."""

    name: Label = ""

    model_config = _example(tier="enterprise")


class NewPlan(Terms):
    """`key` is the plan's name on the wire and never changes."""

    key: Key
    name: Label | None = None

    model_config = _example(
        key="pro",
        name="Pro",
        currency="EUR",
        productIds=["prod_01k9q3"],
        quotas=[{"metric": "api_calls", "units": "100000", "period": "month", "timeZone": "Europe/Berlin"}],
        rateLimits=[{"metric": "api_calls", "perSeconds": 60, "units": "600", "burst": "100"}],
        features={"bulk": True},
        rateCard=[
            {"model": "flat", "name": "Base fee", "amount": "49.00"},
            {
                "metric": "api_calls",
                "model": "graduated",
                "tiers": [{"upTo": "10000", "unitPrice": "0.001"}, {"upTo": None, "unitPrice": "0.0008"}],
            },
        ],
        failMode={"kind": "open_up_to", "units": "500"},
    )


class PlanPatch(Terms):
    """Only what is to change; each member given replaces the whole of what stood there."""

    currency: Currency = ""
    name: Label = ""

    model_config = _example(quotas=[{"metric": "api_calls", "units": "200000", "period": "month"}])


class RateRequest(Frozen):
    """Usage by metric. `version` is the newest by default; `rateCard` prices a card that is not saved yet."""

    usage: dict[MetricName, Quantity] = Field(max_length=1_000)
    version: StrictInt | None = Field(default=None, ge=1)
    rate_card: tuple[Rate, ...] | None = Field(default=None, max_length=100)

    model_config = _example(usage={"api_calls": "123456"})


class NewSubscription(Frozen):
    """By default `planVersion` is the newest published, `startsAt` now, the primary gateway the first product's."""

    customer_id: Id
    plan_id: Id
    plan_version: StrictInt | None = Field(default=None, ge=1)
    mode: Mode = Mode.GATEWAY_GENERATED
    starts_at: When | None = None
    primary_integration_id: Id | None = None

    model_config = _example(customerId="cust_01k9q3", planId="plan_01k9q3", mode="GATEWAY_GENERATED")


class SubscriptionPatch(Frozen):
    """Moves a subscription to another plan or version; `planVersion` is the newest published by default."""

    plan_id: Id | None = None
    plan_version: StrictInt | None = Field(default=None, ge=1)
    primary_integration_id: Id | None = None

    model_config = _example(planVersion=4)


class CostScope(Frozen):
    """A product, a metric, or a metric of a product."""

    product_id: ProductId | None = None
    metric: MetricName | None = None


class NewCostRule(Frozen):
    """A later rule for the same scope takes over from its `validFrom` on, by default the quarter hour that runs."""

    scope: CostScope
    unit_cost: Amount
    currency: Currency
    valid_from: When | None = None

    model_config = _example(
        scope={"productId": "prod_01k9q3", "metric": "api_calls"},
        unitCost="0.0004",
        currency="EUR",
        validFrom="2026-11-01T00:00:00Z",
    )


class GuardScope(Frozen):
    """`ref` is a customer's id, or a plan's key for TIER; TENANT needs none."""

    kind: ScopeKind
    ref: Id | None = None


class Floors(Frozen):
    """Shares of revenue: "0.30" is 30 %. A level that is left out is not used."""

    l1: Floor | None = Field(default=None, alias="L1")
    l2: Floor | None = Field(default=None, alias="L2")
    l3: Floor | None = Field(default=None, alias="L3")

    def in_order(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        return self.l1, self.l2, self.l3


class GuardSettings(Frozen):
    """`throttleRate` is the percentage that L2 lets through."""

    mode: Literal["observe", "enforce"] = "observe"
    floors: Floors
    throttle_rate: StrictInt = Field(default=50, ge=0, le=100)
    retry_after_seconds: StrictInt = Field(default=1_800, ge=1, le=86_400)


class NewGuard(GuardSettings):
    scope: GuardScope

    model_config = _example(
        scope={"kind": "CUSTOMER", "ref": "cust_01k9q3"},
        mode="observe",
        floors={"L1": "0.30", "L2": "0.20", "L3": "0.10"},
        throttleRate=50,
        retryAfterSeconds=1800,
    )


class GuardPatch(GuardSettings):
    """Only what is to change."""

    floors: Floors = Floors()

    model_config = _example(mode="enforce")
