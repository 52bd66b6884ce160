"""From a consumer's call through the emulated gateway to the real edge: within quota, beyond it, and forged."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aforo.gateway_sdk.artifact import FailMode
from aforo.gateway_sdk.emulator import answer
from aforo.gateways.apigee.artifact.settings import CACHE_SECONDS
from aforo.gateways.apigee.mapping.marks import key_id
from tests.gateways.apigee.metered import Buyer, Metered, Shell, deciding, metered, served

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Metered]:
    folder: Path = tmp_path_factory.mktemp("aforo")
    async with metered(folder) as running:
        yield running


async def test_calls_within_the_quota_pass_with_headers_and_beyond_it_never_reach_the_backend(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=3)
    async with gateway.attached():
        answers = [await gateway.call(buyer.secret) for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        assert [one.headers["x-aforo-remaining"] for one in answers[:3]] == ["2", "1", "0"]
        assert {one.headers["x-aforo-plan"] for one in answers[:3]} == {buyer.plan}
        refused = answers[3]
        assert set(refused.json()) == {"message", "retryAfter"}
        assert refused.headers["retry-after"] == str(refused.json()["retryAfter"])
        assert int(refused.headers["retry-after"]) > 0
        assert gateway.proxying.backend_calls == {"orders-v1": 3}
        events = await gateway.events(buyer.customer_id)
        assert len(events) == 3


async def test_a_call_is_one_event_that_tells_what_was_called_with_what(gateway: Metered) -> None:
    buyer = await gateway.buyer()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with gateway.attached():
        assert (await gateway.call(buyer.secret, "/orders-v1/orders/7", traceparent=trace)).status_code == 200
    (event,) = await gateway.events(buyer.customer_id)
    told = (event["metricName"], event["quantity"], event["httpMethod"], event["statusCode"], event["endpointPath"])
    assert told == ("api_calls", "1", "GET", 200, "/orders-v1/orders/7")
    assert event["trace"]["traceparent"] == trace
    assert (event["product"], event["integrationId"]) == ("orders-v1", gateway.integration_id)
    credential = event["credential"]
    assert (credential["type"], credential["nativeId"]) == ("apigee_key", key_id(buyer.secret))
    assert event["responseTimeMs"] >= event["metadata"]["targetMs"] >= 0
    facts = {
        name: event["metadata"][name] for name in ("proxy", "revision", "environment", "region", "apiProduct", "plan")
    }
    assert facts == {
        "proxy": "orders-v1", "revision": "1", "environment": "prod", "region": "europe-west1",
        "apiProduct": "orders-v1", "plan": buyer.plan,
    }  # fmt: skip
    assert event["metadata"]["app"] == f"aforo-{buyer.subscription_id}"
    assert event["metadata"]["responseBytes"] > 0
    assert buyer.secret not in str(event)


async def test_nothing_that_a_caller_claims_of_itself_changes_anything(gateway: Metered) -> None:
    buyer, other = await gateway.buyer(units=2), await gateway.buyer()
    forged = {
        "X_Tenant_Id": "rival", "X_Customer_Id": other.customer_id, "X_Client_Id": other.secret, "X_Request_Id": "same",
        "Idempotency_Key": "same", "X_Aforo_Remaining": "999", "X_Aforo_Plan": other.plan, "X_Aforo_Verify": "guessed",
        "X_Aforo_Key": other.secret,
    }  # fmt: skip
    async with gateway.attached():
        answers = [await gateway.call(buyer.secret, f"/orders-v1/orders?customer_id={n}", **forged) for n in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["x-aforo-plan"] for one in answers[:2]] == [buyer.plan] * 2
    assert not any("x-aforo-reason" in one.headers for one in answers)
    assert len(await gateway.events(buyer.customer_id)) == 2
    assert await gateway.events(other.customer_id) == []


@pytest.mark.parametrize("place", [{"x_api_key": "{}"}, {"authorization": "bearer {}"}, {"query": "{}"}])
async def test_the_key_is_taken_from_where_the_operator_says(gateway: Metered, place: dict[str, str]) -> None:
    buyer = await gateway.anyone()
    gateway_open = {"orders-v1"}
    async with gateway.attached():
        gateway.proxying.open_proxies |= gateway_open
        headers = {name: value.format(buyer.secret) for name, value in place.items() if name != "query"}
        path = f"/orders-v1/orders?apikey={buyer.secret}" if "query" in place else "/orders-v1/orders"
        answer = await gateway.call(None, path, **headers)
        assert (answer.status_code, answer.headers["x-aforo-plan"]) == (200, buyer.plan)
        gateway.forget()
    async with gateway.attached(key_from=("header:x-special",)):
        gateway.proxying.open_proxies |= gateway_open
        assert (await gateway.call(None, path, **headers)).status_code == 401
        assert (await gateway.call(None, x_special=buyer.secret)).headers["x-aforo-plan"] == buyer.plan


async def test_without_a_valid_key_a_product_for_sale_is_closed_and_any_other_proxy_is_let_be(gateway: Metered) -> None:
    buyer = await gateway.buyer()
    async with gateway.attached():
        gateway.proxying.open_proxies |= {"orders-v1", "search-v1"}
        for secret in (None, "unknown"):
            answer = await gateway.call(secret)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "NOT_VERIFIED")
            assert (await gateway.call(secret, "/search-v1/search")).status_code == 200
        key = f"/developers/{_email(gateway, buyer)}/apps/aforo-{buyer.subscription_id}/keys/{buyer.secret}"
        await gateway.manage("POST", f"{key}?action=revoke")
        assert (await gateway.check(buyer.secret))["allowed"] is True
        assert (await gateway.call(buyer.secret)).status_code == 401
        assert gateway.proxying.backend_calls == {"search-v1": 2}


async def test_preflight_and_excluded_paths_pass_and_no_detour_makes_another_path_excluded(gateway: Metered) -> None:
    async with gateway.attached(excluded=("/orders-v1/health/",)):
        gateway.proxying.open_proxies |= {"orders-v1"}
        asks = {"Origin": "https://app.example", "Access_Control_Request_Method": "GET"}
        assert (await gateway.call(None, method="OPTIONS", **asks)).status_code == 200
        assert (await gateway.call(None, method="OPTIONS")).status_code == 401
        assert (await gateway.call(None, "/orders-v1/health/live")).status_code == 200
        for path in ("/orders-v1/healthy", "/orders-v1/health/%2e%2e/orders", "/orders-v1/health/..;/orders"):
            assert (await gateway.call(None, path)).status_code == 401, path
        assert gateway.proxying.backend_calls == {"orders-v1": 2}


@pytest.mark.parametrize(("mode", "status"), [(FailMode.OPEN, 200), (FailMode.CLOSED, 503)])
async def test_while_aforo_is_out_of_reach_the_fail_mode_holds_and_few_calls_wait_for_it(
    gateway: Metered, mode: FailMode, status: int
) -> None:
    buyer = await gateway.anyone()
    asked: list[str] = []

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await answer(send, 503, b"{}")

    async with served(broken) as (url, _), gateway.attached(fail_mode=mode, edge_url=url):
        answers = [await gateway.call(buyer.secret) for _ in range(3)]
        assert [one.status_code for one in answers] == [status] * 3
        assert asked.count("/v1/check") == 1
        if mode is FailMode.CLOSED:
            assert answers[0].headers["retry-after"] == "5"
            assert gateway.proxying.backend_calls.total() == 0
        gateway.now.ahead += 6
        await gateway.call(buyer.secret)
        assert asked.count("/v1/check") == 2


async def test_metering_is_not_waited_for_and_its_failure_does_not_touch_the_answer(gateway: Metered) -> None:
    buyer = await gateway.anyone()
    hold, metered = asyncio.Event(), asyncio.Event()
    decision = json.dumps(await gateway.check(buyer.secret)).encode()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/check":
            await answer(send, 200, decision)
            return
        metered.set()
        await hold.wait()
        await answer(send, 500, b"{}")

    async with served(slow) as (url, _), gateway.attached(edge_url=url):
        headers = {"Authorization": f"Bearer {buyer.secret}"}
        given = await gateway.http.get(f"{gateway.url}/proxy/orders-v1/orders", headers=headers)
        assert (given.status_code, given.headers["x-aforo-plan"]) == (200, buyer.plan)
        await asyncio.wait_for(metered.wait(), 10)
        hold.set()


async def test_observing_refuses_nobody_and_enforcing_follows_within_the_caches_seconds(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=1)
    async with gateway.attached(enforce=False) as ours:
        assert [(await gateway.call(buyer.secret)).status_code for _ in range(2)] == [200, 200]
        await ours.set_mode(gateway.wiring(enforce=True), ())
        assert (await gateway.call(buyer.secret)).status_code == 200
        gateway.now.ahead += CACHE_SECONDS + 1
        assert (await gateway.call(buyer.secret)).status_code == 429


async def test_a_product_that_observes_is_let_through_though_the_artifact_enforces(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=1)
    path = f"/api/v1/products/{gateway.products[0].id}/enforcement"
    async with gateway.attached():
        assert gateway.products[0].native_id == "orders-v1"
        await gateway.running.call("PUT", path, {"mode": "observe"})
        await gateway.until(lambda: gateway.enforces(buyer, "observe"))
        assert [(await gateway.call(buyer.secret)).status_code for _ in range(2)] == [200, 200]
        await gateway.running.call("PUT", path, {"mode": "enforce"})
        await gateway.until(lambda: gateway.enforces(buyer, "enforce"))
        assert (await gateway.call(buyer.secret)).status_code == 429


async def test_a_suspended_subscription_is_refused_with_its_reason(gateway: Metered) -> None:
    buyer = await gateway.anyone()
    decided = {"allowed": False, "reason": "subscription_suspended", "status": 403, "headers": {}}
    async with deciding(decided) as url, gateway.attached(edge_url=url):
        refused = await gateway.call(buyer.secret)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "SUBSCRIPTION_SUSPENDED")
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize(
    ("reason", "guard", "code", "retry"),
    [
        ("margin_blocked", ("blocked", "L3"), "SERVICE_RESTRICTED_MARGIN", "1800"),
        ("margin_throttled", ("throttled", "L2"), "RATE_LIMITED_MARGIN", "60"),
    ],
)
async def test_the_margin_guards_refusals_look_as_the_contract_says(
    gateway: Metered, reason: str, guard: tuple[str, str], code: str, retry: str
) -> None:
    buyer = await gateway.anyone()
    denied = {"allowed": False, "reason": reason, "status": 429, "headers": {}}
    async with deciding(denied) as url, gateway.attached(edge_url=url):
        refused = await gateway.call(buyer.secret)
    assert refused.status_code == 429
    assert (refused.headers["x-margin-guard"], refused.headers["x-margin-guard-level"]) == guard
    assert refused.headers["retry-after"] == retry
    assert (refused.json()["error"]["code"], refused.json()["error"]["retryAfterSeconds"]) == (code, int(retry))


async def test_a_low_margin_passes_and_the_backend_is_told(gateway: Metered) -> None:
    buyer = await gateway.anyone()
    headers = {"X-Margin-Guard-Warning": "margin-low", "X-RateLimit-Warning": "approaching-limit"}
    async with deciding({"allowed": True, "reason": "ok", "headers": headers}) as url, gateway.attached(edge_url=url):
        passed = await gateway.call(buyer.secret)
        assert gateway.proxying.backend_last["orders-v1"].header("x-margin-guard-warning") == "margin-low"
    assert (passed.status_code, passed.headers["x-ratelimit-warning"]) == (200, "approaching-limit")
    assert "x-margin-guard-warning" not in passed.headers


async def test_a_proxy_with_oauth_tokens_is_checked_by_the_key_that_the_token_was_earned_with(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=1)
    async with gateway.attached(options={"oauth_proxies": "orders-v1"}):
        gateway.proxying.open_proxies |= {"orders-v1"}
        token = gateway.proxying.consumers.issue(buyer.secret, 60)
        assert [(await gateway.call(token)).status_code for _ in range(2)] == [200, 429]
        assert (await gateway.call(buyer.secret)).status_code == 401
    assert len(await gateway.events(buyer.customer_id)) == 1


async def test_a_call_that_the_backend_fails_is_answered_untouched_and_as_documented_not_metered(
    gateway: Metered,
) -> None:
    buyer = await gateway.buyer()
    async with gateway.attached():
        gateway.proxying.backend_status["orders-v1"] = 503
        failed = await gateway.call(buyer.secret)
        assert (failed.status_code, failed.json()["path"]) == (503, "/orders")
    assert await gateway.events(buyer.customer_id) == []


async def test_the_how_to_page_works_word_for_word(gateway: Metered, tmp_path: Path) -> None:
    """Its commands, run by a shell, on another tenant's product; the addresses are those of this test."""
    page = (ROOT / "docs" / "how-to" / "enforce-at-apigee.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    await gateway.release()
    shell = Shell(gateway, tmp_path)
    made = await shell.run(next(one for one in blocks if "create-tenant" in one))
    shell.told["AFORO_ADMIN_KEY"] = re.findall(r"sk_live_\w+", made)[-1]
    made = await shell.run(next(one for one in blocks if "create-key" in one))
    shell.told["AFORO_API_KEY"] = re.findall(r"sk_live_\w+", made)[-1]
    async with gateway.as_tenant(shell.told["AFORO_ADMIN_KEY"]) as (mine, url):
        buyer = await mine.buyer(product="search-v1", settled=False)
        shell.told |= {"AFORO": url, "CONSUMER_KEY": buyer.secret, "API_URL": f"{gateway.url}/proxy/search-v1/search"}
        gateway.forget()
        brought, config, attach, call, event, detach = blocks[3:]
        assert '"state": "READY"' in await shell.run(brought)
        await shell.run(config)
        assert '"sharedFlow": "aforo-metering"' in (await shell.run(attach)).rpartition("}{")[2]
        answer = await shell.until(call, "x-aforo-remaining: ")
        assert f"x-aforo-plan: {buyer.plan}" in answer.lower()
        await gateway.proxying.settled()
        (found,) = json.loads(await shell.until(event, buyer.customer_id))["data"]
        assert found["customerId"] == buyer.customer_id
        assert found["metadata"]["decided"] == "ok"
        await shell.run(detach)
    assert list(gateway.emulator.store.rows("flowhooks")) == []
    assert gateway.emulator.store.get("flows", "aforo-metering") is None
    assert gateway.emulator.store.get("maps", "prod/aforo-config") is None


def _email(gateway: Metered, buyer: Buyer) -> str:
    name = f"aforo-{buyer.subscription_id}"
    app = next(row for row in gateway.emulator.store.rows("apps") if row["name"] == name)
    developers = gateway.emulator.store.rows("developers")
    return next(str(row["email"]) for row in developers if row["developerId"] == app["developerId"])
