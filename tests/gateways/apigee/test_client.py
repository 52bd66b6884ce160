"""Tokens are earned, renewed ahead of their end and never told; lists are read whole or say that they are not."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aforo.gateway_sdk.contract import Gateway, Product, Verdict
from aforo.gateway_sdk.emulator import AsgiApp, Fault, Receive, Scope, Send, answer_json
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayClockSkew,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayThrottled,
)
from aforo.gateways.apigee.client.tokens import read_key
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION, sample_connection
from aforo.kit.clock import HandClock
from tests.gateways.apigee.apigee_parts import BASE, gateway, quiet, world
from tests.gateways.apigee.description import html

KEY = sample_connection(BASE)[1]["service_account_key"]


def exchanges(log: list[tuple[str, str]]) -> int:
    return log.count(("POST", "/token"))


def token_gateway(app: AsgiApp, **settings: str) -> Gateway:
    told = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": BASE, **settings}
    return gateway(app, told, "access_token", HandClock())


async def test_one_exchange_serves_all_who_wait_for_it_and_the_jobs_that_follow() -> None:
    one = world()
    await asyncio.gather(*(one.gateway.ping() for _ in range(10)))
    assert exchanges(one.board.log) == 1
    sign_in, settings = sample_connection(BASE)
    another = gateway(one.board, settings, sign_in, one.clock)
    await another.ping()
    assert exchanges(one.board.log) == 1


async def test_a_token_is_renewed_before_it_ends() -> None:
    one = world(token_seconds=3600)
    await one.gateway.ping()
    one.clock.forward(seconds=3299)
    await one.gateway.ping()
    assert exchanges(one.board.log) == 1
    one.clock.forward(seconds=2)
    await one.gateway.ping()
    assert exchanges(one.board.log) == 2


async def test_a_token_that_google_no_longer_takes_is_replaced_once() -> None:
    one = world()
    await one.gateway.ping()
    one.emulator.tokens.revoke_all()
    await one.gateway.ping()
    assert exchanges(one.board.log) == 2
    one.board.faults.append(Fault(status=401, times=9, path="/v1/"))
    with pytest.raises(GatewayAuthFailed):
        await one.gateway.ping()
    assert exchanges(one.board.log) == 3


async def test_a_refused_key_is_asked_about_once_and_told_in_words() -> None:
    one = world()
    one.board.faults.append(
        Fault(
            status=400,
            times=9,
            path="/token",
            body='{"error":"invalid_grant","error_description":"Invalid JWT Signature."}',
        )
    )
    with pytest.raises(GatewayAuthFailed, match="Invalid JWT Signature") as told:
        await one.gateway.ping()
    assert exchanges(one.board.log) == 1
    assert "create a new key" in str(told.value)


async def test_another_key_than_the_accounts_is_refused_by_its_signature() -> None:
    one = world()
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    stranger = json.dumps({**json.loads(KEY), "private_key": pem.decode()})
    settings = {**sample_connection(BASE)[1], "service_account_key": stranger}
    with pytest.raises(GatewayAuthFailed, match="Invalid JWT Signature"):
        await gateway(one.board, settings, "service_account", one.clock).ping()


async def test_a_clock_that_is_wrong_is_named_as_such() -> None:
    one = world()
    sign_in, settings = sample_connection(BASE)
    late = HandClock()
    late.forward(seconds=2 * 3600)
    with pytest.raises(GatewayClockSkew, match="times do not fit"):
        await gateway(one.board, settings, sign_in, late).ping()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "authorized_user"}, "not of the type"),
        ({"client_email": None}, "lacks client_email"),
        ({"private_key": "-----BEGIN nothing"}, "cannot be read"),
        ({"token_uri": "http://tokens.example/token"}, "without TLS"),
        ({"token_uri": "ftp://x"}, "no http or https"),
    ],
)
def test_a_key_that_cannot_work_says_why_and_not_what_is_in_it(change: dict[str, Any], words: str) -> None:
    text = json.dumps({**json.loads(KEY), **change})
    with pytest.raises(GatewayAuthFailed, match=words) as told:
        read_key(text)
    assert "PRIVATE" not in str(told.value)
    assert "No request was sent" in str(told.value)


def test_a_keys_repr_does_not_tell_it() -> None:
    assert "private" not in repr(read_key(KEY)).lower()
    with pytest.raises(GatewayAuthFailed, match="no JSON"):
        read_key("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("settings", [{"organization": "a/b"}, {"organization": ""}, {"api_url": "ftp://x"}])
async def test_values_that_make_no_address_send_nothing(settings: dict[str, str]) -> None:
    one = world(settings=settings)
    with pytest.raises(GatewayNotAnApi, match="No request was sent"):
        await one.gateway.ping()
    lines = [line async for line in one.gateway.check()]
    assert [line.verdict for line in lines] == [Verdict.FAILED]
    assert one.board.log == []


async def test_a_token_that_no_header_may_carry_sends_nothing() -> None:
    one = world()
    with pytest.raises(GatewayAuthFailed, match="No request was sent"):
        await token_gateway(one.board, access_token="two\nlines").ping()
    assert one.board.log == []


async def test_a_page_in_html_is_no_api() -> None:
    with pytest.raises(GatewayNotAnApi):
        await token_gateway(html).ping()


async def test_an_answer_that_repeats_the_token_does_not_get_it_into_our_words() -> None:
    async def parrot(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        sent = dict(scope["headers"])[b"authorization"].decode()
        await answer_json(send, 500, {"error": {"code": 500, "message": f"I got {sent}", "status": "INTERNAL"}})

    with pytest.raises(GatewayError) as told:
        await token_gateway(parrot).ping()
    assert FIXED_TOKEN not in str(told.value)


async def test_a_wrong_organization_names_the_region_as_a_reason() -> None:
    one = world(settings={"organization": "others"})
    with pytest.raises(GatewayForbidden, match="region"):
        await one.gateway.ping()


async def test_being_asked_to_slow_down_is_waited_for() -> None:
    one = world()
    body = '{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}'
    one.board.faults.append(Fault(status=429, times=1, path="/v1/", headers={"retry-after": "3"}, body=body))
    await one.gateway.ping()
    one.board.faults.append(Fault(status=429, times=1, path="/v1/", headers={"retry-after": "90"}, body=body))
    with pytest.raises(GatewayThrottled):
        await one.gateway.ping()


@pytest.mark.parametrize("page_size", [2, 3, 7, 14, 1000])
async def test_every_product_and_plan_is_read_once_whatever_the_size_of_a_page(page_size: int) -> None:
    one = world(products=14, page_size=page_size)
    found = await one.gateway.discover(quiet)
    assert not found.partial
    assert len({product.ref for product in found.products}) == len(found.products) == 14
    plans = [entity for product in found.products for entity in product.entities if entity.kind == "rateplan"]
    assert len(plans) == 4


async def test_a_list_that_repeats_itself_for_ever_ends() -> None:
    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        path = scope["path"]
        if path.endswith("rateplans"):
            body: dict[str, Any] = {"ratePlans": [{"name": "p", "apiproduct": "a"}], "nextStartKey": "p"}
        elif path.endswith("apiproducts"):
            body = {"apiProduct": [{"name": "a"}]}
        else:
            body = {"name": "org", "addonsConfig": {"monetizationConfig": {"enabled": True}}}
        await answer_json(send, 200, body)

    found = await token_gateway(stuck).discover(quiet)
    assert [product.ref for product in found.products] == ["a"]


async def test_a_product_whose_name_needs_quoting_is_addressed_by_it() -> None:
    one = world()
    await one.call("POST", "/apiproducts", {"name": "50% off $ orders", "displayName": "Sale"})
    assert (await one.product("50% off $ orders")).name == "Sale"
    assert await one.gateway.read(Product("no such", "no such", "x", None, ())) is None


async def test_the_emulators_key_is_that_of_a_service_account() -> None:
    one = world()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(one.board), base_url=BASE) as http:
        refused = await http.post("/token", data={"grant_type": "password"})
        broken = await http.post(
            "/token", data={"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
        )
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
    assert broken.status_code == 400
