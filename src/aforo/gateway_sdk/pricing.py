"""What of a plan a gateway can carry itself: quotas, rate limits and facts, kept there like a product's configuration.

A gateway that takes pricing has a part `pricing` with `connect(connection) -> Pricing`. A plan at a gateway is a
`Product` value made of entities, so that preview, comparison, apply and drift work as they do for products. Aforo's
own enforcement is exact and spans gateways; what is synced here is the gateway's own, coarser, safety net.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from aforo.gateway_sdk.contract import Product, Step, StepDone
from aforo.gateway_sdk.manifest import EntityKind


@dataclass(frozen=True, slots=True)
class ScopedProduct:
    """A product that a subscription opens, as the catalog recorded it."""

    id: str
    ref: str
    native_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `units` of `metric` in a period. `period` is a calendar word, `seconds` its nominal length.

    period   second, minute, hour, day, week, month or year
    hard     whether the plan refuses beyond it; a soft limit is carried only where the gateway can let pass and tell
    """

    metric: str
    units: Decimal
    period: str
    seconds: int
    hard: bool = True
    burst: Decimal | None = None
    is_rate: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A published plan version as far as one gateway is concerned: its products there, and who is on it.

    `facts` are the plan's key, version, currency and prices in words, for gateways that can show them.
    """

    plan_id: str
    key: str
    name: str
    version: int
    products: tuple[ScopedProduct, ...]
    limits: tuple[Limit, ...]
    currency: str
    facts: Mapping[str, str] = field(default_factory=dict)
    subscription_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """A plan in the gateway's own objects.

    wanted    as a product with `ref` "plan:<key>"
    left_out  what the gateway cannot hold, in words, such as "quota of metric tokens: Kong counts calls only"
    dangers   what applying it does to others, in words; shown in the preview and confirmed with it
    """

    wanted: Product
    left_out: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()


class Pricing(Protocol):
    """Every call may raise a `GatewayError`, and nothing else that is expected."""

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        """The kinds of entities that a carried plan consists of, in the order in which they are created."""
        ...

    async def carry(self, offer: Offer) -> Carried:
        """What the gateway is to hold for this plan; reads at most what it needs to know what the gateway can do."""
        ...

    async def read(self, wanted: Product) -> Product | None:
        """The same plan as it stands, made by Aforo or changed since; None if nothing of it is there."""
        ...

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """As `Gateway.apply`. Touches nothing that does not carry Aforo's mark."""
        ...

    async def tag(self, product: Product, *, monetized: bool) -> None:
        """Set or take Aforo's tag `aforo-monetized` at the product; other tags stay."""
        ...

    async def aclose(self) -> None: ...
