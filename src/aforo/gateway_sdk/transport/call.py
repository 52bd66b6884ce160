"""One call to a vendor, from the gate to the answer."""

import asyncio
import ssl
import time
from collections.abc import Collection, Mapping
from typing import Final

import httpx2
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.errors import (
    GatewayError,
    GatewayNotAnApi,
    GatewayThrottled,
    GatewayTimeout,
    GatewayTlsFailed,
    GatewayUnreachable,
)
from aforo.gateway_sdk.transport import tls
from aforo.gateway_sdk.transport.answer import Answer, Judge, verdict
from aforo.gateway_sdk.transport.gate import Gate
from aforo.gateway_sdk.transport.guard import unusable_address
from aforo.gateway_sdk.transport.hush import Hush

_ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
_PATIENCE_SECONDS: Final = 10.0
_DEADLINE_SECONDS: Final = 60.0
_TRIES_WHEN_THROTTLED: Final = 3
_TRACER: Final = trace.get_tracer("aforo.gateway")


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
        deadline_seconds: float = _DEADLINE_SECONDS,
    ) -> None:
        self._http = http
        self._name = gateway_name
        self._budget = budget
        self._gate = gate
        self._hush = Hush(secrets)
        self._urgent = urgent
        self._deadline_seconds = deadline_seconds

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
        three times and not for longer than ten seconds each. `timeout_seconds` is how long the vendor may be silent;
        the whole call, with all of its answer, ends within a minute.
        """
        try:
            request = self._http.build_request(
                method, url, params=params, json=json_body, content=content, headers=headers, timeout=timeout_seconds
            )
        except httpx2.InvalidURL as fault:
            raise unusable_address(f"The address of {self._name}") from fault
        except ValueError:
            raise self._unsendable() from None
        name = operation or f"{method} {httpx2.URL(url).path}"

        def fault_in(answer: Answer) -> GatewayError | None:
            told = judge(answer) if judge else None
            return told or verdict(self._name, method, answer, accept, self._hush, self._budget.clock.now())

        for trial in range(_TRIES_WHEN_THROTTLED):
            self._refuse_long_pause()
            try:
                return await self._traced(request, name, fault_in)
            except GatewayThrottled as throttled:
                self._budget.pause(throttled.retry_after_seconds)
                if trial + 1 == _TRIES_WHEN_THROTTLED or throttled.retry_after_seconds > _PATIENCE_SECONDS:
                    raise
        raise AssertionError("unreachable: the last trial returns or raises")

    def hush(self, text: str) -> str:
        """The text without any of this connection's secrets, whatever form they have in it. Hush first, then cut."""
        return self._hush(text)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _traced(self, request: httpx2.Request, name: str, fault_in: Judge) -> Answer:
        """The call as a span, below whatever it is made for. Of addresses only the host is told."""
        told = {"aforo.gateway": self._name, "server.address": request.url.host, "http.request.method": request.method}
        with _TRACER.start_as_current_span(f"{self._name} {name}", kind=SpanKind.CLIENT, attributes=told) as span:
            answer = await self._once(request, name, fault_in)
            span.set_attribute("http.response.status_code", answer.status)
            return answer

    async def _once(self, request: httpx2.Request, name: str, fault_in: Judge) -> Answer:
        """One call, of whose outcome the gate hears whatever it is, so that a probe always ends."""
        await self._gate.admit()
        try:
            await self._budget.take(name, urgent=self._urgent)
            answer = await self._send(request)
            if fault := fault_in(answer):
                raise fault
        except GatewayError as fault:
            await self._gate.failed(fault)
            raise
        except BaseException:
            await self._gate.abandoned()
            raise
        await self._gate.passed(answer.took_ms)
        return answer

    def _refuse_long_pause(self) -> None:
        """While the vendor wants us to be quiet for longer than anybody would wait, say so instead of calling."""
        left = self._budget.paused_seconds()
        if left > _PATIENCE_SECONDS:
            raise GatewayThrottled(
                f"{self._name} asked us to make no call for another {left:.0f} s.",
                next_step="Try again then.",
                retry_after_seconds=left,
            )

    async def _send(self, request: httpx2.Request) -> Answer:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._exchange(request)
        except (TimeoutError, httpx2.TimeoutException) as fault:
            raise GatewayTimeout(
                f"{self._name} at {_origin(request)} did not answer in time.",
                next_step="Check that the address is reachable from here, or try again later.",
            ) from fault
        except httpx2.DecodingError as fault:
            raise GatewayNotAnApi(
                f"{self._name} at {_origin(request)} says that its answer is packed, and it cannot be unpacked.",
                next_step="Check the address, and any proxy on the way that changes answers.",
            ) from fault
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as fault:
            raise unusable_address(f"The address of {self._name}") from fault
        except (httpx2.LocalProtocolError, ValueError):
            raise self._unsendable() from None  # the cause quotes the header, which may be the secret
        except (httpx2.RequestError, ssl.SSLError) as fault:
            raise self._from_transport(request, fault) from fault

    async def _exchange(self, request: httpx2.Request) -> Answer:
        started = time.perf_counter()
        response = await self._http.send(request, stream=True)
        certificate_until = tls.certificate_until(response)
        try:
            body = await _read_limited(response)
        finally:
            await response.aclose()
        took_ms = (time.perf_counter() - started) * 1000
        headers = {key.lower(): value for key, value in response.headers.items()}
        return Answer(response.status_code, headers, body, took_ms, certificate_until)

    def _unsendable(self) -> GatewayError:
        return GatewayError(
            f"This call of {self._name} cannot be written as HTTP: a setting or a name in it holds letters that must "
            "not stand there. No request was sent.",
            next_step="Look for line breaks, blanks and letters outside ASCII in the connection's settings.",
        )

    def _from_transport(self, request: httpx2.Request, fault: Exception) -> GatewayError:
        where, words = _origin(request), self._hush(str(fault)) or type(fault).__name__
        if tls.is_fault(fault):
            return GatewayTlsFailed(
                f"The TLS handshake with {where} failed: {tls.words(words)}. No credential was sent.",
                next_step="Give the CA bundle that signed the gateway's certificate, or correct the host name.",
            )
        return GatewayUnreachable(
            f"{self._name} at {where} cannot be reached: {words}.",
            next_step="Check host and port, and that a firewall or VPN lets Aforo through.",
        )


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


def _origin(request: httpx2.Request) -> str:
    """Scheme, host and port as the operator wrote them."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.host)}"
