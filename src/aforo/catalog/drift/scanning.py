"""Notice drift: compare records with the gateway. One episode per product at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aforo.catalog.model import Difference, DriftEpisode, EpisodeRow, ProductRow, Recorded, Row, Status
from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.preview import observed_digest
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.manifest import EntityKind
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id

NOTICED: Final = "no longer differs"
"""How an episode ended that nobody has answered."""

DriftNoted = Callable[[str], Awaitable[None]]
"""Given a tenant: episodes of its products began or ended. Never raises."""


async def tell_nobody(tenant_id: str) -> None:
    """Where nobody is told."""
    del tenant_id


@dataclass(frozen=True, slots=True)
class DriftView:
    """A product's record beside the gateway, read just now. `live` is None when the product is gone from there."""

    product: ProductRow
    recorded: Product
    live: Product | None
    difference: Difference
    observed: str | None
    episode: DriftEpisode | None


class Scanning:
    """Compares records with the gateway and keeps the episodes."""

    def __init__(
        self,
        store: ProductStore,
        integrations: Integrations,
        vault: Vault,
        clock: Clock,
        noted: DriftNoted = tell_nobody,
    ) -> None:
        self._noted = noted
        self._store = store
        self._integrations = integrations
        self._vault = vault
        self._clock = clock

    def recorded(self, tenant_id: str, row: ProductRow, sealed: bytes) -> Recorded:
        """The record as the rules see it: secrets veiled."""
        product = self._vault.veil(tenant_id, self._vault.open_product(tenant_id, row.id, sealed))
        return Recorded(row.id, row.record_version, product, row.monetized, row.ignored)

    async def look(self, tenant_id: str, product_id: str) -> DriftView:
        """Read the product at its gateway and compare; opens or closes its episode."""
        row, record = await self._load(tenant_id, product_id)
        async with self._integrations.open(tenant_id, row.integration_id, urgent=True) as gateway:
            live = await gateway.read(record)
        return await self._view(tenant_id, row, record, live)

    async def episodes(self, tenant_id: str, product_id: str) -> list[DriftEpisode]:
        return [self._episode(tenant_id, row) for row in await self._store.episodes.of(product_id)]

    async def episode(self, tenant_id: str, row: ProductRow) -> DriftEpisode | None:
        """The open episode of a product."""
        kept = await self._store.episodes.get(row.drift_id) if row.drift_id else None
        return self._episode(tenant_id, kept) if kept else None

    async def drifting(self, tenant_id: str, limit: int = 20) -> list[tuple[ProductRow, DriftEpisode]]:
        """Products that differ, the longest first."""
        found = await self._store.episodes.drifting(tenant_id, limit)
        return [(row, self._episode(tenant_id, episode)) for row, episode in found]

    async def note_rows(self, tenant_id: str, integration_id: str, rows: Sequence[Row]) -> None:
        """Take a preview's findings over: each row of a recorded product opens, updates or closes its episode."""
        known = {row.id: row for row in await self._store.products(tenant_id, integration_id=integration_id)}
        seen = [
            (known[row.product_id], row.difference, row.status is Status.STALE)
            for row in rows
            if row.product_id in known
        ]
        await self._note(tenant_id, seen)

    async def open_episodes(self, tenant_id: str) -> dict[str, str]:
        """The product of each open episode."""
        return await self._store.episodes.open(tenant_id)

    async def how_it_ended(self, episode_id: str) -> str | None:
        """The resolution of an episode; None while it is open, or when its product is gone from Aforo."""
        found = await self._store.episodes.get(episode_id)
        return found.resolution if found else None

    async def settle(self, row: ProductRow, resolution: str) -> None:
        """Close the open episode, if there is one."""
        await self._store.episodes.close(row.id, resolution, self._clock.now())
        await self._noted(row.tenant_id)

    async def _view(
        self, tenant_id: str, row: ProductRow, record: Product, live: Product | None, *, settled_by: str = NOTICED
    ) -> DriftView:
        ours = self._vault.veil(tenant_id, record)
        theirs = self._vault.veil(tenant_id, live) if live else None
        kinds = await self._kinds(tenant_id, row)
        difference = compare(ours, theirs, kinds, row.ignored) if theirs else Difference()
        await self._note(tenant_id, [(row, difference, theirs is None)], settled_by)
        fresh = await self._row(tenant_id, row.id)
        seen = observed_digest(theirs) if theirs else None
        return DriftView(fresh, ours, theirs, difference, seen, await self.episode(tenant_id, fresh))

    async def _note(
        self, tenant_id: str, seen: Sequence[tuple[ProductRow, Difference, bool]], settled_by: str = NOTICED
    ) -> None:
        """Open, update and close episodes, in one write; the third of each is whether the product is gone."""
        now = self._clock.now()
        found: list[EpisodeRow] = []
        for row, difference, gone in seen:
            if gone or difference.is_drift:
                episode_id = row.drift_id or new_id("drift")
                sealed = self._vault.seal_changes(tenant_id, episode_id, difference.changes)
                found.append(EpisodeRow(episode_id, row.id, now, None, None, gone, sealed))
        drifting = {episode.product_id for episode in found}
        settled = [row.id for row, _, _ in seen if row.drift_id and row.id not in drifting]
        checked = [row.id for row, _, _ in seen]
        await self._store.episodes.note(tenant_id, found, settled, checked, now, settled_by)
        if settled or any(row.drift_id is None for row, difference, gone in seen if gone or difference.is_drift):
            await self._noted(tenant_id)

    async def _load(self, tenant_id: str, product_id: str, version: int | None = None) -> tuple[ProductRow, Product]:
        row = await self._row(tenant_id, product_id)
        kept = await self._store.versions.get(product_id, row.record_version if version is None else version)
        if kept is None:
            raise NotFound(f"{row.name} has no version {version}.", next_step="List its versions.")
        return row, self._vault.open_product(tenant_id, product_id, kept.sealed)

    async def _row(self, tenant_id: str, product_id: str) -> ProductRow:
        row = await self._store.product(tenant_id, product_id)
        if row is None:
            raise NotFound(f"There is no product {product_id}.", next_step="List them: GET /api/v1/products.")
        return row

    async def _kinds(self, tenant_id: str, row: ProductRow) -> tuple[EntityKind, ...]:
        integration = await self._integrations.get(tenant_id, row.integration_id)
        return self._integrations.manifest(integration).kinds

    def _episode(self, tenant_id: str, row: EpisodeRow) -> DriftEpisode:
        changes = self._vault.open_changes(tenant_id, row.id, row.sealed)
        return DriftEpisode(
            row.id, row.product_id, row.opened_at, row.closed_at, row.resolution, changes, gone=row.gone
        )
