"""The emulated instances' request path: policies that ask for client ids or count calls, and a backend behind them."""

import base64
from typing import Any

import httpx2
import pytest

from aforo.gateways.mulesoft.emulator import policies
from aforo.gateways.mulesoft.emulator.seeding import MULESOFT
from tests.gateways.mulesoft.provision_parts import Shop


class Caller:
    """Somebody who calls the first instance as Acme mobile, which has a contract on Bronze."""

    def __init__(self) -> None:
        self.shop = Shop(1)
        self.product = self.shop.product()
        self.acme = self.shop.application("Acme mobile")
        self.keys = {"client_id": self.acme["clientId"], "client_secret": self.acme["clientSecret"]}

    async def call(self, headers: dict[str, str], method: str = "GET", path: str = "/orders") -> httpx2.Response:
        return await self.shop.http.request(method, f"/proxy/{self.product.native_id}{path}", headers=headers)

    def calls(self) -> int:
        return self.shop.app.proxying.backend_calls[self.product.native_id]

    def policy(self, asset: str, configuration: dict[str, Any], pointcut: Any = None) -> dict[str, Any]:
        """The only policy from now on."""
        self.shop.without_policies(self.product)
        told = {"groupId": MULESOFT, "assetId": asset, "assetVersion": "1.0.0", "pointcutData": pointcut}
        api = self.shop.tables["apis"][self.product.native_id]
        return policies.new(self.shop.app.world, api, {**told, "configurationData": configuration})


async def test_a_call_needs_an_application_with_an_approved_contract_and_refused_calls_do_not_reach_the_backend() -> (
    None
):
    caller = Caller()
    globex = caller.shop.application("Globex batch")
    waiting = {"client_id": globex["clientId"], "client_secret": globex["clientSecret"]}
    wrong = {**caller.keys, "client_secret": "wrong"}
    statuses = [(await caller.call(headers)).status_code for headers in ({}, wrong, waiting, caller.keys)]
    assert (statuses, caller.calls()) == ([401, 401, 403, 200], 1)


async def test_the_tiers_limit_is_kept_in_windows_that_end() -> None:
    caller = Caller()
    for row in caller.shop.tables["tiers"].values():
        row["limits"] = [{"maximumRequests": 2, "timePeriodInMilliseconds": 1_000}]
    answers = [await caller.call(caller.keys) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["1", "0", "0"]
    caller.shop.clock.forward(1)
    assert ((await caller.call(caller.keys)).status_code, caller.calls()) == (200, 3)


async def test_a_contract_without_a_tier_is_refused_where_tiers_count_and_passes_where_only_ids_are_asked_for() -> None:
    caller = Caller()
    for row in caller.shop.tables["contracts"].values():
        row["tierId"] = None
    assert (await caller.call(caller.keys)).status_code == 403
    caller.policy("client-id-enforcement", {"clientIdExpression": "#[attributes.headers['X-Client']]"})
    assert (await caller.call({"x-client": caller.acme["clientId"]})).status_code == 200
    assert (await caller.call(caller.keys)).status_code == 401


async def test_credentials_may_come_as_basic_authentication() -> None:
    caller = Caller()
    caller.policy(
        "client-id-enforcement", {"credentialsOriginHasHttpBasicAuthenticationHeader": "httpBasicAuthenticationHeader"}
    )
    pair = base64.b64encode(":".join(caller.keys.values()).encode()).decode()
    assert (await caller.call({"authorization": f"Basic {pair}"})).status_code == 200
    assert (await caller.call({"authorization": "Basic %%%"})).status_code == 401
    assert (await caller.call(caller.keys)).status_code == 401


@pytest.mark.parametrize(("method", "path", "second"), [("GET", "/orders", 429), ("POST", "/orders", 200)])
async def test_a_rate_limit_for_everybody_counts_the_calls_that_it_is_meant_for(
    method: str, path: str, second: int
) -> None:
    caller = Caller()
    limit = {"maximumRequests": 1, "timePeriodInMilliseconds": 60_000}
    pointcut = [{"methodRegex": "GET|HEAD", "uriTemplateRegex": "/.*"}]
    row = caller.policy("rate-limiting", {"rateLimits": [limit]}, pointcut)
    assert [(await caller.call({}, method, path)).status_code for _ in range(2)] == [200, second]
    row["disabled"] = True
    assert (await caller.call({}, method, path)).status_code == 200


async def test_an_instance_that_is_not_there_answers_404() -> None:
    assert (await Caller().shop.http.get("/proxy/999/orders")).status_code == 404
