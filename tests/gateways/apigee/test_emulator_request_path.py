"""The emulator's request path lets pass what Apigee's VerifyAPIKey would, and nothing else reaches the backend."""

import httpx2
import pytest

from tests.gateways.apigee.apigee_parts import BASE, World, world
from tests.gateways.apigee.test_emulator_operations import OCTETS

APP = "/developers/api@acme.example/apps/shop"
KEY = f"{APP}/keys/mine"
PATH = "/orders-v1/orders/7"


async def _ask(one: World, path: str = PATH, method: str = "GET", **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(one.emulator), base_url=BASE) as http:
        return await http.request(method, f"/proxy{path}", headers=headers)


async def _shop(*products: str) -> World:
    """An app with the key `mine`."""
    one = world()
    await one.call("POST", APP.removesuffix("/shop"), {"name": "shop"})
    await one.call("POST", f"{APP}/keys", {"consumerKey": "mine", "consumerSecret": "s", "expiresInSeconds": "60"})
    if products:
        await one.call("POST", KEY, {"apiProducts": list(products)})
    return one


async def _refused(one: World, path: str = PATH, method: str = "GET", key: str = "mine") -> tuple[int, str]:
    answer = await _ask(one, path, method, **{"x-apikey": key})
    assert one.emulator.proxying.backend_calls.total() == 0
    assert key not in answer.text
    return answer.status_code, answer.json()["fault"]["detail"]["errorcode"].rpartition(".")[2]


@pytest.mark.parametrize("headers", [{"x-apikey": "mine"}, {"authorization": "Bearer mine"}])
async def test_a_key_passes_to_the_backend_and_is_counted_there(headers: dict[str, str]) -> None:
    one = await _shop("orders-v1")
    answer = await _ask(one, **headers)
    assert (answer.status_code, answer.json()["apiproduct"], answer.json()["path"]) == (200, "orders-v1", "/orders/7")
    assert one.emulator.proxying.backend_calls == {"orders-v1": 1}


async def test_nobody_passes_without_a_key_or_with_one_that_is_not_known() -> None:
    one = await _shop("orders-v1")
    answer = await _ask(one)
    assert (answer.status_code, "FailedToResolveAPIKey" in answer.text) == (401, True)
    assert await _refused(one, key="other") == (401, "InvalidApiKey")


async def test_a_key_opens_the_resources_and_methods_of_its_products_alone() -> None:
    one = await _shop("orders-v1")
    for path, method in (("/search-v1/search", "GET"), ("/orders-v1/orders/7/lines", "GET"), (PATH, "DELETE")):
        assert await _refused(one, path, method) == (401, "InvalidApiKeyForGivenResource")
    assert (await _refused(one, "/nowhere/x"))[0] == 404


async def test_a_key_without_products_opens_nothing() -> None:
    assert await _refused(await _shop()) == (400, "consumer_key_missing_api_product_association")


@pytest.mark.parametrize("path", [KEY, APP])
async def test_a_revoked_key_or_app_opens_nothing(path: str) -> None:
    one = await _shop("orders-v1")
    await one.call("POST", f"{path}?action=revoke", status=204, headers=OCTETS)
    assert await _refused(one) == (401, "ApiKeyNotApproved")


async def test_an_expired_key_opens_nothing() -> None:
    one = await _shop("orders-v1")
    one.clock.forward(seconds=61)
    assert await _refused(one) == (401, "ApiKeyNotApproved")


async def test_a_product_that_is_revoked_or_pending_at_the_key_opens_nothing() -> None:
    one = await _shop("orders-v1", "payments-v1")
    assert await _refused(one, "/payments-v1/payments") == (401, "InvalidApiKeyForGivenResource")
    await one.call("POST", f"{KEY}/apiproducts/orders-v1?action=revoke", status=204, headers=OCTETS)
    assert await _refused(one) == (401, "InvalidApiKeyForGivenResource")


async def test_an_inactive_developer_opens_nothing() -> None:
    one = await _shop("orders-v1")
    await one.call("POST", "/developers/api@acme.example?action=inactive", status=204, headers=OCTETS)
    assert await _refused(one) == (401, "DeveloperStatusNotActive")


@pytest.mark.parametrize(
    ("product", "passes"),
    [
        ({}, True),
        ({"environments": ["eval"]}, False),
        ({"proxies": ["search-v1"]}, False),
        ({"proxies": ["orders-v1"], "apiResources": ["/orders/**"]}, True),
        ({"proxies": ["orders-v1"], "apiResources": ["/"]}, True),
        ({"apiResources": ["/orders"]}, False),
        ({"operationGroup": {"operationConfigs": [{"apiSource": "orders-v1"}]}}, True),
    ],
)
async def test_what_a_product_does_not_name_it_allows(product: dict[str, object], passes: bool) -> None:
    one = world()
    await one.call("POST", "/apiproducts", {"name": "tried", "displayName": "Tried", **product})
    told = {"name": "shop", "apiProducts": ["tried"]}
    made = await one.call("POST", APP.removesuffix("/shop"), told)
    answer = await _ask(one, **{"x-apikey": made["credentials"][0]["consumerKey"]})
    assert (answer.status_code == 200) is passes


async def test_developers_are_found_by_an_apps_name() -> None:
    one = await _shop()
    assert await one.call("GET", "/developers?app=shop") == {"developer": [{"email": "api@acme.example"}]}
    assert await one.call("GET", "/developers?app=none") == {}
