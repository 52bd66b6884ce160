"""What policies work on beside their call: entities, key value maps, caches, counters and the way out to HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from ..consumers import Consumers
from ..store import Store

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(slots=True)
class Surroundings:
    """`cached` and `counted` are the runtime's memory, gone when the emulator ends. `now` is in seconds since 1970."""

    store: Store
    consumers: Consumers
    now: Callable[[], float]
    cached: dict[str, tuple[float, Any]] = field(default_factory=dict)
    counted: dict[str, tuple[float, int]] = field(default_factory=dict)
    _clients: dict[tuple[int, bool], httpx2.AsyncClient] = field(default_factory=dict)

    def remembered(self, key: str) -> Any:
        """None once it has expired."""
        ends, value = self.cached.get(key, (0.0, None))
        return value if self.now() < ends else None

    def remember(self, key: str, value: Any, seconds: float) -> None:
        self.cached[key] = (self.now() + seconds, value)

    async def http(
        self, method: str, url: str, headers: dict[str, str], content: str, seconds: float, *, verifies: bool = True
    ) -> httpx2.Response:
        """One real call; an emulator calls nothing but this machine. Raises httpx2.HTTPError."""
        if urlsplit(url).hostname not in _LOOPBACK:
            raise httpx2.ConnectError("An emulator calls loopback addresses only.")
        client = self._client(verifies=verifies and url.startswith("https:"))
        return await client.request(method, url, headers=headers, content=content.encode() or None, timeout=seconds)

    def _client(self, *, verifies: bool) -> httpx2.AsyncClient:
        """Pooled connections belong to the loop that opened them."""
        key = (id(asyncio.get_running_loop()), verifies)
        if key not in self._clients:
            self._clients[key] = httpx2.AsyncClient(trust_env=False, verify=verifies)
        return self._clients[key]

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
