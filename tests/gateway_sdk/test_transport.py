"""One call: whatever comes back, or does not, is one of our errors, holds no secret, and ends the call."""

import asyncio
import base64
import traceback
from typing import Any

import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.errors import (
    GatewayError,
    GatewayNotAnApi,
    GatewayRejected,
    GatewayThrottled,
    GatewayTimeout,
    TargetRefused,
)
from aforo.gateway_sdk.transport import Answer, Transport, new_http
from aforo.kit.clock import HandClock
from tests.gateway_sdk.raw_server import raw, reply

SECRET = "kpat_planted-and-never-to-be-shown-5f1c9d"


class NotingGate:
    """Notes how each call that it admitted ended."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    async def admit(self) -> None:
        self.noted.append("admitted")

    async def passed(self, took_ms: float) -> None:
        del took_ms
        self.noted.append("passed")

    async def failed(self, error: GatewayError) -> None:
        self.noted.append(error.code)

    async def abandoned(self) -> None:
        self.noted.append("abandoned")


def _transport(gate: NotingGate, deadline_seconds: float = 5.0) -> Transport:
    return Transport(
        new_http(allow_private=True),
        gateway_name="Kong",
        budget=Budget((), HandClock()),
        gate=gate,
        secrets=[SECRET],
        deadline_seconds=deadline_seconds,
    )


async def _fails(url: str, **more: Any) -> tuple[GatewayError, NotingGate]:
    gate = NotingGate()
    transport = _transport(gate, more.pop("deadline_seconds", 5.0))
    with pytest.raises(GatewayError) as failed:
        await transport.call("GET", url, **more)
    await transport.aclose()
    told = "".join(traceback.format_exception(failed.value)) + str(failed.value)
    assert "planted" not in told
    return failed.value, gate


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
async def test_an_answer_that_cannot_be_unpacked_is_no_api(coding: str) -> None:
    async with raw(reply(b"this is not packed", "200 OK", f"Content-Encoding: {coding}")) as there:
        error, gate = await _fails(there.url)
    assert isinstance(error, GatewayNotAnApi)
    assert gate.noted == ["admitted", "gateway_not_an_api"]


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://kong:abc", "http://0177.0.0.1", "kong:8001/x", "ftp://kong", ""]
)
async def test_what_is_no_address_is_told_as_such(url: str) -> None:
    error, _ = await _fails(url)
    assert isinstance(error, TargetRefused)


@pytest.mark.parametrize("value", [f"{SECRET}\nX: y", f"{SECRET}\u00e9", f"{SECRET}\x00"])
async def test_a_header_that_cannot_be_written_is_told_without_its_value(value: str) -> None:
    async with raw(reply(b"{}")) as there:
        error, _ = await _fails(there.url, headers={"Authorization": value})
        assert "No request was sent" in error.detail
        assert there.heard == []


async def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    async with raw(head, *([b"x"] * 100), gap_seconds=0.1) as there:
        started = asyncio.get_running_loop().time()
        error, gate = await _fails(there.url, deadline_seconds=0.4)
        assert asyncio.get_running_loop().time() - started < 3
    assert isinstance(error, GatewayTimeout)
    assert gate.noted == ["admitted", "gateway_timeout"]


@pytest.mark.parametrize("cut", [0, 40, 250, 290, 1980, 1999])
async def test_a_secret_is_hushed_before_the_vendors_words_are_cut(cut: int) -> None:
    words = "x" * cut + SECRET + " and more" * 400
    for body in (words.encode(), b'{"message":"' + words.encode() + b'"}'):
        async with raw(reply(body, "400 Bad Request")) as there:
            error, _ = await _fails(there.url)
        assert isinstance(error, GatewayRejected)
        assert SECRET[:8] not in error.detail


async def test_an_echoed_sign_in_is_hushed() -> None:
    pair = base64.b64encode(f"admin:{SECRET}".encode())
    async with raw(reply(b'{"message":"bad Authorization Basic ' + pair + b'"}', "400 Bad Request")) as there:
        error, _ = await _fails(there.url)
    assert pair.decode()[14:] not in error.detail
    assert "bad Authorization Basic " in error.detail


async def test_a_redirect_tells_where_it_leads_but_no_secret() -> None:
    async with raw(reply(b"", "302 Found", f"Location: https://login.example/?token={SECRET}")) as there:
        error, _ = await _fails(there.url)
    assert "https://login.example/?token=••••" in error.detail


async def test_a_date_to_retry_after_is_read() -> None:
    late = ("Retry-After: Sun, 22 Nov 2026 12:10:00 GMT", "Date: Sun, 22 Nov 2026 12:00:00 GMT")
    async with raw(reply(b"slow down", "429 Too Many Requests", *late)) as there:
        error, _ = await _fails(there.url)
    assert isinstance(error, GatewayThrottled)
    assert error.retry_after_seconds == 600


async def test_a_call_that_is_cancelled_tells_the_gate() -> None:
    gate = NotingGate()
    transport = _transport(gate)
    async with raw(b"", b"never", gap_seconds=60) as there:
        call = asyncio.create_task(transport.call("GET", there.url))
        await there.called.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await transport.aclose()
    assert gate.noted == ["admitted", "abandoned"]


async def test_a_connector_that_fails_over_an_answer_tells_the_gate() -> None:
    def judge(answer: Answer) -> GatewayError | None:
        raise KeyError(answer.status)

    gate = NotingGate()
    transport = _transport(gate)
    async with raw(reply(b"{}")) as there:
        with pytest.raises(KeyError):
            await transport.call("GET", there.url, judge=judge)
    await transport.aclose()
    assert gate.noted == ["admitted", "abandoned"]
