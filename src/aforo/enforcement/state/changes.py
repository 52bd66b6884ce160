"""The feed that connected nodes long-poll, so that a revocation reaches them within a second."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from aforo.enforcement.state.diff import Change
from aforo.kit.clock import Clock
from aforo.kit.errors import Overloaded

_KEPT: Final = 10_000
_WAITING: Final = 10_000
RESET: Final = Change("reset", "*")
"""Said to a reader who asks for what is no longer kept: drop everything and ask again."""


class _Entry(NamedTuple):
    version: int
    tenant_id: str
    change: Change


class Changes:
    """Numbered by microseconds of time, or one more than the last: numbers grow over restarts too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[_Entry] = deque(maxlen=_KEPT)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._waiting_count = 0
        self.version = self._next(0)
        self._begun = self.version

    def add(self, tenant_id: str, found: Iterable[Change]) -> None:
        """Take in changes and wake those who wait for this tenant's."""
        for change in found:
            if len(self._entries) == _KEPT:
                self._begun = self._entries[0].version
            self.version = self._next(self.version)
            self._entries.append(_Entry(self.version, tenant_id, change))
        for future in self._waiting.pop(tenant_id, ()):
            if not future.done():
                future.set_result(None)

    def since(self, tenant_id: str, version: int | None) -> list[Change]:
        """Nothing for a reader who only wants to know the version."""
        if version is None:
            return []
        if not self._begun <= version <= self.version:
            return [RESET]
        return [entry.change for entry in self._entries if entry.version > version and entry.tenant_id == tenant_id]

    async def wait(self, tenant_id: str, seconds: float) -> None:
        """Until something changes for this tenant, or the time is over. Raises Overloaded."""
        if self._waiting_count >= _WAITING:
            raise Overloaded("Too many readers wait for changes.", next_step="Ask again.", retry_after_seconds=5)
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(tenant_id, set())
        waiting.add(future)
        self._waiting_count += 1
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            self._waiting_count -= 1
            waiting.discard(future)

    def release(self) -> None:
        """Let everybody go who waits: this process stops."""
        for tenant_id in list(self._waiting):
            self.add(tenant_id, ())

    def _next(self, last: int) -> int:
        return max(last + 1, int(self._clock.now().timestamp() * 1_000_000))
