"""Which calls the emulated gateway lets through, and how it words what it refuses."""

from typing import Any

import pytest

from aforo.gateways.azure.emulator.wire import Answer, Call
from tests.gateways.azure.azure_parts import ORIGIN, call
from tests.gateways.azure.provision_parts import Azure

KEYS = {"primaryKey": "one", "secondaryKey": "two"}


def service(**subscription: Any) -> Azure:
    azure = Azure(3)
    told = {"scope": "/products/weather", "ownerId": "/users/ada", "displayName": "x", "state": "active", **KEYS}
    azure.hand("PUT", "subscriptions/x", {**told, **subscription})
    return azure


def ask(azure: Azure, path: str, query: dict[str, str] | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return azure.app.answer(Call("GET", f"/proxy/{path}", query or {}, named, b"", ORIGIN))


@pytest.mark.parametrize("key", ["one", "two"])
@pytest.mark.parametrize("path", ["weather", "weather/7", "weather-admin/weather"])
def test_both_keys_of_an_active_subscription_open_every_api_of_its_product(key: str, path: str) -> None:
    azure = service()
    assert ask(azure, path, ocp_apim_subscription_key=key).status == 200
    assert ask(azure, path, {"subscription-key": key}).body["subscription"] == "x"
    assert azure.app.proxying.backend_calls.total() == 2


@pytest.mark.parametrize("scope", ["/apis", "/apis/orders"])
def test_a_subscription_may_open_one_api_or_all(scope: str) -> None:
    assert ask(service(scope=scope), "orders", ocp_apim_subscription_key="one").status == 200
    assert (ask(service(scope=scope), "weather", ocp_apim_subscription_key="one").status == 200) == (scope == "/apis")


def test_a_refusal_is_worded_as_azure_words_it_and_reaches_no_backend() -> None:
    azure = service()
    missing, wrong = ask(azure, "weather"), ask(azure, "weather", ocp_apim_subscription_key="guess")
    assert (missing.status, wrong.status) == (401, 401)
    assert missing.body["message"].startswith("Access denied due to missing subscription key.")
    assert wrong.body["message"].startswith("Access denied due to invalid subscription key.")
    assert ask(azure, "orders", ocp_apim_subscription_key="one").status == 401
    assert ask(azure, "nowhere", ocp_apim_subscription_key="one").body == {
        "statusCode": 404,
        "message": "Resource not found",
    }
    assert azure.app.proxying.backend_calls.total() == 0


@pytest.mark.parametrize("state", ["suspended", "submitted", "cancelled", "expired", "rejected"])
def test_a_subscription_that_is_not_active_opens_nothing(state: str) -> None:
    assert ask(service(state=state), "weather", ocp_apim_subscription_key="one").status == 401


def test_a_blocked_users_keys_open_nothing() -> None:
    azure = service()
    azure.hand("PATCH", "users/ada", {"state": "blocked"})
    assert ask(azure, "weather", ocp_apim_subscription_key="one").status == 401


def test_an_open_product_and_an_api_without_subscriptions_ask_for_no_key() -> None:
    azure = service()
    azure.hand("PATCH", "products/weather", {"subscriptionRequired": False})
    azure.hand("PATCH", "apis/orders", {"subscriptionRequired": False})
    assert [ask(azure, path).status for path in ("weather", "orders", "payments")] == [200, 200, 401]


def test_an_api_may_have_its_own_name_for_the_key() -> None:
    azure = service()
    azure.hand("PATCH", "apis/weather", {"subscriptionKeyParameterNames": {"header": "X-Key", "query": "k"}})
    assert ask(azure, "weather", x_key="one").status == 200
    assert ask(azure, "weather", ocp_apim_subscription_key="one").status == 401


def test_a_key_is_no_two_subscriptions_and_a_user_with_subscriptions_is_not_deleted_alone() -> None:
    azure = service()
    other = {"scope": "/apis", "displayName": "y"}
    for keys in ({"primaryKey": "two"}, {"primaryKey": "a", "secondaryKey": "a"}):
        assert call(azure.app, "PUT", "subscriptions/y", {**other, **keys}).status == 400
    assert call(azure.app, "DELETE", "users/ada", if_match="*").status == 400
    assert call(azure.app, "DELETE", "users/ada", if_match="*", deleteSubscriptions="true").status == 202
    assert ask(azure, "weather", ocp_apim_subscription_key="one").status == 401


def test_paths_are_told_in_full_however_short_they_were_given() -> None:
    told = service().hand("GET", "subscriptions/x")["properties"]
    assert told["scope"].endswith("/service/contoso-apis/products/weather")
    assert told["ownerId"].startswith("/subscriptions/00000000")
    assert "primaryKey" not in told
