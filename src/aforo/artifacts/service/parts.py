"""What the services of this room share: the record, the way to the gateway, and one run at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from aforo.accounts import Accounts, Scope
from aforo.artifacts.errors import NotDeployed
from aforo.artifacts.model import Installed, Intent, Mode, Wishes
from aforo.artifacts.rules.wiring import wiring
from aforo.artifacts.sql import ArtifactStore
from aforo.gateway_sdk.artifact import Artifact, Wiring
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.manifest import Bounds
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id

Opens = Callable[[str, str], AbstractAsyncContextManager[Artifact]]
"""Opens (tenant, integration); raises NotFound, PartMissing or another AforoError where it cannot."""

ProductsAt = Callable[[str, str], Awaitable[Sequence[ScopedProduct]]]
"""All products of a tenant's integration. Comes from the catalog."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of an integration without calling it."""

    name: str
    emulated: bool
    bounds: Bounds | None


PlaceOf = Callable[[str, str], Awaitable[Place]]
"""Given a tenant and an integration; raises NotFound."""


@dataclass(frozen=True, slots=True)
class Denials:
    """Refusals that were only observed, of one caller, product and reason."""

    customer_id: str
    product: str
    reason: str
    calls: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Switches:
    """What this room asks of enforcement.

    mode, set_mode  of a product: `observe` or `enforce`; they raise NotFound where it is gone
    observed        refusals since a moment that were only observed, live ones
    told            lets the edge look at the records at once
    """

    mode: Callable[[str, str], Awaitable[str]]
    set_mode: Callable[[str, str, str], Awaitable[object]]
    observed: Callable[[str, datetime], Awaitable[Sequence[Denials]]]
    told: Callable[[], Awaitable[None]]


_KEY_SCOPES: Final = frozenset({Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK})


class Parts:
    """Every step that may fail half-way is told to the record before it is tried, and again when it stands."""

    def __init__(
        self,
        store: ArtifactStore,
        opens: Opens,
        places: PlaceOf,
        products: ProductsAt,
        switches: Switches,
        accounts: Accounts,
        ingest_url: str,
        clock: Clock,
    ) -> None:
        self.store = store
        self.opens = opens
        self.places = places
        self.products = products
        self.switches = switches
        self.accounts = accounts
        self.ingest_url = ingest_url
        self.clock = clock
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, integration_id: str) -> AsyncIterator[None]:
        """One run at a time for each integration."""
        async with self._turns.setdefault(integration_id, asyncio.Lock()):
            yield

    async def keep(self, one: Installed, actor_id: str) -> Installed:
        kept = replace(one, changed_at=self.clock.now(), changed_by=actor_id)
        await self.store.keep(kept)
        return kept

    async def begun(self, one: Installed, intent: Intent, actor_id: str) -> Installed:
        """Told to the record before the gateway is called, so that whoever comes next knows of it."""
        return await self.keep(replace(one, unfinished=intent), actor_id)

    @asynccontextmanager
    async def noting(self, one: Installed, actor_id: str) -> AsyncIterator[None]:
        """A gateway's refusal is kept with the record, which still says what is unfinished."""
        try:
            yield
        except GatewayError as fault:
            await self.keep(replace(one, fault=str(fault)), actor_id)
            raise

    async def wired(self, one: Installed, wishes: Wishes, mode: Mode) -> Wiring:
        """With the products as they are now. The record must have a key."""
        if one.wiring is None:
            raise NotDeployed("There is no artifact here yet.", next_step="Deploy it first.")
        products = await self.products(one.tenant_id, one.integration_id)
        return wiring(
            one.integration_id,
            wishes,
            products,
            api_key=one.wiring.api_key,
            ingest_url=self.ingest_url,
            enforce=mode is Mode.ENFORCE,
        )

    async def new_key(self, one: Installed, name: str, actor_id: str) -> Installed:
        """A key of its own. The record knows its id before it is made, so that a crash leaves none that nobody knows.

        Earlier keys go on working until `drop_old_keys`.
        """
        key_id = new_id("key")
        one = await self.keep(replace(one, key_ids=(*one.key_ids, key_id)), actor_id)
        title = f"artifact at {name}"
        _, secret = await self.accounts.create_key(one.tenant_id, title, _KEY_SCOPES, actor_id=actor_id, key_id=key_id)
        products = await self.products(one.tenant_id, one.integration_id)
        made = wiring(
            one.integration_id,
            one.wishes,
            products,
            api_key=secret,
            ingest_url=self.ingest_url,
            enforce=one.mode is Mode.ENFORCE,
        )
        return await self.keep(replace(one, wiring=made, wired_key=key_id), actor_id)

    async def drop_old_keys(self, one: Installed, actor_id: str) -> Installed:
        """Revoke every key but the one that the artifact has."""
        old = [key_id for key_id in one.key_ids if key_id != one.wired_key]
        if not old:
            return one
        await self.revoke(one.tenant_id, old, actor_id)
        return await self.keep(replace(one, key_ids=(one.wired_key,) if one.wired_key else ()), actor_id)

    async def revoke(self, tenant_id: str, key_ids: Sequence[str], actor_id: str) -> None:
        for key_id in key_ids:
            try:
                await self.accounts.revoke_key(tenant_id, key_id, actor_id)
            except NotFound:  # never made, or revoked already
                continue
