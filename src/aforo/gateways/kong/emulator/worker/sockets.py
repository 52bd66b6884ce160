"""HTTP for plugins and to backends, over real sockets; faults in OpenResty's words."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2

_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host", "upgrade", "te"}
)


class Fetched(NamedTuple):
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class NoAnswer(Exception):
    """`timeout`, `connection refused` or `closed`."""


class Sockets:
    """Kept alive between calls, within one event loop."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def fetch(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, waits: tuple[float, float, float]
    ) -> Fetched:
        """One request; `waits` are seconds to connect, send and read. Raises NoAnswer."""
        connect, write, read = waits
        timeout = httpx2.Timeout(connect=connect, write=write, read=read, pool=connect)
        try:
            answer = await self._in_this_loop().request(method, url, headers=headers, content=body, timeout=timeout)
        except httpx2.TimeoutException:
            raise NoAnswer("timeout") from None
        except httpx2.ConnectError:
            raise NoAnswer("connection refused") from None
        except httpx2.HTTPError as fault:
            raise NoAnswer("closed" if isinstance(fault, httpx2.NetworkError) else str(fault)) from None
        told = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
        return Fetched(answer.status_code, answer.reason_phrase, told, answer.content)

    async def aclose(self) -> None:
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.aclose()
        self._client = None

    def _in_this_loop(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=256))
            self._loop = loop
        return self._client


def sendable(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers as a request may carry them; the connection's own are left to it."""
    return {name: str(value) for name, value in headers.items() if name.lower() not in _HOP}
