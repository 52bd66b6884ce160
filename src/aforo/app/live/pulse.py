"""Notices what changes for a tenant while somebody looks.

A place is what each kind looked like, as digests: `usage:1f0c…,drift:…`. A page carries the place of its rendering, so
that nothing is missed between the page and its stream, over a lost connection or over a restart.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from aforo.app.live.sources import Look

_REST: Final = 10
"""Looking takes at most a tenth of the time, however long one look takes."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Tenant:
    """`seen` are the digests of the last look; who waits is woken by `moved`."""

    seen: dict[str, str] = field(default_factory=dict)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0
    task: asyncio.Task[None] | None = None


class Pulse:
    """One look a second for each tenant that somebody watches, however many watch; nobody watches, nobody looks."""

    def __init__(self, sources: Mapping[str, Look], *, every_seconds: float = 1.0) -> None:
        self._sources = sources
        self._every = every_seconds
        self._tenants: dict[str, _Tenant] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self._sources)

    async def place(self, tenant_id: str) -> str:
        """How things stand now."""
        return _place({kind: await self._digest(kind, tenant_id) for kind in self._sources})

    @asynccontextmanager
    async def watching(self, tenant_id: str) -> AsyncIterator["Watch"]:
        """From now on changes are noticed. The first look is over before this is entered."""
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        tenant.listeners += 1
        try:
            await self._look(tenant_id, tenant)
            if tenant.task is None:
                tenant.task = asyncio.create_task(self._watch(tenant_id, tenant), name=f"pulse {tenant_id}")
            yield Watch(tenant)
        finally:
            tenant.listeners -= 1
            if not tenant.listeners:
                self._tenants.pop(tenant_id, None)
                if tenant.task is not None:
                    tenant.task.cancel()

    async def _watch(self, tenant_id: str, tenant: _Tenant) -> None:
        rest = self._every
        while True:
            await asyncio.sleep(rest)
            began = time.monotonic()
            await self._look(tenant_id, tenant)
            rest = max(self._every, (time.monotonic() - began) * _REST)

    async def _look(self, tenant_id: str, tenant: _Tenant) -> None:
        for kind in self._sources:
            digest = await self._digest(kind, tenant_id)
            if digest and tenant.seen.get(kind) != digest:
                tenant.seen[kind] = digest
                tenant.moved.set()
                tenant.moved = asyncio.Event()

    async def _digest(self, kind: str, tenant_id: str) -> str:
        """Empty where this part cannot be looked at now: it is looked at again, and the others go on."""
        try:
            value = await self._sources[kind](tenant_id)
        except Exception:
            log.warning("live: %s could not be looked at", kind, exc_info=True)
            return ""
        return blake2b(f"{tenant_id}\0{value!r}".encode(), digest_size=6).hexdigest()


class Watch:
    """One reader's view of a tenant."""

    def __init__(self, tenant: _Tenant) -> None:
        self._tenant = tenant

    @property
    def place(self) -> str:
        return _place(self._tenant.seen)

    def since(self, place: str) -> list[str]:
        """Kinds that look different from what they did at a place; all of them where it tells nothing."""
        known = dict(part.split(":", 1) for part in place.split(",") if ":" in part)
        return [kind for kind, digest in self._tenant.seen.items() if known.get(kind) != digest]

    async def change(self, seconds: float) -> None:
        """Returns when something changed, at the latest after so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._tenant.moved.wait()
        except TimeoutError:
            return


def _place(seen: Mapping[str, str]) -> str:
    return ",".join(f"{kind}:{digest}" for kind, digest in seen.items())
