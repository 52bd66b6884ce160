"""What is sold through each gateway, and how far the gateway has drifted from it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aforo.catalog.drift import DriftWatch, untold
from aforo.catalog.errors import PlanStale
from aforo.catalog.model import Impact, ProductRow, Recorded, RecordWrite, Row, SavedPreview, Status, VersionRow
from aforo.catalog.rules import preview as preview_rules
from aforo.catalog.rules.selection import selected
from aforo.catalog.sql import ProductStore, order_key
from aforo.catalog.vault import Vault
from aforo.gateway_sdk.contract import Discovery, Document, Gateway, Product, Progress
from aforo.integrations import Integration, Integrations, Uses
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, NotFound
from aforo.kit.ids import new_id

ImpactOf = Callable[[str, Collection[str]], Awaitable[Mapping[str, Impact]]]
"""Given a tenant and product ids, what each touches. Comes from the rooms above; empty while there are none."""

_READ_ONE_BY_ONE = 5


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import recorded: created and updated products, and rows that needed nothing."""

    created: tuple[ProductRow, ...]
    updated: tuple[ProductRow, ...]
    untouched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some products, how many match in all, and the cursors of the neighbouring pages where there are any."""

    rows: tuple[ProductRow, ...]
    total: int
    before: str | None
    after: str | None


class Catalog:
    """Discovers, previews and imports; keeps the record with its versions."""

    def __init__(
        self,
        store: ProductStore,
        integrations: Integrations,
        vault: Vault,
        watch: DriftWatch,
        impact_of: ImpactOf,
        clock: Clock,
    ) -> None:
        self._store = store
        self._integrations = integrations
        self.vault = vault
        self._watch = watch
        self._impact_of = impact_of
        self._clock = clock

    async def discover(self, tenant_id: str, integration_id: str, progress: Progress) -> Discovery:
        """The products at the gateway that Aforo does not know yet."""
        recorded = await self._recorded(tenant_id, integration_id)
        async with self._integrations.open(tenant_id, integration_id) as gateway:
            found = await gateway.discover(progress)
        pairs = preview_rules.match(recorded, found.products)
        return replace(found, products=tuple(product for record, product in pairs if product and not record))

    async def preview(self, tenant_id: str, integration_id: str, actor_id: str, progress: Progress) -> SavedPreview:
        """Compare everything at the gateway with the record; the result can be imported from, once."""
        integration = await self._integrations.get(tenant_id, integration_id)
        async with self._integrations.open(tenant_id, integration_id) as gateway:
            found = await gateway.discover(progress)
        veiled = replace(found, products=tuple(self.vault.veil(tenant_id, product) for product in found.products))
        recorded = await self._recorded(tenant_id, integration_id)
        impacts = await self._impact_of(tenant_id, [record.id for record in recorded])
        kinds = self._integrations.manifest(integration).kinds
        preview = await asyncio.to_thread(preview_rules.preview, recorded, veiled, kinds, impacts)
        await self._watch.note_rows(tenant_id, integration_id, preview.rows)
        saved = SavedPreview(new_id("prev"), integration_id, self._clock.now(), actor_id, "OPEN", preview)
        sealed = self.vault.seal_preview(tenant_id, saved.id, preview)
        await self._store.previews.add(saved.id, tenant_id, integration_id, saved.created_at, actor_id, sealed)
        return saved

    async def saved_preview(self, tenant_id: str, preview_id: str) -> SavedPreview:
        row = await self._store.previews.get(tenant_id, preview_id)
        if row is None:
            raise NotFound(f"There is no preview {preview_id}.", next_step="Preview again: old ones are dropped.")
        preview = self.vault.open_preview(tenant_id, preview_id, row["sealed"])
        created_at = datetime.fromisoformat(row["created_at"])
        return SavedPreview(row["id"], row["integration_id"], created_at, row["created_by"], row["state"], preview)

    async def import_(self, tenant_id: str, preview_id: str, select: Sequence[str], actor_id: str) -> ImportResult:
        """Record exactly the rows selected, as the preview showed them; all of them or, with PlanStale, none."""
        saved = await self.saved_preview(tenant_id, preview_id)
        rows = selected(saved.preview.rows, select)
        integration = await self._integrations.get(tenant_id, saved.integration_id)
        async with self._integrations.open(tenant_id, saved.integration_id) as gateway:
            live = await self._read_again(tenant_id, gateway, rows)
        writes = [
            await self._write_for(integration, row, product, actor_id) for row, product in zip(rows, live, strict=True)
        ]
        changing = [write for write in writes if write]
        await self._store.versions.record(changing, preview_id=preview_id)
        for write in (write for write in changing if write.row.drift_id):
            await self._watch.settle(write.row, "imported")
        return ImportResult(
            tuple(write.row for write in changing if write.expected_version is None),
            tuple(write.row for write in changing if write.expected_version is not None),
            tuple(row.ref for row, write in zip(rows, writes, strict=True) if write is None),
        )

    async def products(
        self,
        tenant_id: str,
        *,
        integration_id: str | None = None,
        words: str | None = None,
        drifted: bool | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[ProductRow], str | None]:
        """One page, drifted ones first, and the cursor of the next."""
        rows = await self._store.products(
            tenant_id, integration_id=integration_id, words=words, drifted=drifted, after=cursor, limit=limit + 1
        )
        return rows[:limit], order_key(rows[limit - 1]) if len(rows) > limit else None

    async def page(
        self,
        tenant_id: str,
        *,
        integration_id: str | None = None,
        words: str | None = None,
        drifted: bool | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> ProductPage:
        """One page in the same order as `products`, with a way back as well as on."""
        rows = await self._store.products(
            tenant_id,
            integration_id=integration_id,
            words=words,
            drifted=drifted,
            after=after,
            before=before,
            limit=limit + 1,
        )
        total = await self._store.matching(tenant_id, integration_id=integration_id, words=words, drifted=drifted)
        more = len(rows) > limit
        shown = rows[-limit:] if before else rows[:limit]
        newer = order_key(shown[0]) if shown and (more if before else after) else None
        older = order_key(shown[-1]) if shown and (before or more) else None
        return ProductPage(tuple(shown), total, newer, older)

    async def newest_preview(self, tenant_id: str) -> str | None:
        """The id of the last preview that anybody made, if it is still kept."""
        return await self._store.previews.newest(tenant_id)

    async def product(self, tenant_id: str, product_id: str) -> ProductRow:
        found = await self._store.product(tenant_id, product_id)
        if found is None:
            raise NotFound(f"There is no product {product_id}.", next_step="List them: GET /api/v1/products.")
        return found

    async def counts(self, tenant_id: str) -> dict[str, tuple[int, int]]:
        """Per integration: products, and those that drift."""
        return await self._store.counts(tenant_id)

    async def names(self, tenant_id: str) -> dict[str, str]:
        """What products are called, by id and by the gateway's ref."""
        return await self._store.names(tenant_id)

    async def labels(self, tenant_id: str) -> list[tuple[str, str, str]]:
        """Id, ref and name of each product."""
        return await self._store.labels(tenant_id)

    async def impact(self, tenant_id: str, product_ids: Collection[str]) -> Mapping[str, Impact]:
        """What products touch: live subscriptions, live keys, fees a month. Empty before the first customer."""
        return await self._impact_of(tenant_id, product_ids) if product_ids else {}

    async def monetize(self, tenant_id: str, product_id: str, *, monetized: bool) -> ProductRow:
        await self.product(tenant_id, product_id)
        await self._store.set_monetized(product_id, monetized=monetized, at=self._clock.now())
        return await self.product(tenant_id, product_id)

    async def remove(self, tenant_id: str, product_id: str) -> None:
        """Forget a product in Aforo; nothing happens at the gateway. Refused while somebody subscribes to it."""
        row = await self.product(tenant_id, product_id)
        sold = (await self._impact_of(tenant_id, [product_id])).get(product_id)
        if sold and sold.subscriptions:
            raise Conflict(
                f"{row.name} is sold in {sold.subscriptions} live subscriptions. Nothing was changed.",
                next_step="Cancel those, or take the product out of their plans in a new version.",
            )
        await self._store.remove(product_id)

    async def versions(self, tenant_id: str, product_id: str) -> list[VersionRow]:
        """Newest first."""
        await self.product(tenant_id, product_id)
        return await self._store.versions.of(product_id)

    async def export(self, tenant_id: str, product_id: str) -> Document | None:
        """The record as a file for the vendor's own tool, secrets veiled; None where there is no such format."""
        row = await self.product(tenant_id, product_id)
        kept = await self._store.versions.get(product_id, row.record_version)
        if kept is None:
            raise NotFound(f"{row.name} has no version {row.record_version}.")
        record = self._watch.recorded(tenant_id, row, kept.sealed).product
        async with self._integrations.open(tenant_id, row.integration_id) as gateway:
            return gateway.export([record])

    async def in_use_by(self, tenant_id: str, integration_id: str) -> Uses:
        """The products that an integration's removal would forget."""
        return Uses([row.name for row in await self._store.products(tenant_id, integration_id=integration_id)])

    async def _recorded(self, tenant_id: str, integration_id: str) -> list[Recorded]:
        rows = await self._store.versions.current(tenant_id, integration_id)
        return [self._watch.recorded(tenant_id, row, sealed) for row, sealed in rows]

    async def _read_again(self, tenant_id: str, gateway: Gateway, rows: Sequence[Row]) -> list[Product]:
        """The selected products as they are now; PlanStale when one is not what the preview showed."""
        live = await _read_all(gateway, rows)
        for row, product in zip(rows, live, strict=True):
            if product is None:
                raise _changed_since(f"{row.name} is no longer at the gateway.")
            if preview_rules.observed_digest(self.vault.veil(tenant_id, product)) != row.observed:
                raise _changed_since(f"{row.name} has changed at the gateway since this preview.")
        return [product for product in live if product]

    async def _write_for(
        self, integration: Integration, row: Row, product: Product, actor_id: str
    ) -> RecordWrite | None:
        now = self._clock.now()
        if row.product_id is None:
            known, expected = _first_row(integration, product, now), None
        else:
            known, expected = await self.product(integration.tenant_id, row.product_id), row.record_version
            if row.status is Status.UNCHANGED:
                return None
        after = known.recording(product, now)
        sealed = self.vault.seal_product(integration.tenant_id, after.id, product)
        return RecordWrite(after, expected, "import", actor_id, sealed)


def _first_row(integration: Integration, product: Product, now: datetime) -> ProductRow:
    """A row for a product that Aforo sees for the first time."""
    return ProductRow(
        id=new_id("prod"),
        tenant_id=integration.tenant_id,
        integration_id=integration.id,
        ref=product.ref,
        native_id=product.native_id,
        name=product.name,
        version=product.version,
        monetized=False,
        record_version=0,
        spec_digest=None,
        config_digest="",
        ignored=frozenset(),
        drift_id=None,
        created_at=now,
        updated_at=now,
        checked_at=None,
    )


async def _read_all(gateway: Gateway, rows: Sequence[Row]) -> list[Product | None]:
    """A few products one by one, many by one discovery; what that missed is read on its own, or says why it cannot."""
    wanted = [Product(row.ref, row.native_id, row.name, row.version, ()) for row in rows]
    if len(rows) <= _READ_ONE_BY_ONE:
        return [await gateway.read(product) for product in wanted]
    discovery = await gateway.discover(untold)
    by_id = {product.native_id: product for product in discovery.products}
    by_ref = {product.ref: product for product in discovery.products}
    found = [by_id.get(product.native_id) or by_ref.get(product.ref) for product in wanted]
    if not discovery.partial:
        return found
    return [there or await gateway.read(product) for there, product in zip(found, wanted, strict=True)]


def _changed_since(what: str) -> PlanStale:
    return PlanStale(f"{what} Nothing was applied.", next_step="Preview again and look at the difference.")
