"""What is peculiar to Anypoint and easy to get wrong: the emulator has it too."""

from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.mulesoft.emulator import ORGANIZATION, ROOT, create, seed
from aforo.gateways.mulesoft.emulator.seeding import MULESOFT
from aforo.gateways.mulesoft.emulator.world import ALL_SCOPES
from aforo.kit.clock import HandClock
from tests.gateways.mulesoft.mulesoft_parts import CONSOLE, HERE, Anypoint

APPS = f"/exchange/api/v2/organizations/{ROOT}/applications"


class Hand:
    """Somebody with a token, at one instance; answers come back with their status."""

    def __init__(self, anypoint: Anypoint, token: str) -> None:
        self.anypoint = anypoint
        self.api = next(iter(anypoint.tables["apis"]))
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        return await self.anypoint.http.request(method, path, json=body, headers=self._headers, **more)

    async def told(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def status(self, method: str, path: str, body: object = None) -> int:
        return (await self.call(method, path, body)).status_code

    async def tier(self, name: str) -> Any:
        rows = (await self.told("GET", f"{HERE}/apis/{self.api}/tiers"))["tiers"]
        return next(row for row in rows if row["name"] == name)

    async def contract(self, app: str, tier: str) -> Any:
        made = await self.told("POST", APPS, {"name": app})
        wish = {"applicationId": made["id"], "requestedTierId": (await self.tier(tier))["id"]}
        return await self.told("POST", f"{HERE}/apis/{self.api}/contracts", wish)


async def hand(products: int = 1, **options: Any) -> Hand:
    anypoint = Anypoint(products, **options)
    return Hand(anypoint, await anypoint.token())


@pytest.mark.parametrize(
    ("lost", "path", "empty"),
    [
        ("api_configuration", "/apis", {"total": 0, "assets": []}),
        ("api_policies", "/apis/{api}/policies?fullInfo=false", []),
        ("api_contracts", "/apis/{api}/tiers", {"total": 0, "tiers": []}),
        ("api_contracts", "/apis/{api}/contracts", {"total": 0, "contracts": []}),
    ],
)
async def test_a_list_without_the_scope_is_empty_and_no_error(lost: str, path: str, empty: Any) -> None:
    someone = await hand(scopes=[scope for scope in ALL_SCOPES if not scope.endswith(lost)])
    answer = await someone.call("GET", HERE + path.format(api=someone.api))
    assert (answer.status_code, answer.json()) == (200, empty)


async def test_applications_without_the_scope_are_none_and_no_error() -> None:
    someone = await hand(scopes=[scope for scope in ALL_SCOPES if not scope.endswith("client_applications")])
    answer = await someone.call("GET", APPS)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_writing_without_the_scope_is_a_403() -> None:
    someone = await hand(scopes=[scope for scope in ALL_SCOPES if not scope.startswith("manage:")])
    api = f"{HERE}/apis/{someone.api}"
    assert await someone.status("PATCH", api, {"description": "x"}) == 403
    assert await someone.status("POST", f"{api}/tiers", {"name": "x", "status": "ACTIVE"}) == 403
    assert await someone.status("POST", f"{api}/policies", {"assetId": "cors"}) == 403


async def test_client_applications_belong_to_the_root_organization() -> None:
    someone = await hand()
    wrong = f"/exchange/api/v2/organizations/{ORGANIZATION}/applications"
    assert await someone.status("POST", wrong, {"name": "Acme"}) == 400
    made = await someone.told("POST", APPS, {"name": "Acme"})
    assert made["masterOrganizationId"] == ROOT
    assert await someone.status("POST", APPS, {"name": "Acme"}) == 409


async def test_an_app_sees_and_manages_only_the_applications_that_it_made() -> None:
    someone = await hand()
    theirs = next(iter(someone.anypoint.tables["applications"]))
    assert [row["name"] for row in await someone.told("GET", APPS)] == ["Smoke test"]
    assert await someone.told("GET", f"{APPS}?query=globex") == []
    assert await someone.status("PATCH", f"{APPS}/{theirs}", {"description": "mine now"}) == 403
    assert await someone.status("GET", f"{APPS}/{theirs}") == 403
    assert await someone.status("POST", f"{APPS}/{theirs}/secret/reset") == 403


async def test_a_secret_is_told_at_creation_and_reset_at_once() -> None:
    someone = await hand()
    made = await someone.told("POST", APPS, {"name": "Acme"})
    kept = someone.anypoint.tables["applications"][str(made["id"])]
    assert "clientSecret" not in await someone.told("GET", f"{APPS}/{made['id']}")
    fresh = await someone.told("POST", f"{APPS}/{made['id']}/secret/reset")
    assert fresh["clientSecret"] == kept["clientSecret"] != made["clientSecret"]


async def test_a_contract_waits_unless_its_tier_approves_by_itself() -> None:
    someone = await hand()
    assert (await someone.contract("A", "Bronze"))["status"] == "APPROVED"
    waiting = await someone.contract("B", "Gold")
    assert waiting["status"] == "PENDING"
    path = f"{CONSOLE}/apis/{someone.api}/contracts/{waiting['id']}"
    assert (await someone.told("POST", f"{path}/approve"))["status"] == "APPROVED"
    assert (await someone.told("POST", f"{path}/revoke"))["status"] == "REVOKED"
    assert (await someone.told("POST", f"{path}/restore"))["status"] == "APPROVED"
    assert await someone.status("POST", f"{path}/restore") == 400
    assert await someone.status("DELETE", f"{HERE}/apis/{someone.api}/contracts/{waiting['id']}") == 409


async def test_an_application_has_one_contract_with_an_instance() -> None:
    someone = await hand()
    first = await someone.contract("A", "Bronze")
    again = {"applicationId": first["applicationId"], "requestedTierId": (await someone.tier("Gold"))["id"]}
    assert await someone.status("POST", f"{HERE}/apis/{someone.api}/contracts", again) == 409


async def test_contracts_are_found_by_client_id_and_by_status() -> None:
    someone = await hand()
    made = await someone.contract("A", "Bronze")
    contracts = f"{HERE}/apis/{someone.api}/contracts"
    client_id = made["application"]["clientId"]
    rows = (await someone.told("GET", f"{contracts}?coreServicesId={client_id}"))["contracts"]
    assert [row["id"] for row in rows] == [made["id"]]
    pending = (await someone.told("GET", f"{contracts}?status=PENDING"))["contracts"]
    assert [row["application"]["name"] for row in pending] == ["Globex batch"]


async def test_a_tier_with_applications_cannot_be_deleted() -> None:
    someone = await hand()
    tiers = f"{HERE}/apis/{someone.api}/tiers"
    for name in ("Bronze", "Gold"):  # one in use, one asked for
        assert await someone.status("DELETE", f"{tiers}/{(await someone.tier(name))['id']}") == 409
    made = await someone.told("POST", tiers, {"name": "Free", "status": "ACTIVE"})
    assert await someone.status("DELETE", f"{tiers}/{made['id']}") == 204


async def test_a_tier_that_turns_automatic_approves_all_who_wait() -> None:
    someone = await hand()
    waiting = await someone.contract("B", "Gold")
    gold = await someone.tier("Gold")
    body = {name: gold[name] for name in ("name", "description", "status", "limits")}
    await someone.told("PUT", f"{HERE}/apis/{someone.api}/tiers/{gold['id']}", {**body, "autoApprove": True})
    now = await someone.told("GET", f"{HERE}/apis/{someone.api}/contracts/{waiting['id']}")
    assert (now["status"], now["tierId"]) == ("APPROVED", gold["id"])


async def test_a_tier_is_replaced_whole() -> None:
    someone = await hand()
    gold = await someone.tier("Gold")
    path = f"{HERE}/apis/{someone.api}/tiers/{gold['id']}"
    now = await someone.told("PUT", path, {"name": "Gold", "status": "ACTIVE"})
    assert (now["limits"], now["description"]) == ([], "")


async def test_sensitive_values_go_in_and_never_come_out() -> None:
    someone = await hand()
    policies = f"{HERE}/apis/{someone.api}/policies"
    told = {"groupId": MULESOFT, "assetId": "basic-authentication-simple", "assetVersion": "1.3.1"}
    made = await someone.told("POST", policies, {**told, "configurationData": {"username": "u", "password": "p4ss"}})
    for path in (policies, f"{policies}?fullInfo=false", f"{policies}/{made['id']}"):
        assert "p4ss" not in (await someone.call("GET", path)).text
    assert made["configurationData"] == {"username": "u", "password": "******"}


async def test_full_info_leaves_disabled_policies_out() -> None:
    someone = await hand()
    policies = f"{HERE}/apis/{someone.api}/policies"
    rows = await someone.told("GET", f"{policies}?fullInfo=false")
    await someone.told("POST", f"{CONSOLE}/apis/{someone.api}/policies/{rows[0]['id']}/disable")
    assert len((await someone.told("GET", f"{policies}?fullInfo=true"))["policies"]) == len(rows) - 1
    assert len(await someone.told("GET", f"{policies}?fullInfo=false")) == len(rows)


async def test_a_version_is_published_once_and_never_again_even_after_it_was_deleted() -> None:
    someone = await hand()
    publish = f"/exchange/api/v2/organizations/{ORGANIZATION}/assets/{ORGANIZATION}/new-api/1.0.0"
    parts: dict[str, Any] = {"name": (None, "New"), "files.oas.json": ("api.json", b"{}")}

    async def again() -> httpx2.Response:
        headers = {"Authorization": f"Bearer {await someone.anypoint.token()}"}
        return await someone.anypoint.http.post(publish, files=parts, headers=headers)

    assert (await again()).status_code == 201
    assert (await again()).status_code == 409
    assert await someone.status("DELETE", f"/exchange/api/v2/assets/{ORGANIZATION}/new-api/1.0.0") == 204
    refused = await again()
    assert (refused.status_code, refused.json()["code"]) == (409, "ASSET_PRE_CONDITIONS_FAILED")


async def test_an_app_may_not_list_an_applications_contracts_in_exchange() -> None:
    someone = await hand()
    made = await someone.contract("A", "Bronze")
    assert await someone.status("GET", f"{APPS}/{made['applicationId']}/contracts") == 403


async def test_pages_count_assets_and_are_as_small_as_they_are_told_to_be() -> None:
    someone = await hand(9, page_size=1)
    told = await someone.told("GET", f"{HERE}/apis?limit=100&offset=1")
    assert told["total"] == 3
    assert [(asset["assetId"], asset["totalApis"]) for asset in told["assets"]] == [("orders-api", 3)]


async def test_a_patched_endpoint_is_taken_whole_and_a_wrong_one_is_refused() -> None:
    someone = await hand()
    api = f"{HERE}/apis/{someone.api}"
    assert await someone.status("PATCH", api, {"endpoint": {"uri": "http://x"}}) == 400
    assert await someone.status("PATCH", api, {"assetVersion": "9.9.9"}) == 400
    await someone.told("PATCH", api, {"endpoint": {"uri": "http://x", "proxyUri": None, "isCloudHub": None}})
    assert "muleVersion4OrAbove" not in (await someone.told("GET", api))["endpoint"]


async def test_limits_are_told_with_every_answer_and_kept_by_the_minute() -> None:
    someone = await hand(calls_per_minute=4)
    for _ in range(2):
        answer = await someone.call("GET", "/accounts/api/me")
    assert answer.headers["x-ratelimit-remaining"] == "1"
    await someone.call("GET", "/accounts/api/me")
    refused = await someone.call("GET", "/accounts/api/me")
    assert refused.status_code == 429
    assert float(refused.headers["x-ratelimit-reset"]) > someone.anypoint.clock.now().timestamp()
    assert await someone.status("GET", "/exchange/api/v2/assets/search") == 503
    someone.anypoint.clock.forward(60)
    assert await someone.status("GET", "/accounts/api/me") == 200


async def test_the_state_outlives_the_process() -> None:
    state = StateFile()
    seed(state, 2)
    first = create(state, clock=HandClock())
    first.world.tables["apis"].popitem()
    first.world.changed()
    first.flush()
    second = create(state, clock=HandClock())
    assert len(second.world.tables["apis"]) == 1
    assert second.world.rows("tiers", apiId=int(next(iter(second.world.tables["apis"]))))


async def test_a_seed_is_the_same_every_time() -> None:
    def sown() -> Any:
        state = StateFile()
        seed(state, 5)
        told = state.load()
        return [(row["assetId"], row["instanceLabel"]) for row in told["apis"].values()], list(told["policies"])

    assert sown() == sown()
