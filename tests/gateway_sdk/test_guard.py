"""Every connection is checked where it is made: to the gateway, and to the proxy on the way."""

import httpx2
import pytest

from aforo.gateway_sdk.errors import TargetRefused
from aforo.gateway_sdk.transport import TlsSetup, new_http
from tests.gateway_sdk.raw_server import raw, reply


async def _get(
    url: str, *, allow_private: bool = True, proxy: str | None = None, exempt: tuple[str, int] | None = None
) -> httpx2.Response:
    async with new_http(allow_private=allow_private, setup=TlsSetup(proxy=proxy), exempt=exempt) as http:
        return await http.get(url)


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"])
async def test_a_forbidden_gateway_is_refused_before_anything_is_connected(host: str) -> None:
    with pytest.raises(TargetRefused):
        await _get(f"http://{host}/")


@pytest.mark.parametrize("proxy", ["http://169.254.169.254:3128", "http://metadata.goog", "https://2852039166:1"])
async def test_a_forbidden_proxy_is_refused_as_a_gateway_would_be(proxy: str) -> None:
    with pytest.raises(TargetRefused):
        await _get("http://kong.example/", proxy=proxy)


async def test_a_private_proxy_is_refused_where_private_addresses_are() -> None:
    async with raw(reply(b"{}")) as there:
        with pytest.raises(TargetRefused):
            await _get("http://kong.example/", proxy=there.url, allow_private=False)
        assert there.heard == []


@pytest.mark.parametrize("proxy", ["http://[::1", "http://proxy:abc", "socks5://proxy:1080", "http://"])
async def test_a_proxy_that_is_no_address_is_told_as_such(proxy: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        await _get("http://kong.example/", proxy=proxy)
    assert "proxy" in refused.value.detail


async def test_a_proxy_is_asked_for_names_and_never_for_forbidden_addresses() -> None:
    async with raw(reply(b"{}")) as proxy:
        assert (await _get("http://kong.example/services", proxy=proxy.url)).status_code == 200
        for host in ("169.254.169.254", "0xa9fea9fe", "metadata.google.internal", "[fe80::1]"):
            with pytest.raises(TargetRefused):
                await _get(f"http://{host}/", proxy=proxy.url)
        assert [line.split(b"\r\n")[0] for line in proxy.heard] == [b"GET http://kong.example/services HTTP/1.1"]


async def test_one_place_may_be_exempt_and_no_other_on_the_same_machine() -> None:
    async with raw(reply(b"{}")) as emulator, raw(reply(b"{}")) as other:
        exempt = ("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]))
        assert (await _get(emulator.url, allow_private=False, exempt=exempt)).status_code == 200
        with pytest.raises(TargetRefused):
            await _get(other.url, allow_private=False, exempt=exempt)
        with pytest.raises(TargetRefused):
            await _get(emulator.url.replace("127.0.0.1", "127.0.0.2"), allow_private=False, exempt=exempt)
        assert other.heard == []


async def test_a_name_with_several_addresses_is_reached_at_the_one_that_listens() -> None:
    async with raw(reply(b"{}")) as there:
        assert (await _get(there.url.replace("127.0.0.1", "localhost"))).status_code == 200
