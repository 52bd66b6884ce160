"""What the tour sells, to whom, and where."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

PREFIX: Final = "tour-"
"""How the tour's plans and its customers' external ids begin."""

CALLS_A_CUSTOMER: Final = 40
QUOTA: Final = 30
CURRENCY: Final = "EUR"
UNIT_COST: Final = Decimal("0.0100")


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go: the product by its name at the gateway, the path and header of its request path.

    `base_setting` is the connection's setting that holds the emulator's address; `key_from` where the artifact is to
    look for a key, if elsewhere than it does by itself.
    """

    gateway: str
    ref: str
    path: str
    header: str
    base_setting: str
    key_from: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The integration's, as the emulated gateways are connected."""
        return f"{self.gateway}-emulated"


PLACES: Final = (
    Place("kong", "orders-v1", "/proxy/v1/orders", "apikey", "admin_url"),
    Place("apigee", "orders-v1", "/proxy/orders-v1/orders", "x-apikey", "api_url", ("header:x-apikey", "bearer")),
)
EDITED: Final = PLACES[0]
"""Where somebody changes a timeout behind Aforo's back."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A customer and the plan it is on. `terms` are those of a new plan, without products."""

    customer: str
    key: str
    plan: str
    terms: dict[str, Any]
    lesson: str

    @property
    def plan_key(self) -> str:
        return PREFIX + self.key

    @property
    def external_id(self) -> str:
        return f"{PREFIX}{self.key}-customer"


SALES: Final = (
    Sale(
        "Birch Books",
        "starter",
        "Tour: Starter",
        {
            "quotas": [{"metric": "api_calls", "units": str(QUOTA), "period": "month", "mode": "HARD"}],
            "rateCard": [{"model": "flat", "name": "Base fee", "amount": "2.00"}],
        },
        f"{QUOTA} calls a month over both gateways together, and not one more",
    ),
    Sale(
        "Lantern Travel",
        "pay",
        "Tour: Pay per call",
        {"rateCard": [{"metric": "api_calls", "model": "per_unit", "unitPrice": "0.0250"}]},
        "pays more for a call than it costs",
    ),
    Sale(
        "Copper Maps",
        "bulk",
        "Tour: Bulk",
        {"rateCard": [{"metric": "api_calls", "model": "per_unit", "unitPrice": "0.0040"}]},
        "pays less for a call than it costs",
    ),
)
