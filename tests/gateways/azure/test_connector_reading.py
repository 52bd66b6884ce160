"""Discovering and reading products: whole ones, or told to be partial."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from aforo.gateway_sdk.contract import SPEC_KIND
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import (
    GatewayUnavailable,
)
from aforo.gateways.azure.emulator.app import BASE
from tests.gateways.azure.azure_parts import Azure, azure, quiet

pytestmark = pytest.mark.conformance


@pytest.fixture
async def service() -> AsyncIterator[Azure]:
    async with azure(4) as running:
        yield running


async def test_a_product_has_its_apis_policies_tags_and_the_named_values_it_uses(service: Azure) -> None:
    found = await service.gateway.discover(quiet)
    assert [product.ref for product in found.products] == ["Orders", "Payments", "Translation", "Weather"][
        :0
    ] or sorted(product.ref for product in found.products) == sorted(["Orders", "Payments", "Weather", "Translation"])
    payments = next(product for product in found.products if product.ref == "Payments")
    assert [(entity.kind, entity.key) for entity in payments.entities] == [
        ("named_value", "backend-key"),
        ("named_value", "payments-us-backend"),
        ("product", "settings"),
        (SPEC_KIND, "payments"),
        ("api", "payments"),
        ("policy", "api:payments"),
    ]
    assert payments.version == "v2"
    secret = payments.entity("named_value", "backend-key")
    assert secret is not None
    assert set(secret.masked) == {"/value"}
    assert "emulated-backend-key" not in repr(payments)
    assert any("policy for all APIs" in note for note in found.notes)


async def test_reading_one_product_tells_the_same_as_discovering_all(service: Azure) -> None:
    for product in (await service.gateway.discover(quiet)).products:
        assert await service.gateway.read(product) == product


async def test_a_product_that_is_gone_reads_as_none_and_one_made_again_is_found_by_its_ref(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.hand("DELETE", "products/orders", deleteSubscriptions="true")
    assert await service.gateway.read(recorded) is None
    service.put("products/new-orders", {"displayName": "Orders"})
    assert (await service.live(recorded)).native_id == "new-orders"


async def test_products_that_share_a_name_are_told_apart(service: Azure) -> None:
    service.put("products/orders-2", {"displayName": "Orders"})
    refs = [product.ref for product in (await service.gateway.discover(quiet)).products]
    assert {"Orders (orders)", "Orders (orders-2)"} <= set(refs)
    assert "Orders" not in refs


@pytest.mark.parametrize(
    ("path", "after", "kept"),
    [
        ("products", 1, 2),
        ("productsByTags", 0, 0),
        ("namedValues", 0, 2),
        ("products/orders/apis", 0, 3),
        ("products/orders/policies", 0, 3),
        ("apis/orders", 0, 3),
        ("apis/payments/policies", 0, 3),
    ],
)
async def test_a_partial_read_says_so_and_tells_only_whole_products(path: str, after: int, kept: int) -> None:
    async with azure(4, page_size=2) as service:
        whole = {product.ref: product for product in (await service.gateway.discover(quiet)).products}
        exact = f"{BASE}/{path}"
        service.board.faults.append(_Exact(503, times=100, after=after, path=exact))
        found = await service.gateway.discover(quiet)
        assert found.partial
        assert len(found.products) == kept
        assert all(product == whole[product.ref] for product in found.products)


class _Exact(Fault):
    """Matches this very path, and of a policy the one below it."""

    def matches(self, method: str, path: str) -> bool:
        return path.removesuffix("/policy") == self.path and super().matches(method, path)


@pytest.mark.parametrize("path", ["apis/orders", "products/orders/apis", "export"])
async def test_a_404_of_something_that_is_still_there_concludes_nothing(service: Azure, path: str) -> None:
    where = "/api-export/" if path == "export" else f"{BASE}/{path}"
    body = json.dumps({"error": {"code": "ResourceNotFound", "message": "not now"}})
    service.board.faults.append(_Once(404, path=where, body=body))
    found = await service.gateway.discover(quiet)
    assert (found.partial, len(found.products)) == (True, 3)


class _Once(Fault):
    """The first call of this path; what lies below a folder counts too."""

    def matches(self, method: str, path: str) -> bool:
        return (path == self.path or self.path.endswith("/")) and super().matches(method, path)


async def test_an_api_deleted_while_we_read_is_gone_and_no_fault(service: Azure) -> None:
    service.board.faults.append(_Gone(0, path=f"{BASE}/apis/orders", service=service))
    found = await service.gateway.discover(quiet)
    assert not found.partial
    orders = next(product for product in found.products if product.ref == "Orders")
    assert orders.entity("api", "orders") is None


@dataclass(slots=True)
class _Gone(Fault):
    """Deletes the API when it is first asked for."""

    service: Azure | None = None

    def matches(self, method: str, path: str) -> bool:
        if path == self.path and self.times and self.service:
            self.times = 0
            self.service.put_away("apis/orders")
        return False


async def test_a_first_call_that_fails_raises(service: Azure) -> None:
    service.board.faults.append(Fault(503, times=9, path=f"{BASE}/products"))
    with pytest.raises(GatewayUnavailable):
        await service.gateway.discover(quiet)


async def test_an_api_in_two_products_is_read_once_and_differs_in_both(service: Azure) -> None:
    service.put("products/weather/apis/orders")
    before = len(service.board.log)
    first, second = await service.product("Orders"), await service.product("Weather")
    exports = [path for method, path in service.board.log[before:] if path == f"{BASE}/apis/orders"]
    assert len(exports) == 2, "once in each of two discoveries"
    service.hand("PATCH", "apis/orders", {"serviceUrl": "https://x.example"})
    assert await service.drift(first) == await service.drift(second) == ["/api/orders/serviceUrl"]
    await service.restore(first)
    assert await service.drift(second) == []


async def test_an_api_without_openapi_has_settings_and_no_description(service: Azure) -> None:
    service.put(
        "apis/socket", {"displayName": "Socket", "path": "socket", "type": "websocket", "serviceUrl": "wss://a.example"}
    )
    service.put("products/orders/apis/socket")
    found = await service.gateway.discover(quiet)
    orders = next(product for product in found.products if product.ref == "Orders")
    assert orders.entity("api", "socket") is not None
    assert orders.entity(SPEC_KIND, "socket") is None
    assert any("socket" in note for note in found.notes)


async def test_our_mark_is_no_wish_but_shows_whose_the_product_is(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.put("tags/aforo", {"displayName": "aforo"})
    service.put("products/orders/tags/aforo")
    assert await service.drift(recorded) == []
    marked = (await service.live(recorded)).entity("product", "settings")
    assert marked is not None
    assert marked.owned
