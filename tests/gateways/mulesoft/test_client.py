"""Anypoint over HTTP: tokens, throttling, paging, and what is refused before a call is made."""

from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayThrottled,
    GatewayUnavailable,
)
from aforo.gateways.mulesoft.client import Anypoint as Client
from aforo.gateways.mulesoft.emulator import ORGANIZATION
from tests.gateways.mulesoft.mulesoft_parts import HERE, Anypoint

TOKEN = "POST /accounts/api/v2/oauth2/token"
ME = "GET /accounts/api/me"


def client(anypoint: Anypoint, sign_in: str = "connected_app", **settings: str) -> Client:
    return Client(anypoint.connection(sign_in, settings))


async def test_one_token_serves_all_calls_and_the_next_connector_as_well() -> None:
    anypoint = Anypoint(1)
    for _ in range(3):
        await client(anypoint).me()
    assert (anypoint.board.calls[TOKEN], anypoint.board.calls[ME]) == (1, 3)


async def test_a_token_is_renewed_ahead_of_its_end_so_that_no_call_is_ever_refused() -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint)
    for _ in range(40):
        await mine.me()
        anypoint.clock.forward(300)
    assert anypoint.board.calls[ME] == 40  # a refused call would have been made again
    assert anypoint.board.calls[TOKEN] == 4  # one for each 3,480 of 12,000 s


async def test_a_token_that_anypoint_ended_early_is_replaced_within_the_call() -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint)
    await mine.me()
    anypoint.tables["tokens"].clear()
    await mine.me()
    assert (anypoint.board.calls[TOKEN], anypoint.board.calls[ME]) == (2, 3)


async def test_an_app_whose_secret_was_changed_fails_with_words_and_without_the_secret() -> None:
    anypoint = Anypoint(1)
    await client(anypoint).me()
    anypoint.tables["tokens"].clear()
    next(iter(anypoint.tables["apps"].values()))["secret"] = "another"
    with pytest.raises(GatewayAuthFailed, match="Anypoint refused the connected app") as raised:
        await client(anypoint).me()
    assert raised.value.next_step
    assert "084ADC" not in f"{raised.value}{raised.value.next_step}"


async def test_a_given_token_is_used_as_it_is_and_its_end_is_told() -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint, "access_token", access_token=await anypoint.token())
    told, _ = await mine.me()
    assert told["client"]["name"] == "Aforo"
    anypoint.clock.forward(3601)
    with pytest.raises(GatewayAuthFailed):
        await mine.me()
    assert anypoint.board.calls[TOKEN] == 1  # ours was the hand that got it


@pytest.mark.parametrize("status", [500, 503])
async def test_exchange_is_waited_for_when_it_says_that_it_is_broken(status: int) -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint)
    await mine.me()
    anypoint.board.faults = [Fault(status, path="/exchange/", body="{}")]
    before = anypoint.clock.monotonic()
    assert await mine.asset(ORGANIZATION, "orders-api", "1.0.0")
    assert anypoint.clock.monotonic() - before >= 2


async def test_exchange_that_stays_broken_is_throttling_and_not_an_outage() -> None:
    anypoint = Anypoint(1)
    anypoint.board.faults = [Fault(503, times=9, path="/exchange/", body="{}")]
    with pytest.raises(GatewayThrottled, match="asked too often"):
        await client(anypoint).asset(ORGANIZATION, "orders-api", "1.0.0")


async def test_a_503_of_api_manager_is_an_outage() -> None:
    anypoint = Anypoint(1)
    anypoint.board.faults = [Fault(503, path="/apimanager/", body="{}")]
    with pytest.raises(GatewayUnavailable):
        await client(anypoint).listing("assets", "apis")


@pytest.mark.parametrize("as_told", [lambda at: at, lambda at: at * 1000, lambda _: 7])
async def test_a_429_is_waited_for_until_the_window_ends_however_that_is_told(as_told: Any) -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint)
    await mine.me()
    ends = as_told(int(anypoint.clock.now().timestamp()) + 7)
    anypoint.board.faults = [Fault(429, path="/accounts/api/me", body="{}", headers={"X-RateLimit-Reset": str(ends)})]
    before = anypoint.clock.monotonic()
    await mine.me()
    assert 6.9 <= anypoint.clock.monotonic() - before <= 8


async def test_the_emulated_limit_is_told_in_headers_and_kept_by_waiting() -> None:
    anypoint = Anypoint(1, calls_per_minute=3)
    mine = client(anypoint)
    anypoint.clock.forward(55)
    for _ in range(5):
        await mine.me()
    assert anypoint.clock.monotonic() >= 60


@pytest.mark.parametrize("page_size", [1, 2, 100])
async def test_small_pages_give_the_same_list(page_size: int) -> None:
    anypoint = Anypoint(9, page_size=page_size)
    found = await client(anypoint).listing("assets", "apis")
    assert [asset["assetId"] for asset in found.rows] == ["customers-api", "orders-api", "payments-api"]
    assert (found.total, found.fault) == (3, None)
    assert anypoint.board.calls[f"GET {HERE}/apis"] == -(-3 // page_size)


async def test_a_later_page_that_fails_keeps_what_was_read() -> None:
    anypoint = Anypoint(9, page_size=1)
    anypoint.board.faults = [Fault(502, after=1, path=HERE, body="{}")]
    found = await client(anypoint).listing("assets", "apis")
    assert len(found.rows) == 1
    assert isinstance(found.fault, GatewayUnavailable)


async def test_a_list_that_shows_less_than_it_counts_ends() -> None:
    anypoint = Anypoint(9)
    anypoint.switches.hidden_assets.add("orders-api")
    found = await client(anypoint).listing("assets", "apis")
    assert (len(found.rows), found.total) == (2, 3)


@pytest.mark.parametrize(
    "url",
    ["ftp://anypoint.test", "anypoint.test", "https://me:secret@anypoint.test", "https://a.test/?x=1", "https://"],
)
async def test_an_address_that_is_none_is_refused_before_any_call(url: str) -> None:
    anypoint = Anypoint(1)
    with pytest.raises(GatewayNotAnApi, match="No request was sent") as raised:
        await client(anypoint, anypoint_url=url).me()
    assert "secret" not in str(raised.value)
    assert anypoint.board.log == []


async def test_a_token_with_a_line_break_is_refused_before_any_call() -> None:
    anypoint = Anypoint(1)
    with pytest.raises(GatewayAuthFailed, match="No request was sent"):
        await client(anypoint, "access_token", access_token="Bearer abc").me()
    assert anypoint.board.log == []


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b'{"policies": 5}', b'["a"]'])
async def test_an_answer_that_is_not_anypoints_is_told_to_be_none(body: bytes) -> None:
    async def somebody_else(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body})

    mine = Client(Anypoint(1).connection("access_token", {"access_token": "x"}, somebody_else))
    with pytest.raises(GatewayNotAnApi):
        await mine.listing("assets", "apis")
    if body != b"[]":
        with pytest.raises(GatewayNotAnApi):
            await mine.policies("1")


async def test_the_file_of_an_asset_is_fetched_without_our_token() -> None:
    anypoint = Anypoint(1)
    mine = client(anypoint)
    asset = await mine.asset(ORGANIZATION, "orders-api", "1.0.0")
    assert asset
    link = asset["files"][0]["externalLink"]
    assert (await mine.file(link))[:2] == b"PK"
    refused = await anypoint.http.get(link, headers={"Authorization": "Bearer any"})
    assert refused.status_code == 400
    anypoint.clock.forward(301)
    with pytest.raises(GatewayForbidden):
        await mine.file(link)


async def test_every_failure_is_a_gateway_error_that_says_what_to_do_next() -> None:
    anypoint = Anypoint(1)
    for status in (400, 403, 429, 500):
        anypoint.board.faults = [Fault(status, times=9, path="/accounts/api/v2/", body="{}")]
        with pytest.raises(GatewayError) as raised:
            await client(anypoint).sign_in()
        assert raised.value.next_step, status
