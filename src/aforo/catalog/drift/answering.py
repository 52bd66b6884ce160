"""Answer drift: restore, accept, ignore. Of those that touch one gateway, one runs at a time."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aforo.catalog.drift.scanning import DriftNoted, Scanning, tell_nobody
from aforo.catalog.drift.steps import carry_out, unveiled
from aforo.catalog.errors import NothingToRestore, PlanStale
from aforo.catalog.model import ProductRow, RecordWrite, RestorePlan, StepResult
from aforo.catalog.rules.diff import pair_entities
from aforo.catalog.rules.preview import observed_digest
from aforo.catalog.rules.restore import plan_restore
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault
from aforo.gateway_sdk.contract import Product, Progress
from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did, or with `dry_run` would do."""

    plan: RestorePlan
    steps: tuple[StepResult, ...]
    observed: str | None
    dry_run: bool


def untold(done: int, about: int | None, what: str) -> None:
    """Progress that nobody asked for."""
    del done, about, what


class DriftWatch(Scanning):
    """Notices drift, and answers it.

    What writes at a gateway, or records what was just read there, holds that integration's lock from its read to its
    check: on a gateway that takes its configuration whole, the later of two writers would undo the earlier.
    """

    def __init__(
        self,
        store: ProductStore,
        integrations: Integrations,
        vault: Vault,
        clock: Clock,
        noted: DriftNoted = tell_nobody,
    ) -> None:
        super().__init__(store, integrations, vault, clock, noted)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, integration_id: str) -> asyncio.Lock:
        """Held by whoever writes what is sold at a gateway, from its read to its check."""
        return self._turns[integration_id]

    async def restore(
        self,
        tenant_id: str,
        product_id: str,
        actor_id: str,
        *,
        dry_run: bool = False,
        version: int | None = None,
        remove: frozenset[str] = frozenset(),
        observed: str | None = None,
        progress: Progress = untold,
    ) -> RestoreResult:
        """Bring the gateway back to the record, or to an older `version` of it, which becomes the newest first.

        `observed` is the digest of what the operator looked at: if the gateway has moved on since, nothing is written.
        """
        turn = self._turns[(await self._row(tenant_id, product_id)).integration_id]
        async with contextlib.nullcontext() if dry_run else turn:
            row, record = await self._load(tenant_id, product_id, version)
            kinds = await self._kinds(tenant_id, row)
            async with self._integrations.open(tenant_id, row.integration_id, urgent=True) as gateway:
                live = await gateway.read(record)
                seen = observed_digest(self._vault.veil(tenant_id, live)) if live else None
                if observed is not None and observed != (seen or "gone"):
                    raise _moved(row)
                plan = self._plan(tenant_id, row, record, live, kinds, remove)
                if dry_run:
                    return RestoreResult(plan, (), seen, dry_run=True)
                if not plan.steps:
                    raise _nothing_to_restore(row, plan)
                if version is not None and version != row.record_version:
                    row = await self._record(tenant_id, row, record, f"restore of version {version}", actor_id)
                steps = await carry_out(gateway, record, live, plan.steps, progress)
                after = await gateway.read(record)
            await self._confirm(tenant_id, row, record, after, plan, kinds)
            return RestoreResult(plan, steps, seen, dry_run=False)

    async def accept(self, tenant_id: str, product_id: str, actor_id: str, observed: str | None = None) -> ProductRow:
        """Take the gateway's version as the new record.

        It is read a second time as if nothing were recorded: beside a record, a read also shows what only the record
        still names, such as the upstream that a service pointed to before.
        """
        async with self._turns[(await self._row(tenant_id, product_id)).integration_id]:
            row, record = await self._load(tenant_id, product_id)
            async with self._integrations.open(tenant_id, row.integration_id, urgent=True) as gateway:
                live = await gateway.read(record)
                if live is None:
                    raise Conflict(
                        f"{row.name} is gone from the gateway, so there is nothing to accept.",
                        next_step="Restore it, or remove the product from Aforo.",
                    )
                if observed is not None and observed != observed_digest(self._vault.veil(tenant_id, live)):
                    raise _moved(row)
                alone = await gateway.read(replace(record, native_id=live.native_id, ref=live.ref, entities=()))
            if alone is None or any(entity not in live.entities for entity in alone.entities):
                raise _moved(row)
            after = await self._record(tenant_id, row, alone, "accept", actor_id)
            await self.settle(row, "accepted")
            return after

    async def ignore(self, tenant_id: str, product_id: str, path: str, *, ignored: bool = True) -> ProductRow:
        """Leave one path out of every later comparison, or take it in again; a path covers all below it."""
        row, _ = await self._load(tenant_id, product_id)
        if not path.startswith("/") or path.count("/") < 2:
            raise Invalid(
                f"{path!r} is no path of a difference.",
                (("/path", "must look like /plugin/rate-limiting/config/minute"),),
                next_step="Copy a path from the product's drift.",
            )
        paths = row.ignored | {path} if ignored else row.ignored - {path}
        await self._store.set_ignored(product_id, frozenset(paths))
        await self.look(tenant_id, product_id)
        return await self._row(tenant_id, product_id)

    def _plan(
        self,
        tenant_id: str,
        row: ProductRow,
        record: Product,
        live: Product | None,
        kinds: Sequence[EntityKind],
        remove: frozenset[str],
    ) -> RestorePlan:
        """Plan on veiled values, so that a secret counts once, then put the real ones into the steps."""
        theirs = self._vault.veil(tenant_id, live) if live else None
        ours = self._vault.veil(tenant_id, record)
        plan = plan_restore(ours, theirs, kinds, ignored=row.ignored, remove=remove)
        return replace(plan, steps=tuple(unveiled(step, record, live) for step in plan.steps))

    async def _confirm(
        self,
        tenant_id: str,
        row: ProductRow,
        record: Product,
        after: Product | None,
        plan: RestorePlan,
        kinds: Sequence[EntityKind],
    ) -> None:
        """The postcondition: reading back shows the record, and beside it only what was left alone on purpose."""
        view = await self._view(tenant_id, row, record, after, settled_by="restored")
        if view.product.drift_id is None and after is not None:
            await self._adopt_ids(tenant_id, view.product, record, after, kinds)
            return
        alone = {change.path for change in plan.left_alone}
        left = [change.path for change in view.difference.changes if change.counts and change.path not in alone]
        if left or after is None:
            raise PostconditionFailed(
                f"The gateway accepted every step, but reading {row.name} back still shows a difference at "
                f"{', '.join(left) or 'the whole product'}.",
                next_step="Look at the product's drift; something at the gateway may set these values by itself.",
            )

    async def _adopt_ids(
        self, tenant_id: str, row: ProductRow, record: Product, after: Product, kinds: Sequence[EntityKind]
    ) -> None:
        live = {
            (ours.kind, ours.key): theirs for ours, theirs in pair_entities(record, after, kinds) if ours and theirs
        }
        entities = tuple(
            replace(entity, native_id=live[entity.kind, entity.key].native_id)
            if (entity.kind, entity.key) in live
            else entity
            for entity in record.entities
        )
        renewed = replace(record, native_id=after.native_id, ref=after.ref, entities=entities)
        if renewed != record:
            moved = replace(row, native_id=after.native_id, ref=after.ref)
            await self._store.versions.rewrite_ids(moved, self._vault.seal_product(tenant_id, row.id, renewed))

    async def _record(
        self, tenant_id: str, row: ProductRow, product: Product, origin: str, actor_id: str
    ) -> ProductRow:
        after = row.recording(product, self._clock.now())
        sealed = self._vault.seal_product(tenant_id, row.id, product)
        await self._store.versions.record([RecordWrite(after, row.record_version, origin, actor_id, sealed)])
        return after


def _nothing_to_restore(row: ProductRow, plan: RestorePlan) -> NothingToRestore:
    others = [change.path for change in plan.left_alone if change.counts]
    if others:
        return NothingToRestore(
            f"All that differs at {row.name} was added by others: {', '.join(others)}. A restore leaves it alone.",
            next_step="Tick what is to be removed, accept the gateway's version, or ignore it.",
        )
    return NothingToRestore(f"{row.name} stands at the gateway as recorded.", next_step="Nothing to do.")


def _moved(row: ProductRow) -> PlanStale:
    return PlanStale(
        f"{row.name} has changed at the gateway since you looked. Nothing was applied.",
        next_step="Look at the difference again, then decide.",
    )
