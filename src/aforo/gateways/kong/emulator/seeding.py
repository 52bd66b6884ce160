"""Realistic products for demonstrations and tests: the same for the same size, whenever it is asked."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from aforo.gateway_sdk.emulator import StateFile

from .entities import Entities
from .kinds import KINDS
from .store import Row, Store

_NAMESPACE = uuid.UUID("0f8a6f0e-6a55-4a6e-9f5a-1d7a5a0c5f3e")
_BEGAN = 1_790_000_000.0
"""Seconds since 1970 at which the seeded entities say they were made."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a seeded service is about; `plans` names the limit per minute by plan, for products that are sold."""

    name: str
    paths: tuple[str, ...]
    team: str
    methods: tuple[str, ...] | None = None
    open_to_browsers: bool = False
    retired: bool = False


PRODUCTS = (
    Product("payments", ("/payments", "/refunds"), "money"),
    Product("orders", ("/orders",), "shop", ("GET", "POST", "PATCH")),
    Product("search", ("/search",), "shop", ("GET",), open_to_browsers=True),
    Product("translation", ("/translate", "/detect"), "language", ("POST",)),
    Product("catalog", ("/products", "/categories"), "shop", ("GET",), open_to_browsers=True),
    Product("shipping", ("/shipments", "/rates"), "logistics"),
    Product("identity", ("/users", "/sessions"), "platform"),
    Product("geocoding", ("/geocode", "/reverse"), "maps", ("GET",), open_to_browsers=True),
    Product("invoices", ("/invoices",), "money"),
    Product("weather", ("/forecast", "/history"), "maps", ("GET",)),
    Product("messaging", ("/messages",), "platform", ("POST",)),
    Product("legacy-reports", ("/reports",), "data", retired=True),
)
_CUSTOMERS = ("acme", "globex", "initech", "umbrella")


def seed(state: StateFile, size: int = 12) -> None:
    """Add `size` services with routes, plugins and upstreams, and some consumers with keys, to what the file holds."""
    numbers = count()
    store = Store(state, lambda: _BEGAN)
    entities = Entities(store, lambda: _BEGAN, draw_id=_drawing(numbers, str), draw_key=_drawing(numbers, _hex))
    store.facts.setdefault("node_id", str(uuid.uuid5(_NAMESPACE, "node")))
    for index in range(size):
        _add_product(entities, PRODUCTS[index % len(PRODUCTS)], index)
    for customer in _CUSTOMERS:
        _add_consumer(entities, customer)
    store.save()


def _drawing(numbers: "count[int]", shape: Callable[[uuid.UUID], str]) -> Callable[[], str]:
    return lambda: shape(uuid.uuid5(_NAMESPACE, str(next(numbers))))


def _hex(value: uuid.UUID) -> str:
    return value.hex


def _add_product(entities: Entities, product: Product, index: int) -> None:
    """One service; every round through the products is one more version of each."""
    version = index // len(PRODUCTS) + 1 + (product.name == "payments")
    name = f"{product.name}-v{version}"
    tags = [f"team-{product.team}", f"v{version}", "public"]
    upstream = f"{name}.upstream.internal"
    host = upstream if index % 3 == 0 else f"{product.name}.internal.example"
    service = _add(
        entities,
        "services",
        {
            "name": name,
            "host": host,
            "port": 8080,
            "path": f"/v{version}",
            "tags": tags,
            "enabled": not product.retired,
        },
    )
    if host == upstream:
        _add_upstream(entities, upstream, tags)
    for path in product.paths:
        _add_route(entities, service, product, f"/v{version}{path}")
    _add_plugins(entities, service, product, index)


def _add_upstream(entities: Entities, name: str, tags: list[str]) -> None:
    upstream = _add(entities, "upstreams", {"name": name, "tags": tags})
    for octet, weight in ((11, 100), (12, 50)):
        target = {"target": f"10.20.0.{octet}:8080", "weight": weight, "upstream": {"id": upstream["id"]}}
        _add(entities, "targets", target)


def _add_route(entities: Entities, service: Row, product: Product, path: str) -> None:
    name = f"{service['name']}{path.replace('/', '-').removeprefix('-v1').removeprefix('-v2')}"
    route = {
        "name": name,
        "service": {"id": service["id"]},
        "paths": [path],
        "methods": list(product.methods) if product.methods else None,
        "tags": service["tags"],
        "strip_path": False,
    }
    _add(entities, "routes", route)


def _add_plugins(entities: Entities, service: Row, product: Product, index: int) -> None:
    below = {"service": {"id": service["id"]}}
    key_names = {"key_names": ["apikey", "x-api-key"], "hide_credentials": True}
    limits = {"minute": 60 * (1 + index % 5), "hour": 3600 * (1 + index % 5), "policy": "local"}
    _add(entities, "plugins", {"name": "key-auth", "config": key_names, **below})
    _add(entities, "plugins", {"name": "rate-limiting", "config": limits, "tags": service["tags"][:1], **below})
    if product.open_to_browsers:
        origins = {"origins": ["https://app.example.com"], "credentials": True, "max_age": 3600}
        _add(entities, "plugins", {"name": "cors", "config": origins, **below})
    if index % 2 == 0:
        _add(entities, "plugins", {"name": "acl", "config": {"allow": [f"product-{service['name']}"]}, **below})
    if product.retired:
        closed = {"status_code": 410, "message": "This version is no longer served"}
        _add(entities, "plugins", {"name": "request-termination", "config": closed, **below})


def _add_consumer(entities: Entities, customer: str) -> None:
    """A consumer, once however often a file is seeded."""
    if entities.store.by_handle(KINDS["consumers"], customer) is not None:
        return
    consumer = _add(entities, "consumers", {"username": customer, "custom_id": f"crm-{customer}", "tags": ["customer"]})
    below = {"consumer": {"id": consumer["id"]}}
    _add(entities, "keyauth_credentials", {**below, "tags": ["customer"]})
    _add(entities, "acls", {**below, "group": "product-payments-v2"})


def _add(entities: Entities, kind: str, given: dict[str, Any]) -> Row:
    return entities.create(KINDS[kind], given)
