"""The one way to a vendor: address check, call budget, breaker, time-outs, and errors in our words.

A connector never opens a connection of its own. It gets a `Transport` and calls `call`; what comes back is an `Answer`
with a status that the caller said it can read, or a `GatewayError`.
"""

import asyncio
import ipaddress
import json
import math
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayChanged,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
    GatewayThrottled,
    GatewayTimeout,
    GatewayTlsFailed,
    GatewayUnavailable,
    GatewayUnreachable,
    TargetRefused,
)

_ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
_PATIENCE_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 3600.0
_TRIES_WHEN_THROTTLED: Final = 3
_METADATA_HOSTS: Final = frozenset(
    {"metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal"}
)
_METADATA_ADDRESSES: Final = frozenset(
    {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"}
)


class Gate(Protocol):
    """Stands before every call: the circuit breaker and health of one integration."""

    async def admit(self) -> None:
        """Let one call through, or raise BreakerOpen."""
        ...

    async def passed(self, took_ms: float) -> None: ...

    async def failed(self, error: GatewayError) -> None: ...


class OpenGate:
    """Lets everything through: for conformance runs and for a connection that has not been saved yet."""

    async def admit(self) -> None:
        return

    async def passed(self, took_ms: float) -> None:
        del took_ms

    async def failed(self, error: GatewayError) -> None:
        del error


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` with lower-case names, the body whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_ms: float

    def json(self) -> Any:
        """The body as JSON; raises GatewayNotAnApi when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError, RecursionError) as fault:
            raise _not_an_api(self) from fault

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; raises GatewayNotAnApi when it is anything else."""
        value = self.json()
        if not isinstance(value, dict):
            raise _not_an_api(self)
        return value


Judge = Callable[[Answer], GatewayError | None]
"""A connector's own reading of an answer: the error that it means, or None to go by its status."""


@dataclass(frozen=True, slots=True)
class TlsSetup:
    """PEM texts: an extra CA bundle, and a client certificate with its key for mTLS. `proxy` is a URL."""

    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None


class Transport:
    """Calls one gateway on behalf of one integration."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        *,
        gateway_name: str,
        budget: Budget,
        gate: Gate,
        secrets: Collection[str] = (),
        urgent: bool = False,
    ) -> None:
        self._http = http
        self._name = gateway_name
        self._budget = budget
        self._gate = gate
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 4)
        self._urgent = urgent

    async def call(
        self,
        method: str,
        url: str,
        *,
        operation: str | None = None,
        params: Mapping[str, str] | None = None,
        json_body: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        judge: Judge | None = None,
        timeout_seconds: float = _PATIENCE_SECONDS,
    ) -> Answer:
        """Make one call. Any 2xx comes back, and so do the statuses in `accept`; everything else raises.

        `judge` is asked first, for vendors whose status alone does not tell (AWS: an expired token is a 400 or a 403);
        what it returns is raised, and breaker, health and budget hear of it as of any other fault.

        `operation` is the name that call limits go by, "METHOD /path" unless given. Redirects are not followed: a
        management API does not redirect, and a secret must not travel. A 429 is waited for and tried again, at most
        three times and not for longer than ten seconds each.
        """
        name = operation or f"{method} {httpx2.URL(url).path}"
        for trial in range(_TRIES_WHEN_THROTTLED):
            await self._gate.admit()
            self._refuse_long_pause()
            await self._budget.take(name, urgent=self._urgent)
            request = self._http.build_request(
                method, url, params=params, json=json_body, content=content, headers=headers, timeout=timeout_seconds
            )
            try:
                answer = await self._send(request)
                if judge and (verdict := judge(answer)):
                    raise verdict
                self._judge(answer, method, accept)
            except GatewayThrottled as throttled:
                await self._gate.failed(throttled)
                self._budget.pause(throttled.retry_after_seconds)
                if trial + 1 == _TRIES_WHEN_THROTTLED or throttled.retry_after_seconds > _PATIENCE_SECONDS:
                    raise
            except GatewayError as fault:
                await self._gate.failed(fault)
                raise
            else:
                await self._gate.passed(answer.took_ms)
                return answer
        raise AssertionError("unreachable: the last trial returns or raises")

    def _refuse_long_pause(self) -> None:
        """While the vendor wants us to be quiet for longer than anybody would wait, say so instead of calling."""
        left = self._budget.paused_seconds()
        if left > _PATIENCE_SECONDS:
            raise GatewayThrottled(
                f"{self._name} asked us to make no call for another {left:.0f} s.",
                next_step="Try again then.",
                retry_after_seconds=left,
            )

    def hush(self, text: str) -> str:
        """The text without any of this connection's secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "••••")
        return text

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _send(self, request: httpx2.Request) -> Answer:
        started = time.perf_counter()
        try:
            response = await self._http.send(request, stream=True)
            try:
                body = await _read_limited(response)
            finally:
                await response.aclose()
        except httpx2.TimeoutException as fault:
            raise GatewayTimeout(
                f"{self._name} at {_origin(request)} did not answer in time.",
                next_step="Check that the address is reachable from here, or try again later.",
            ) from fault
        except (httpx2.TransportError, ssl.SSLError) as fault:
            raise self._from_transport(request, fault) from fault
        took_ms = (time.perf_counter() - started) * 1000
        headers = {key.lower(): value for key, value in response.headers.items()}
        return Answer(response.status_code, headers, body, took_ms)

    def _from_transport(self, request: httpx2.Request, fault: Exception) -> GatewayError:
        where, words = _origin(request), self.hush(str(fault)) or type(fault).__name__
        if _is_tls(fault):
            return GatewayTlsFailed(
                f"The TLS handshake with {where} failed: {_tls_words(words)}. No credential was sent.",
                next_step="Give the CA bundle that signed the gateway's certificate, or correct the host name.",
            )
        return GatewayUnreachable(
            f"{self._name} at {where} cannot be reached: {words}.",
            next_step="Check host and port, and that a firewall or VPN lets Aforo through.",
        )

    def _judge(self, answer: Answer, method: str, accept: Collection[int]) -> None:
        if 200 <= answer.status < 300 or answer.status in accept:
            return
        words = self.hush(_words(answer))
        raise _fault(self._name, method, answer, words)


class GuardedHttp(httpx2.AsyncHTTPTransport):
    """Resolves a name once, refuses forbidden addresses, and connects to the very address that it checked.

    The check and the connection use one look-up, so a name cannot point elsewhere in between. Behind a proxy the proxy
    resolves; then only names and literal addresses can be checked.
    """

    def __init__(self, *, allow_private: bool, setup: TlsSetup, limits: httpx2.Limits) -> None:
        super().__init__(verify=_ssl_context(setup), limits=limits, proxy=setup.proxy, trust_env=False)
        self._allow_private = allow_private
        self._proxied = setup.proxy is not None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        if host.lower().rstrip(".") in _METADATA_HOSTS:
            raise refused_target(host)
        if self._proxied:
            check_address(host, host, allow_private=self._allow_private)
            return await super().handle_async_request(request)
        address = await self._resolve(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await super().handle_async_request(request)

    async def _resolve(self, host: str, port: int) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as fault:
            raise httpx2.ConnectError(f"the name {host} does not resolve") from fault
        addresses = [str(row[4][0]) for row in found]
        for address in addresses:
            check_address(host, address, allow_private=self._allow_private)
        return addresses[0]


def check_address(host: str, address: str, *, allow_private: bool) -> None:
    """Raise TargetRefused for an address that Aforo never calls, or not in this installation."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if str(ip) in _METADATA_ADDRESSES or _is_never_a_gateway(ip):
        raise refused_target(host)
    if not allow_private and not ip.is_global:
        raise TargetRefused(
            f"{host} is a private or loopback address, which this installation does not call.",
            next_step="Set AFORO_ALLOW_PRIVATE_TARGETS=true if your gateways live on a private network.",
        )


def _is_never_a_gateway(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if ip.is_loopback:  # ::1 lies in a range that counts as reserved
        return False
    site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local
    return ip.is_link_local or site_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved


def refused_target(host: str) -> TargetRefused:
    """The error for a metadata or link-local address, which no setting opens."""
    return TargetRefused(
        f"{host} is a metadata, link-local or reserved address. Aforo never calls those; no request was sent.",
        next_step="Give the address of the gateway's management API.",
    )


def new_http(*, allow_private: bool, setup: TlsSetup | None = None, connections: int = 8) -> httpx2.AsyncClient:
    """A client whose every connection is guarded. Environment proxies and .netrc are not read."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    guarded = GuardedHttp(allow_private=allow_private, setup=setup or TlsSetup(), limits=limits)
    return httpx2.AsyncClient(transport=guarded, follow_redirects=False, trust_env=False)


def _ssl_context(setup: TlsSetup) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if setup.ca_bundle:
            context.load_verify_locations(cadata=setup.ca_bundle)
        if setup.client_cert:
            _load_client_cert(context, setup.client_cert, setup.client_key or "")
    except (ssl.SSLError, ValueError) as fault:
        raise GatewayTlsFailed(
            f"The certificate or key given for this connection cannot be read: {_tls_words(str(fault))}.",
            next_step="Paste PEM text, with its BEGIN and END lines; the key must not have a passphrase.",
        ) from fault
    return context


def _load_client_cert(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python reads client certificates from files only; an anonymous memory file keeps the key off the disk."""
    import os

    handle = os.memfd_create("aforo-client-cert", os.MFD_CLOEXEC)
    try:
        os.write(handle, f"{certificate.strip()}\n{key.strip()}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


async def _read_limited(response: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _ANSWER_LIMIT_BYTES:
            raise GatewayNotAnApi(
                f"The answer is larger than {_ANSWER_LIMIT_BYTES // 2**20} MiB.",
                next_step="Check the address: a management API answers in pages.",
            )
        parts.append(part)
    return b"".join(parts)


def _fault(name: str, method: str, answer: Answer, words: str) -> GatewayError:
    status = answer.status
    if status == 401:
        return GatewayAuthFailed(
            f"{name} refused the credential (401): {words}. Nothing was changed.",
            next_step="Enter a valid credential and test again.",
        )
    if status == 403:
        return GatewayForbidden(
            f"{name} does not allow this call (403): {words}.",
            next_step="Give the credential the rights listed on the gateway's page in the docs, then test again.",
        )
    if status == 429:
        return GatewayThrottled(
            f"{name} asks us to slow down (429): {words}.",
            next_step="Aforo waits and tries again by itself.",
            retry_after_seconds=_retry_after(answer),
        )
    if status >= 500:
        return GatewayUnavailable(
            f"{name} answered {status}: {words}.",
            next_step="Try again later; whether a write took effect is read back at the next attempt."
            if method != "GET"
            else "Try again later.",
        )
    if _looks_like_html(answer) or 300 <= status < 400:
        return _not_an_api(answer)
    if status == 412:
        return GatewayChanged(
            f"The object has changed at {name} since it was read (412): {words}.",
            status=status,
            next_step="Read it again and look at the difference.",
        )
    if status == 404:
        return GatewayNotFound(f"{name} does not know this object (404): {words}.", status=status)
    return GatewayRejected(f"{name} refused the request ({status}): {words}.", status=status)


def _not_an_api(answer: Answer) -> GatewayNotAnApi:
    if 300 <= answer.status < 400:
        what = f"a redirect to {answer.headers.get('location', 'nowhere')[:200]}"
    elif _looks_like_html(answer):
        what = "an HTML page"
    else:
        what = f"{len(answer.body)} bytes that are not the JSON expected"
    return GatewayNotAnApi(
        f"The address answers {answer.status} with {what}, so it is not this gateway's management API.",
        next_step="Check the address: it must be that of the management (admin) API, not of a website or proxy.",
    )


def _looks_like_html(answer: Answer) -> bool:
    start = answer.body[:200].lstrip().lower()
    return "html" in answer.headers.get("content-type", "") or start.startswith((b"<!doctype html", b"<html"))


def _words(answer: Answer) -> str:
    """The vendor's own message, in one short line."""
    text = answer.body[:2000].decode(errors="replace")
    if _looks_like_html(answer):
        return "an HTML page"
    try:
        value = json.loads(answer.body)
    except (ValueError, UnicodeDecodeError, RecursionError):
        return _one_line(text) or "no text"
    return _one_line(_message(value) or text)


def _message(value: object) -> str | None:
    if isinstance(value, dict):
        for key in ("message", "Message", "detail", "error_description", "error", "title"):
            found = value.get(key)
            if isinstance(found, str) and found:
                return found
            if isinstance(found, dict) and (inner := _message(found)):
                return inner
    return None


def _one_line(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text[:2000])
    return re.sub(r"\s+", " ", plain).strip().rstrip(".")[:300]


def _retry_after(answer: Answer) -> float:
    try:
        seconds = float(answer.headers.get("retry-after", "1"))
    except ValueError:
        return 1.0
    return min(max(0.0, seconds), _LONGEST_PAUSE_SECONDS) if math.isfinite(seconds) else 1.0


def _origin(request: httpx2.Request) -> str:
    """Scheme, host and port as the operator wrote them: the Host header, since the URL may hold a resolved address."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.host)}"


def _is_tls(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLError) or "SSL" in str(fault) or "certificate" in str(fault).lower():
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def _tls_words(words: str) -> str:
    """OpenSSL's sentence without its file and line numbers."""
    return re.sub(r"\s*\(_ssl\.c:\d+\)", "", re.sub(r"^\[.*?\]\s*", "", words)).rstrip(".")
