"""Realistic products for demonstrations and tests: the same for the same size, whenever it is asked."""

import uuid
from dataclasses import dataclass
from itertools import count
from typing import Final

from aforo.gateway_sdk.emulator import StateFile

from .answers import Row
from .apps import Apps
from .credentials import Credentials
from .developers import Developers
from .organization import Organization
from .products import Products, RatePlans
from .store import Store

ORGANIZATION: Final = "emulated-apis"
_BEGAN: Final = 1_790_000_000.0
_NAMESPACE: Final = uuid.UUID("6a1d4f0c-0b7e-4b7c-9d53-2f8f6c1a9e44")
_ENVIRONMENTS: Final = ("eval", "prod")
_CUSTOMERS: Final = ("acme", "globex", "initech", "umbrella")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a seeded product is about; `fee` in US dollars a month makes it one with a rate plan."""

    name: str
    resources: tuple[str, ...]
    team: str
    methods: tuple[str, ...] = ("GET",)
    fee: int | None = None
    manual: bool = False


OFFERS: Final = (
    Offer("payments", ("/payments/**", "/refunds/**"), "money", ("GET", "POST"), fee=99, manual=True),
    Offer("orders", ("/orders", "/orders/*"), "shop", ("GET", "POST", "PATCH")),
    Offer("search", ("/search",), "shop"),
    Offer("translation", ("/translate", "/detect"), "language", ("POST",), fee=29),
    Offer("catalog", ("/products/**", "/categories/**"), "shop"),
    Offer("shipping", ("/shipments/**", "/rates"), "logistics", ("GET", "POST")),
    Offer("identity", ("/users/**", "/sessions"), "platform", ("GET", "POST", "DELETE"), manual=True),
    Offer("geocoding", ("/geocode", "/reverse"), "maps", fee=19),
    Offer("invoices", ("/invoices/**",), "money"),
    Offer("weather", ("/forecast/*", "/history/*"), "maps"),
    Offer("messaging", ("/messages",), "platform", ("POST",)),
    Offer("reports", ("/reports/**",), "data"),
)


def seed(state: StateFile, size: int = 12) -> None:
    """Add `size` products with operations and some rate plans, and developers with an app and a key each."""
    store = Store(state, lambda: _BEGAN)
    organization = Organization(store, ORGANIZATION, monetized=True)
    products, plans = Products(store, 1000), RatePlans(store, 1000, monetized=True)
    for environment in _ENVIRONMENTS:
        organization.add_environment(environment)
    for index in range(size):
        offer, version = OFFERS[index % len(OFFERS)], index // len(OFFERS) + 1
        organization.add_proxy(f"{offer.name}-v{version}", "prod")
        products.create(_product(offer, version, index))
        if offer.fee is not None:
            name = f"{offer.name}-v{version}"
            plans.create(name, _plan(offer.fee), str(uuid.uuid5(_NAMESPACE, name)))
    _add_customers(store, size)
    store.save()


def _product(offer: Offer, version: int, index: int) -> Row:
    name = f"{offer.name}-v{version}"
    quota = {"limit": str(600 * (1 + index % 5)), "interval": "1", "timeUnit": "minute"}
    configs: list[Row] = [
        {"apiSource": name, "operations": [{"resource": resource, "methods": list(offer.methods)}], "quota": quota}
        for resource in offer.resources
    ]
    return {
        "name": name,
        "displayName": f"{offer.name.capitalize()} API v{version}",
        "description": f"The {offer.name} API of team {offer.team}",
        "approvalType": "manual" if offer.manual else "auto",
        "environments": list(_ENVIRONMENTS),
        "scopes": [f"{offer.name}.read", f"{offer.name}.write"] if "POST" in offer.methods else [f"{offer.name}.read"],
        "quota": str(10_000 * (1 + index % 7)),
        "quotaInterval": "1",
        "quotaTimeUnit": "day",
        "quotaCounterScope": "PRODUCT",
        "attributes": [
            {"name": "access", "value": "private" if offer.manual else "public"},
            {"name": "team", "value": offer.team},
            {"name": "version", "value": f"v{version}"},
        ],
        "operationGroup": {"operationConfigType": "proxy", "operationConfigs": configs},
    }


def _plan(fee: int) -> Row:
    return {
        "displayName": "Monthly",
        "description": "A monthly fee, and a price for each call beyond the first thousand",
        "billingPeriod": "MONTHLY",
        "currencyCode": "USD",
        "fixedRecurringFee": {"currencyCode": "USD", "units": str(fee)},
        "fixedFeeFrequency": 1,
        "consumptionPricingType": "BANDED",
        "consumptionPricingRates": [
            {"end": "1000", "fee": {"currencyCode": "USD"}},
            {"start": "1000", "fee": {"currencyCode": "USD", "nanos": 2_000_000}},
        ],
        "startTime": "1790000000000",
        "state": "PUBLISHED",
    }


def _add_customers(store: Store, size: int) -> None:
    """A developer each, once however often a file is seeded, with an app for the first product."""
    developers = Developers(store, ORGANIZATION, 1000)
    apps = Apps(store, developers, Credentials(store), 1000)
    numbers = count()

    def mint() -> tuple[str, str]:
        key, secret = (uuid.uuid5(_NAMESPACE, f"key {next(numbers)}").hex for _ in range(2))
        return key, secret

    for customer in _CUSTOMERS:
        email = f"api@{customer}.example"
        if store.get("developers", email) is None:
            developers.create({"email": email, "firstName": customer, "lastName": "API", "userName": customer})
            wanted = {"name": f"{customer}-app", **({"apiProducts": ["payments-v1"]} if size else {})}
            apps.create(email, wanted, mint)
