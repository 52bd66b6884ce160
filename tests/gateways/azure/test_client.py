"""The client: one sign-in for many calls, long-running operations, pages and links that must not lead astray."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import AsgiApp, Fault, Receive, Scope, Send, answer, read_body
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayChanged,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
    GatewayTimeout,
)
from aforo.gateway_sdk.tokens import EarnedToken
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.azure.client import Client, open_client
from aforo.gateways.azure.client.tokens import ServicePrincipal
from aforo.gateways.azure.emulator.app import BASE
from aforo.gateways.azure.manifest import MANIFEST
from aforo.kit.clock import HandClock
from tests.gateways.azure.azure_parts import ORIGIN, Azure, azure, call, quiet

pytestmark = pytest.mark.conformance


def client(service: Azure, app: AsgiApp | None = None, budget: Budget | None = None, **settings: str) -> Client:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app or service.board))
    told = {**service.settings, **settings}
    transport = Transport(
        http,
        gateway_name="Azure",
        budget=budget or Budget((), service.clock),
        gate=OpenGate(),
        secrets=[service.settings["client_secret"]],
    )

    async def remember(name: str, value: str) -> None:
        raise AssertionError(f"nothing to remember: {name} {len(value)}")

    return open_client(Connection("intg-1", "service_principal", told, transport, service.clock, remember))


def sign_ins(service: Azure) -> int:
    return sum(path.endswith("/oauth2/v2.0/token") for _, path in service.board.log)


async def test_many_calls_at_once_sign_in_once() -> None:
    async with azure(1) as service:
        one = client(service)
        await asyncio.gather(*(one.service() for _ in range(10)))
        assert sign_ins(service) == 1


async def test_the_next_connector_signs_in_no_more_but_other_values_and_a_test_do() -> None:
    async with azure(1) as service:
        for _ in range(3):
            await client(service).service()
        assert sign_ins(service) == 1
        await service.lines()
        assert sign_ins(service) == 2, "a connection test tries the secret itself"
        with pytest.raises(GatewayAuthFailed):
            await client(service, client_secret="another-secret").service()
        assert sign_ins(service) == 3


async def test_a_token_is_renewed_ahead_of_its_end_and_by_one_alone() -> None:
    async with azure(1, token_seconds=3600) as service:
        one = client(service)
        await one.service()
        service.clock.forward(3600 - 301)
        await one.service()
        assert sign_ins(service) == 1
        service.clock.forward(2)
        await asyncio.gather(*(one.service() for _ in range(5)))
        assert sign_ins(service) == 2


async def test_a_token_that_was_revoked_is_replaced_once_for_all_who_were_refused() -> None:
    async with azure(1) as service:
        one = client(service)
        await one.service()
        service.app.sign_in.revoke_all()
        await asyncio.gather(*(one.service() for _ in range(5)))
        assert sign_ins(service) == 2


async def test_a_refusal_of_an_older_token_does_not_lose_the_new_one() -> None:
    asked = []

    async def entra(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await answer(send, 200, b'{"access_token": "new-token-of-entra", "expires_in": 3599}')

    clock = HandClock()
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(entra))
    transport = Transport(http, gateway_name="Azure", budget=Budget((), clock), gate=OpenGate())
    principal = ServicePrincipal(transport, login_url=ORIGIN, scope="x/.default", tenant="t", client_id="c", secret="s")
    tokens = EarnedToken(principal.ask, clock, principal.credential)
    assert await tokens.token() == "new-token-of-entra"
    assert tokens.forget("an-older-token")
    assert (await tokens.token(), len(asked)) == ("new-token-of-entra", 1)
    assert tokens.forget("new-token-of-entra")
    assert (await tokens.token(), len(asked)) == ("new-token-of-entra", 2)


async def test_a_secret_that_is_no_longer_good_is_told_after_one_more_try() -> None:
    async with azure(1) as service:
        one = client(service)
        await one.service()
        service.app.sign_in.revoke_all()
        service.app.sign_in.secrets.clear()
        with pytest.raises(GatewayAuthFailed, match="AADSTS700016"):
            await one.service()


async def test_the_sign_in_asks_for_the_management_address_and_hides_its_secret() -> None:
    seen: list[dict[str, list[str]]] = []

    async def entra(scope: Scope, receive: Receive, send: Send) -> None:
        form = parse_qs((await read_body(receive)).decode())
        seen.append(form)
        words = f"AADSTS7000222: The provided client secret keys for app are expired: {form['client_secret'][0]}."
        await answer(send, 401, json.dumps({"error": "invalid_client", "error_description": words}).encode())

    async with azure(1) as service:
        with pytest.raises(GatewayAuthFailed, match="expired") as fault:
            await client(service, entra, management_url="https://management.usgovcloudapi.net/").service()
    assert service.settings["client_secret"] == seen[0]["client_secret"][0]
    assert service.settings["client_secret"] not in str(fault.value)
    assert seen[0]["scope"] == ["https://management.usgovcloudapi.net/.default"]
    assert seen[0]["grant_type"] == ["client_credentials"]
    assert "make a new one" in str(fault.value.next_step)


async def test_a_server_that_repeats_our_token_does_not_get_it_into_an_error() -> None:
    async with azure(1) as service:
        tokens: list[str] = []

        async def parrot(scope: Scope, receive: Receive, send: Send) -> None:
            headers: Mapping[bytes, bytes] = dict(scope["headers"])
            if b"authorization" not in headers:
                await service.board(scope, receive, send)
                return
            tokens.append(headers[b"authorization"].decode().removeprefix("Bearer "))
            await answer(send, 400, json.dumps({"error": {"code": "X", "message": tokens[-1]}}).encode())

        with pytest.raises(GatewayNotAnApi) as fault:
            await client(service, parrot).service()
        assert tokens[0] not in str(fault.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, GatewayRejected),
        (403, GatewayForbidden),
        (404, GatewayNotFound),
        (409, GatewayRejected),
        (412, GatewayChanged),
    ],
)
async def test_the_details_of_a_refusal_are_told(status: int, kind: type[GatewayError]) -> None:
    details = [{"code": "ValidationError", "target": "path", "message": "Path is\n taken."}]
    body = json.dumps({"error": {"code": "ValidationError", "message": "Wrong:", "details": details}})
    async with azure(1) as service:
        service.board.faults.append(Fault(status, path=f"{BASE}/tags", body=body))
        with pytest.raises(kind, match="Wrong: Path is taken"):
            await client(service).rows("tags")


async def test_pages_are_followed_to_the_end_and_a_cut_one_keeps_what_was_read() -> None:
    async with azure(12, page_size=5) as service:
        one = client(service)
        assert len(await one.rows("products")) == 12
        service.board.faults.append(Fault(0, cut=True, after=2, path=f"{BASE}/products"))
        listing = await one.listing("products")
        assert (len(listing.rows), isinstance(listing.fault, GatewayNotAnApi)) == (10, True)


@pytest.mark.parametrize("link", ["https://elsewhere.example/next", "http://azure.emulator:81/x", 7])
async def test_a_next_page_on_another_server_does_not_get_our_token(link: Any) -> None:
    async with azure(1) as service:
        service.board.faults.append(
            Fault(200, path=f"{BASE}/products", body=json.dumps({"value": [{"name": "a"}], "nextLink": link}))
        )
        listing = await client(service).listing("products")
        assert isinstance(listing.fault, GatewayNotAnApi)
        assert "another server" in str(listing.fault)


async def test_a_next_page_that_names_the_usual_port_is_the_same_server() -> None:
    async with azure(1) as service:
        link = f"http://azure.emulator:80{BASE}/products?api-version=2024-05-01"
        body = json.dumps({"value": [{"name": "a"}], "nextLink": link})
        service.board.faults.append(Fault(200, path=f"{BASE}/products", body=body))
        assert len(await client(service).rows("products")) == 2


NEW = {"displayName": "slow", "value": "x"}


@pytest.mark.parametrize("polls", [0, 1, 5])
async def test_a_long_running_write_is_awaited_at_the_pace_azure_asks_for(polls: int) -> None:
    async with azure(1, polls=polls) as service:
        before = service.clock.monotonic()
        service.app.operations.retry_after_seconds = 7
        await client(service).put(("namedValues", "slow"), NEW)
        told = call(service.app, "GET", "namedValues/slow").body["properties"]
        assert told["provisioningState"] == "Succeeded"
        assert service.clock.monotonic() - before >= 7 * polls


async def test_a_long_running_write_that_fails_says_why() -> None:
    async with azure(1) as service:
        service.app.operations.failures = 1
        with pytest.raises(GatewayRejected, match="made to fail"):
            await client(service).put(("namedValues", "slow"), NEW)
        assert call(service.app, "GET", "namedValues/slow").status == 404


async def test_a_long_running_write_without_end_is_given_up_after_five_minutes() -> None:
    async with azure(1, polls=10**6) as service:
        with pytest.raises(GatewayTimeout, match="300 s"):
            await client(service).put(("namedValues", "slow"), NEW)


@pytest.mark.parametrize("dropped", [(b"azure-asyncoperation",), (b"azure-asyncoperation", b"location")])
async def test_without_a_status_address_the_older_one_or_the_resource_itself_is_asked(
    dropped: tuple[bytes, ...],
) -> None:
    async with azure(1, polls=2) as service:

        async def older(scope: Scope, receive: Receive, send: Send) -> None:
            async def without(message: Any) -> None:
                headers = [pair for pair in message.get("headers", ()) if pair[0] not in dropped]
                await send({**message, "headers": headers} if "headers" in message else message)

            await service.board(scope, receive, without)

        await client(service, older).put(("namedValues", "slow"), NEW)
        assert call(service.app, "GET", "namedValues/slow").body["properties"]["provisioningState"] == "Succeeded"


async def test_a_deletion_is_awaited_and_one_of_nothing_is_done() -> None:
    async with azure(1) as service:
        one = client(service)
        found = await one.find("apis", "orders")
        assert found is not None
        await one.delete(("apis", "orders"), found.etag)
        assert call(service.app, "GET", "apis/orders").status == 404
        await one.delete(("apis", "orders"), found.etag)


async def test_a_second_operation_on_the_same_resource_is_refused_in_words() -> None:
    async with azure(1, polls=3) as service:
        call(service.app, "PUT", "namedValues/slow", NEW)
        with pytest.raises(GatewayRejected, match="in progress"):
            await client(service).put(("namedValues", "slow"), NEW)


async def test_the_link_to_an_export_gets_no_token_and_an_ended_one_is_asked_for_again() -> None:
    async with azure(1) as service:
        seen: list[bool] = []
        late = [310.0]

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith("/api-export/"):
                seen.append(any(name == b"authorization" for name, _ in scope["headers"]))
                service.clock.forward(late.pop() if late else 0)
            await service.board(scope, receive, send)

        one = client(service, slow)
        assert "paths" in await one.export("orders")
        assert seen == [False, False]


async def test_an_export_that_storage_refuses_twice_is_told() -> None:
    async with azure(1) as service:
        service.board.faults.append(Fault(403, times=2, path="/api-export/", body="<Error/>"))
        with pytest.raises(GatewayForbidden, match="storage refuses"):
            await client(service).export("orders")


@pytest.mark.parametrize("value", [None, {"link": 5}, {"link": "ftp://a/b"}, {"link": "file:///etc/passwd"}, "x"])
async def test_an_export_without_a_usable_link_is_told(value: Any) -> None:
    async with azure(1) as service:
        body = json.dumps({"id": "x", "format": "openapi+json-link", "value": value})
        service.board.faults.append(Fault(200, path=f"{BASE}/apis/orders", body=body))
        with pytest.raises(GatewayNotAnApi, match="link"):
            await client(service).export("orders")


async def test_an_export_wrapped_as_newer_versions_do_is_read() -> None:
    async with azure(1) as service:
        link = call(service.app, "GET", "apis/orders", export="true", format="openapi+json-link").body["value"]["link"]
        body = json.dumps({"id": "x", "properties": {"format": "openapi+json-link", "value": {"link": link}}})
        service.board.faults.append(Fault(200, path=f"{BASE}/apis/orders", body=body))
        assert "/orders" in (await client(service).export("orders"))["paths"]


async def test_our_pace_keeps_us_under_azures_limits() -> None:
    async with azure(12, page_size=1, throttle=True) as service:
        budget = Budget(MANIFEST.call_limits, service.clock)
        one = client(service, budget=budget)
        started = service.clock.monotonic()
        for _ in range(500):
            await one.service()
        took = service.clock.monotonic() - started
        assert 250 / 25 <= took <= 250 / 25 * 1.1 + 0.1
        assert budget.throttled == 0


async def test_a_discovery_of_many_products_is_never_throttled() -> None:
    async with azure(80, page_size=100, throttle=True) as service:
        service.budget = Budget(MANIFEST.call_limits, service.clock)
        found = await service.connected().discover(quiet)
        assert (len(found.products), found.problems, service.budget.throttled) == (80, (), 0)
        assert service.budget.calls > 250, "more than the bucket holds at once"


async def test_a_throttled_emulator_refuses_whoever_does_not_pace_itself() -> None:
    async with azure(1, throttle=True) as service:
        statuses = [call(service.app, "GET", "tags").status for _ in range(260)]
        assert statuses.count(200) == 250
        refused = call(service.app, "GET", "tags")
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        left = call(service.app, "PUT", "tags/new", {"displayName": "new"}).headers
        assert left["x-ms-ratelimit-remaining-subscription-writes"] == "199"


async def test_discovery_makes_two_calls_a_product_three_an_api_and_three_lists() -> None:
    async with azure(12, page_size=100) as service:
        await service.gateway.discover(quiet)
        products, apis = 12, 16
        lists_and_notes = 4  # products, tags, named values; and the policy of the whole service
        assert len(service.board.log) == 1 + lists_and_notes + 2 * products + 3 * apis


async def test_addresses_come_from_the_settings_alone() -> None:
    seen: list[str] = []

    async def anything(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(f"{scope['scheme']}://{dict(scope['headers'])[b'host'].decode()}{scope['path']}")
        body = {"access_token": "t" * 20, "expires_in": "3599", "sku": {}, "properties": {}}
        await answer(send, 200, json.dumps(body).encode())

    async with azure(1) as service:
        del service.settings["management_url"], service.settings["login_url"]
        one = client(service, anything)
        await one.service()
    assert [address.partition("/subscriptions")[0] for address in seen] == [
        f"https://login.microsoftonline.com/{service.settings['tenant_id']}/oauth2/v2.0/token",
        "https://management.azure.com",
    ]
    assert ORIGIN not in "".join(seen)
