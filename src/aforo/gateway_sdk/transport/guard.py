"""Connections only to where Aforo may go: a name is resolved once, checked, and that very address is connected."""

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Final

import httpcore2
import httpx2

from aforo.gateway_sdk.errors import TargetRefused
from aforo.gateway_sdk.transport.addresses import check_address, check_name, check_unresolved
from aforo.gateway_sdk.transport.tls import TlsSetup, ssl_context

Place = tuple[str, int]
"""A host and a port."""

_CONNECTIONS: Final = 8
_KEPT_IDLE_SECONDS: Final = 5.0
_TRIED_ADDRESSES: Final = 4


def new_http(*, allow_private: bool, setup: TlsSetup | None = None, exempt: Place | None = None) -> httpx2.AsyncClient:
    """A client whose every connection is guarded. Environment proxies and .netrc are not read.

    `exempt` is one place that may be called though it is private, such as that of an emulator which Aforo started.
    Raises GatewayTlsFailed or TargetRefused for a setup that cannot be used.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells whole addresses, and some vendors put keys there
    guarded = GuardedHttp(allow_private=allow_private, setup=setup or TlsSetup(), exempt=exempt)
    return httpx2.AsyncClient(transport=guarded, follow_redirects=False, trust_env=False)


class GuardedHttp(httpx2.AsyncHTTPTransport):
    """Checks each connection, be it to the gateway or to the proxy on the way.

    Behind a proxy the proxy resolves; then the gateway's host can be checked only as it is written.
    """

    def __init__(self, *, allow_private: bool, setup: TlsSetup, exempt: Place | None = None) -> None:
        context = ssl_context(setup)
        super().__init__(verify=context, trust_env=False)
        backend = _Guard(allow_private=allow_private, exempt=exempt)
        # httpx2 has no parameter for the backend of its pool, which is where connections are made
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            proxy=_proxy(setup.proxy) if setup.proxy else None,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_IDLE_SECONDS,
            network_backend=backend,
        )
        self._allow_private = allow_private
        self._proxied = setup.proxy is not None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._proxied:
            check_unresolved(request.url.host, allow_private=self._allow_private)
        return await super().handle_async_request(request)


class _Guard(httpcore2.AsyncNetworkBackend):
    def __init__(self, *, allow_private: bool, exempt: Place | None) -> None:
        self._allow_private = allow_private
        self._exempt = exempt
        self._connect = httpcore2.AnyIOBackend().connect_tcp

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the base class names it so
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._checked(host, port)
        for address in addresses[:-1]:
            try:
                return await self._connect(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return await self._connect(addresses[-1], port, timeout, local_address, socket_options)

    async def _checked(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of which may be called."""
        check_name(host)
        allowed = self._allow_private or (host, port) == self._exempt
        addresses = await _resolved(host, port)
        for address in addresses:
            check_address(host, address, allow_private=allowed)
        return addresses[:_TRIED_ADDRESSES]


async def _resolved(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise httpcore2.ConnectError(f"the name {host} does not resolve") from fault
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def _proxy(address: str) -> httpcore2.Proxy:
    try:
        proxy = httpx2.Proxy(address)
    except (httpx2.InvalidURL, ValueError) as fault:
        raise unusable_address("The proxy's address") from fault
    if proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        raise unusable_address("The proxy's address")
    url = httpcore2.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    return httpcore2.Proxy(url=url, auth=proxy.raw_auth, headers=proxy.headers.raw)


def unusable_address(what: str) -> TargetRefused:
    """The error for an address that cannot be read as one."""
    return TargetRefused(
        f"{what} is none that can be called. No request was sent.",
        next_step="Give it as http:// or https://, a host, and a port if it is another than usual.",
    )
