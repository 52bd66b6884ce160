"""What the emulated service does besides what its description says: ETags, checks, secrets, exports, state."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.azure import emulator
from aforo.gateways.azure.emulator.app import BASE, AzureEmulator
from aforo.gateways.azure.emulator.seeding import document, put
from aforo.gateways.azure.emulator.wire import Answer, Call
from tests.gateways.azure.azure_parts import Azure, azure, call

POLICY = "<policies><inbound>%s</inbound></policies>"


def app(size: int = 2, **options: Any) -> AzureEmulator:
    state = StateFile()
    emulator.seed(state, size)
    return emulator.create(state, **options)


def code(answer: Answer) -> str:
    return str(answer.body["error"]["code"])


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["products/orders", "apis/orders", "tags/beta", "subscriptions/orders-ada", "users/ada"]
)
def test_patch_and_delete_need_if_match(method: str, path: str) -> None:
    one = app()
    assert call(one, method, path, {}).status == 400
    stale = call(one, method, path, {}, if_match='"AAAA"')
    assert (stale.status, code(stale)) == (412, "PreconditionFailed")
    etag = call(one, "HEAD", path).headers["etag"]
    assert call(one, method, path, {}, if_match=etag, deleteSubscriptions="true").status in (200, 202)


def test_every_write_gives_another_etag_and_a_put_without_one_overwrites_blindly() -> None:
    one = app()
    first = call(one, "GET", "products/orders").headers["etag"]
    second = call(one, "PUT", "products/orders", {"displayName": "Orders"}).headers["etag"]
    assert first != second
    assert call(one, "PUT", "products/orders", {"displayName": "Orders"}, if_match=first).status == 412
    told = call(one, "GET", "products/orders").body["properties"]
    assert told == {
        "displayName": "Orders", "subscriptionRequired": True, "approvalRequired": False, "state": "notPublished",
    }  # fmt: skip


def test_names_do_not_tell_cases_apart() -> None:
    assert call(app(), "GET", "products/ORDERS").body["name"] == "orders"


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("<quota calls='1' renewal-period='60' />", "not allowed in the specified scope"),
        ("<include-fragment fragment-id='none' />", "does not exist"),
        ("<set-header name='{{none}}' />", "Cannot find a property 'none'"),
        ("<base>", "does not match"),
        ('<a b="@(never" />', "no end"),
    ],
)
def test_a_policy_is_checked_before_it_is_taken(inner: str, message: str) -> None:
    refused = call(app(), "PUT", "apis/orders/policies/policy", {"format": "rawxml", "value": POLICY % inner})
    assert (refused.status, message in json.dumps(refused.body)) == (400, True)


def test_a_quota_may_stand_in_a_products_policy() -> None:
    value = POLICY % "<quota calls='1' renewal-period='60' />"
    assert call(app(), "PUT", "products/payments/policies/policy", {"format": "rawxml", "value": value}).status == 201


def test_an_expression_is_raw_in_one_format_and_escaped_in_the_other() -> None:
    one = app()
    raw = call(one, "GET", "apis/payments/policies/policy", format="rawxml").body["properties"]["value"]
    escaped = call(one, "GET", "apis/payments/policies/policy", format="xml").body["properties"]["value"]
    assert 'GetValueOrDefault("X-Region", "eu") == "us" &&' in raw
    assert "GetValueOrDefault(&quot;X-Region&quot;, &quot;eu&quot;)" in escaped
    call(one, "PUT", "apis/payments/policies/policy", {"format": "xml", "value": escaped})
    assert call(one, "GET", "apis/payments/policies/policy", format="rawxml").body["properties"]["value"] == raw


@pytest.mark.parametrize(
    "value", ["<fragment><inbound /></fragment>", "<fragment><base /></fragment>", "<policies />",
              "<fragment><include-fragment fragment-id='trace-call' /></fragment>"],
)  # fmt: skip
def test_a_fragment_holds_policies_alone(value: str) -> None:
    assert call(app(), "PUT", "policyFragments/bad", {"value": value}).status == 400


def test_a_fragment_is_told_without_its_own_element_and_stays_while_it_is_used() -> None:
    one = app()
    assert call(one, "GET", "policyFragments/trace-call").body["properties"]["value"].startswith("<trace")
    assert call(one, "POST", "policyFragments/trace-call/listReferences").body["count"] == 1
    assert call(one, "DELETE", "policyFragments/trace-call", if_match="*").status == 400


def test_an_export_replaces_the_security_schemes_and_drops_what_it_does_not_know() -> None:
    one = app()
    told = {**document("extra"), "x-own": 1}
    put(one, "apis/extra", {"path": "extra", "format": "openapi+json", "value": json.dumps(told)})
    one.operations.polls = 0
    call(one, "PUT", "apis/extra2", {"path": "extra2", "format": "openapi+json", "value": json.dumps(told)})
    link = call(one, "GET", "apis/extra2", export="true", format="openapi+json-link").body["value"]["link"]
    exported = json.loads(fetched(one, link).body)
    assert set(exported["components"]["securitySchemes"]) == {"apiKeyHeader", "apiKeyQuery"}
    assert "x-own" not in exported
    assert exported["info"]["version"] == "1.0"


def fetched(one: AzureEmulator, link: str, **headers: str) -> Answer:
    path = link.partition("?")[0].removeprefix("http://azure.emulator")
    return one.answer(Call("GET", path, {}, headers, b"", "http://azure.emulator"))


async def test_an_exports_link_ends_after_five_minutes_and_takes_no_token() -> None:
    async with azure(1) as service:
        link = call(service.app, "GET", "apis/orders", export="true", format="openapi+json-link").body["value"]["link"]
        assert fetched(service.app, link, authorization="Bearer x").status == 403
        service.clock.forward(299)
        assert fetched(service.app, link).status == 200
        service.clock.forward(1)
        assert fetched(service.app, link).status == 403


def subscribed(one: AzureEmulator, **properties: Any) -> Answer:
    told = {"scope": "/products/orders", "ownerId": "/users/ada", "displayName": "s", **properties}
    return call(one, "PUT", "subscriptions/s", told)


def keys(one: AzureEmulator) -> dict[str, str]:
    found: dict[str, str] = call(one, "POST", "subscriptions/s/listSecrets").body
    return found


def test_keys_are_told_by_list_secrets_alone() -> None:
    one = app()
    made = subscribed(one, primaryKey="given-by-the-caller")
    assert "given-by-the-caller" not in json.dumps([made.body, call(one, "GET", "subscriptions/s").body])
    assert keys(one)["primaryKey"] == "given-by-the-caller"
    assert len(keys(one)["secondaryKey"]) == 32


def test_regenerating_one_key_leaves_the_other_and_a_patch_can_move_it() -> None:
    one = app()
    subscribed(one)
    before = keys(one)
    assert call(one, "POST", "subscriptions/s/regeneratePrimaryKey").status == 204
    after = keys(one)
    assert (after["secondaryKey"], after["primaryKey"] != before["primaryKey"]) == (before["secondaryKey"], True)
    moved = {"primaryKey": "new", "secondaryKey": after["primaryKey"]}
    assert call(one, "PATCH", "subscriptions/s", moved, if_match="*").status == 200
    assert keys(one) == moved


def test_a_subscription_waits_for_approval_where_the_product_wants_it() -> None:
    one = app()
    call(one, "PATCH", "products/orders", {"approvalRequired": True}, if_match="*")
    assert subscribed(one).body["properties"]["state"] == "submitted"
    assert call(one, "PATCH", "subscriptions/s", {"state": "active"}, if_match="*").status == 200


def test_a_users_subscriptions_to_a_product_are_limited() -> None:
    one = app()
    call(one, "PATCH", "products/payments", {"subscriptionsLimit": 1}, if_match="*")
    assert subscribed(one, scope="/products/payments").status == 400, "ada has one by the seed"
    assert subscribed(one, scope="/products/none").status == 400


def test_a_product_with_subscriptions_goes_only_together_with_them() -> None:
    one = app()
    assert call(one, "DELETE", "products/orders", if_match="*").status == 400
    assert call(one, "DELETE", "products/orders", if_match="*", deleteSubscriptions="true").status == 200
    assert call(one, "GET", "subscriptions/orders-ada").status == 404


def test_a_secret_is_told_by_list_value_alone_and_kept_over_a_patch() -> None:
    one = app(polls=0)
    assert "value" not in call(one, "GET", "namedValues/backend-key").body["properties"]
    call(one, "PATCH", "namedValues/backend-key", {"tags": ["x"]}, if_match="*")
    assert call(one, "POST", "namedValues/backend-key/listValue").body == {"value": "emulated-backend-key"}
    assert call(one, "DELETE", "namedValues/backend-key", if_match="*").status == 400, "a policy uses it"


def test_pages_name_the_next_one_and_count_all() -> None:
    one = app(12, page_size=5)
    first = call(one, "GET", "products", None, **{"$top": "100"}).body
    assert (len(first["value"]), first["count"], "%24skip=5" in first["nextLink"]) == (5, 12, True)
    last = call(one, "GET", "products", None, **{"$skip": "10"}).body
    assert (len(last["value"]), "nextLink" in last) == (2, False)


def test_a_call_without_token_version_or_right_is_refused() -> None:
    one = app()
    bare = Call("GET", BASE, {"api-version": "2024-05-01"}, {}, b"", "http://x")
    assert one.answer(bare).status == 401
    headers = {"authorization": "Bearer emulated-access-token-of-an-owner"}
    assert code(one.answer(Call("GET", BASE, {}, headers, b"", "http://x"))) == "MissingApiVersionParameter"
    old = Call("GET", BASE, {"api-version": "2010-01-01"}, headers, b"", "http://x")
    assert code(one.answer(old)) == "NoRegisteredProviderFound"


def test_the_state_survives_a_restart_and_a_seed_is_the_same_every_time() -> None:
    state, again = StateFile(), StateFile()
    for one in (state, again):
        emulator.seed(one, 3)
    names = [row["name"] for row in call(emulator.create(state), "GET", "products").body["value"]]
    assert names == [row["name"] for row in call(emulator.create(again), "GET", "products").body["value"]]
    first = emulator.create(state)
    call(first, "PATCH", "products/orders", {"description": "kept"}, if_match="*")
    first.store.save()
    told = call(emulator.create(state), "GET", "products/orders").body["properties"]
    assert told["description"] == "kept"


async def test_an_api_that_is_being_imported_says_so_and_keeps_its_operations_until_it_is_done() -> None:
    async with azure(1, polls=2) as service:
        told = {**document("orders"), "paths": {}}
        before = operations(service)
        told_settings = {"path": "orders", "displayName": "Orders", "format": "openapi+json", "value": json.dumps(told)}
        made = call(service.app, "PUT", "apis/orders", told_settings)
        assert made.body["properties"]["provisioningState"] == "InProgress"
        assert operations(service) == before
        service.put_through()
        assert operations(service) == 0


def operations(service: Azure) -> int:
    return int(call(service.app, "GET", "apis/orders/operations").body["count"])


MEMBERS = (
    "displayName", "description", "state", "subscriptionsLimit", "approvalRequired", "path", "protocols", "format",
    "value", "tags", "secret", "scope", "ownerId", "primaryKey", "method", "urlTemplate", "email", "firstName",
    "lastName", "contentType", "subscriptionKeyParameterNames", "keyVault", "serviceUrl", "apiVersion",
)  # fmt: skip
PATHS = (
    "products/a", "apis/a", "tags/a", "users/a", "namedValues/a", "subscriptions/a", "policyFragments/a",
    "policies/policy", "products/orders/policies/policy", "apis/orders/operations/a", "apis/orders/schemas/a",
    "products/orders/apis/payments", "products/orders", "apis/orders", "namedValues/backend-key",
)  # fmt: skip
anything = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["header", "link"]), st.integers(), max_size=2),
    st.sampled_from(["rawxml", "xml", "openapi+json", "/products/orders", "/products/", "/apis", '{"openapi":"3.0.1"}',
                     "<policies/>", "<fragment/>", "<policies><inbound/>", "{{x}}", "published"]),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["PUT", "PATCH", "DELETE", "GET"]),
            st.sampled_from(PATHS),
            st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=6),
        ),
        max_size=8,
    )
)
def test_nothing_that_is_sent_breaks_the_service(calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    one = app(2, polls=0)
    for method, path, properties in calls:
        answer = call(one, method, path, properties, if_match="*", format="rawxml")
        assert answer.status < 500
        assert answer.status < 400 or answer.body["error"]["message"]
    assert call(one, "GET", "products").status == 200
    assert call(one, "GET", "apis/orders", export="true", format="openapi+json-link").status in (200, 404)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"properties": 5}'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    headers = {"authorization": "Bearer emulated-access-token-of-an-owner"}
    put_ = Call("PUT", f"{BASE}/tags/a", {"api-version": "2024-05-01"}, headers, body, "http://x")
    assert app().answer(put_).status == 400
