"""A scan: everything that is recorded of one gateway compared with what stands there, without anybody's visit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aforo.catalog.drift.answering import DriftWatch, untold
from aforo.catalog.model import ProductRow, Recorded, Row, Status
from aforo.catalog.rules import preview as preview_rules
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault
from aforo.gateway_sdk.contract import Discovery, Gateway, Problem
from aforo.integrations import Integrations
from aforo.kit.clock import Clock

_READ_ONE_BY_ONE: Final = 5
"""So few products are read on their own, which spares a large gateway the reading of everything else."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a scan found. `compared` products of `recorded`; `differ` in all, `opened` of them were not known before.

    `settled` differed before, and no longer do. `problems` are why some could not be read: nothing is said of those.
    """

    recorded: int
    compared: int = 0
    differ: int = 0
    opened: int = 0
    settled: int = 0
    problems: tuple[Problem, ...] = ()


class Sweeper:
    """Scans on behalf of a schedule: with the calls of the lowest priority, and without keeping a preview."""

    def __init__(
        self, store: ProductStore, integrations: Integrations, vault: Vault, watch: DriftWatch, clock: Clock
    ) -> None:
        self._store = store
        self._integrations = integrations
        self._vault = vault
        self._watch = watch
        self._clock = clock

    async def scan(self, tenant_id: str, integration_id: str) -> Sweep:
        """Compare, and open, update or close drift episodes. No call is made where nothing is recorded.

        What somebody recorded, restored or looked at while the gateway was being read is left as they found it.
        """
        kept = await self._store.versions.current(tenant_id, integration_id)
        if not kept:
            return Sweep(0)
        began = self._clock.now()
        recorded = [self._watch.recorded(tenant_id, row, sealed) for row, sealed in kept]
        async with self._integrations.open(tenant_id, integration_id) as gateway:
            found = await self._read(gateway, tenant_id, kept)
        rows = await self._compared(tenant_id, integration_id, recorded, found)
        async with self._watch.turn(integration_id):  # an answer that is being given now is waited for
            before = {row.id: row for row in await self._store.products(tenant_id, integration_id=integration_id)}
            mine = [row for row in rows if _stands(row, before, began)]
            await self._watch.note_rows(tenant_id, integration_id, mine)
        return _told(len(kept), mine, before, found.problems)

    async def _read(self, gateway: Gateway, tenant_id: str, kept: Sequence[tuple[ProductRow, bytes]]) -> Discovery:
        if len(kept) > _READ_ONE_BY_ONE:
            return await gateway.discover(untold)
        records = [self._vault.open_product(tenant_id, row.id, sealed) for row, sealed in kept]
        live = [await gateway.read(record) for record in records]
        return Discovery(tuple(product for product in live if product))

    async def _compared(
        self, tenant_id: str, integration_id: str, recorded: Sequence[Recorded], found: Discovery
    ) -> list[Row]:
        integration = await self._integrations.get(tenant_id, integration_id)
        kinds = self._integrations.manifest(integration).kinds
        veiled = Discovery(tuple(self._vault.veil(tenant_id, one) for one in found.products), found.problems)
        preview = await asyncio.to_thread(preview_rules.preview, recorded, veiled, kinds)
        return [row for row in preview.rows if row.product_id]


def _stands(row: Row, known: dict[str, ProductRow], began: datetime) -> bool:
    """Whether what was read is still the newest that is known of the product."""
    product = known.get(row.product_id or "")
    if product is None or product.record_version != row.record_version:
        return False
    return product.checked_at is None or product.checked_at <= began


def _told(recorded: int, rows: Sequence[Row], before: dict[str, ProductRow], problems: tuple[Problem, ...]) -> Sweep:
    differ = {row.product_id for row in rows if row.status in (Status.CHANGED, Status.STALE)}
    known = {row.product_id for row in rows if row.product_id and before[row.product_id].drift_id}
    return Sweep(recorded, len(rows), len(differ), len(differ - known), len(known - differ), problems)
