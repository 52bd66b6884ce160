"""The emulator behaves as Apigee does where a client that does not expect it would do harm."""

import base64
from typing import Any

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.apigee.emulator import create, seed
from tests.gateways.apigee.apigee_parts import Row, World, world
from tests.gateways.apigee.test_emulator_operations import OCTETS, bundle

APP = "/developers/api@acme.example/apps/acme-app"


async def _keys(one: World) -> list[Row]:
    return list((await one.call("GET", APP))["credentials"])


async def test_a_put_with_other_products_mints_a_key_and_one_with_the_same_does_not() -> None:
    one = world()
    (first,) = await _keys(one)
    await one.call("PUT", APP, {"name": "acme-app", "apiProducts": ["payments-v1"]})
    assert await _keys(one) == [first]
    await one.call("PUT", APP, {"name": "acme-app", "apiProducts": ["payments-v1", "orders-v1"]})
    kept, minted = await _keys(one)
    assert kept == first
    assert [ref["apiproduct"] for ref in minted["apiProducts"]] == ["payments-v1", "orders-v1"]


async def test_a_post_to_an_app_adds_a_key_and_replaces_attributes_and_callback() -> None:
    one = world()
    told = {"attributes": [{"name": "a", "value": "1"}], "callbackUrl": "https://a.example"}
    await one.call("PUT", APP, {"name": "acme-app", **told})
    after = await one.call("POST", APP, {"apiProducts": ["orders-v1"], "attributes": [{"name": "b", "value": "2"}]})
    assert len(after["credentials"]) == 2
    assert after["attributes"] == [{"name": "b", "value": "2"}]
    assert "callbackUrl" not in after


async def test_the_list_of_apps_hides_revoked_apps_and_keys_until_it_is_asked_for_them() -> None:
    one = world()

    async def ids(query: str = "") -> set[str]:
        return {app["appId"] for app in (await one.call("GET", f"/apps{query}")).get("app", [])}

    everybody = await ids()
    mine = (await one.call("GET", APP))["appId"]
    (key,) = await _keys(one)
    await one.call("POST", f"{APP}/keys/{key['consumerKey']}?action=revoke", status=204, headers=OCTETS)
    assert await ids() == everybody - {mine}
    assert await ids("?keyStatus=revoked") == {mine}
    await one.call("POST", f"{APP}?action=revoke", status=204, headers=OCTETS)
    assert await ids("?keyStatus=revoked") == set()
    assert await ids("?status=revoked&keyStatus=revoked") == {mine}


async def test_a_product_that_asks_for_approval_makes_the_key_pending() -> None:
    one = world()
    (key,) = await _keys(one)
    assert key["apiProducts"] == [{"apiproduct": "payments-v1", "status": "pending"}]
    path = f"{APP}/keys/{key['consumerKey']}/apiproducts/payments-v1"
    await one.call("POST", f"{path}?action=approve", status=204, headers=OCTETS)
    assert (await _keys(one))[0]["apiProducts"] == [{"apiproduct": "payments-v1", "status": "approved"}]


async def test_an_action_needs_the_media_type_of_no_body() -> None:
    one = world()
    assert (await one.request("POST", f"{APP}?action=revoke", {})).status_code == 400


async def test_an_own_key_takes_no_products_is_approved_and_unique() -> None:
    one = world()
    key = {"consumerKey": "mine", "consumerSecret": "s", "expiresInSeconds": "60"}
    assert (await one.request("POST", f"{APP}/keys", {**key, "apiProducts": ["orders-v1"]})).status_code == 400
    made = await one.call("POST", f"{APP}/keys", key)
    assert made["status"] == "approved"
    assert int(made["expiresAt"]) == int(made["issuedAt"]) + 60_000
    assert (await one.request("POST", f"{APP}/keys", key)).status_code == 409
    bound = await one.call("POST", f"{APP}/keys/mine", {"apiProducts": ["orders-v1"]})
    assert bound["apiProducts"] == [{"apiproduct": "orders-v1", "status": "approved"}]


async def test_what_is_empty_is_not_in_the_answer() -> None:
    one = world(products=0)
    assert await one.call("GET", "/apiproducts?expand=true") == {}
    assert await one.call("GET", "/apiproducts/-/rateplans") == {}
    assert await one.call("GET", "/sharedflows") == {}
    assert await one.call("GET", "/environments/prod/flowhooks/PreProxyFlowHook") == {
        "flowHookPoint": "PreProxyFlowHook"
    }


async def test_the_start_key_is_part_of_the_page() -> None:
    one = world(products=5)
    first = await one.call("GET", "/apiproducts?count=3")
    names = [row["name"] for row in first["apiProduct"]]
    after = await one.call("GET", f"/apiproducts?count=3&startKey={names[-1]}")
    assert after["apiProduct"][0] == {"name": names[-1]}
    assert len(after["apiProduct"]) == 3


async def test_a_page_is_never_longer_than_the_emulators_own_limit() -> None:
    one = world(products=5, page_size=2)
    assert len((await one.call("GET", "/apiproducts?count=1000"))["apiProduct"]) == 2
    assert len((await one.call("GET", "/developers?count=1000"))["developer"]) == 2
    apps = await one.call("GET", "/apps?pageSize=1000")
    assert len(apps["app"]) == 2
    rest = await one.call("GET", f"/apps?pageToken={apps['nextPageToken']}")
    assert {app["appId"] for app in rest["app"]}.isdisjoint(app["appId"] for app in apps["app"])


async def test_a_posted_list_of_attributes_replaces_the_list_and_a_single_one_does_not() -> None:
    one = world()
    path = "/apiproducts/orders-v1/attributes"
    await one.call("POST", f"{path}/tier", {"name": "tier", "value": "gold"})
    assert len((await one.call("GET", path))["attribute"]) == 4
    await one.call("POST", path, {"attribute": [{"name": "only", "value": "1"}]})
    assert (await one.call("GET", path))["attribute"] == [{"name": "only", "value": "1"}]
    many = [{"name": f"a{index}", "value": "1"} for index in range(19)]
    assert (await one.request("POST", path, {"attribute": many})).status_code == 400


async def test_a_put_of_a_product_drops_what_is_not_sent() -> None:
    one = world()
    after = await one.call("PUT", "/apiproducts/orders-v1", {"displayName": "Bare"})
    assert set(after) == {"name", "displayName", "createdAt", "lastModifiedAt"}


async def test_numbers_of_a_quota_are_strings_and_a_number_is_refused() -> None:
    one = world()
    product: dict[str, Any] = await one.call("GET", "/apiproducts/orders-v1")
    assert isinstance(product["quota"], str)
    assert (await one.request("PUT", "/apiproducts/orders-v1", {**product, "quota": 5})).status_code == 400
    assert (await one.request("PUT", "/apiproducts/orders-v1", {**product, "colour": "red"})).status_code == 400


async def test_only_one_rate_plan_of_a_product_is_published() -> None:
    one = world(products=1)
    second = {"displayName": "Second", "state": "PUBLISHED"}
    assert (await one.request("POST", "/apiproducts/payments-v1/rateplans", second)).status_code == 400
    await one.call("POST", "/apiproducts/payments-v1/rateplans", {**second, "state": "DRAFT"})


async def test_a_deployment_progresses_before_it_is_ready_and_a_second_revision_needs_override() -> None:
    one = world(looks_until_ready=2)
    flow = "/environments/prod/sharedflows/flow/revisions"
    for _ in range(2):
        await one.request("POST", "/sharedflows?action=import&name=flow", headers=OCTETS, content=bundle())
    await one.call("POST", f"{flow}/1/deployments")
    states = [(await one.call("GET", f"{flow}/1/deployments"))["state"] for _ in range(3)]
    assert states == ["PROGRESSING", "PROGRESSING", "READY"]
    assert (await one.request("POST", f"{flow}/2/deployments")).status_code == 400
    await one.call("POST", f"{flow}/2/deployments?override=true")
    assert (await one.request("GET", f"{flow}/1/deployments")).status_code == 404


async def test_an_attached_or_deployed_flow_is_not_deleted_and_its_bundle_comes_back_byte_for_byte() -> None:
    one = world()
    files = {"file": ("flow.zip", bundle(), "application/zip")}
    told = await one.request("POST", "/sharedflows?action=import&name=flow", files=files)
    assert told.json()["policies"] == ["Verify"]
    raw = await one.request("GET", "/sharedflows/flow/revisions/1?format=bundle")
    assert base64.b64encode(raw.content) == base64.b64encode(bundle())
    deployment = "/environments/prod/sharedflows/flow/revisions/1/deployments"
    hook = "/environments/prod/flowhooks/PreProxyFlowHook"
    await one.call("POST", deployment)
    await one.call("PUT", hook, {"sharedFlow": "flow", "continueOnError": False})
    assert (await one.call("GET", "/environments/prod"))["hasAttachedFlowHooks"]
    assert (await one.request("DELETE", deployment)).status_code == 400
    await one.call("DELETE", hook)
    assert (await one.request("DELETE", "/sharedflows/flow")).status_code == 400
    await one.call("DELETE", deployment)
    await one.call("DELETE", "/sharedflows/flow")


async def test_a_masked_map_tells_no_values() -> None:
    one = world()
    await one.call("POST", "/keyvaluemaps", {"name": "m", "encrypted": True, "maskedValues": True})
    await one.call("POST", "/keyvaluemaps/m/entries", {"name": "k", "value": "hidden"})
    assert (await one.call("GET", "/keyvaluemaps/m/entries/k"))["value"] != "hidden"
    assert (await one.request("POST", "/keyvaluemaps", {"name": "n", "encrypted": False})).status_code == 400


async def test_the_vendors_limit_of_calls_can_be_switched_on() -> None:
    one = world(calls_per_minute=2)
    await one.call("GET", "")
    await one.call("GET", "")
    refused = await one.request("GET", "")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    one.clock.forward(seconds=61)
    await one.call("GET", "")


async def test_the_state_survives_a_restart() -> None:
    state = StateFile()
    seed(state, 2)
    before = create(state)
    assert before.store.get("products", "orders-v1") == create(state).store.get("products", "orders-v1")
    one = world()
    await one.call("DELETE", "/apiproducts/orders-v1")
    one.emulator.flush()
    assert [row["name"] for row in one.emulator.store.rows("products")] == ["payments-v1", "search-v1"]


async def test_seeding_twice_the_same_size_is_the_same() -> None:
    one, other = StateFile(), StateFile()
    for state in (one, other):
        seed(state, 14)
    first, second = one.load()["tables"], other.load()["tables"]
    assert first["products"] == second["products"]
    assert first["rateplans"] == second["rateplans"]
    assert len(first["products"]) == 14
