"""Notice drift, and answer it: restore, accept, ignore. One episode per product at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aforo.catalog.errors import NothingToRestore, PlanStale, RestoreIncomplete
from aforo.catalog.model import (
    Difference,
    DriftEpisode,
    EpisodeRow,
    ProductRow,
    Recorded,
    RecordWrite,
    RestorePlan,
    Row,
    Status,
    StepOutcome,
    StepResult,
)
from aforo.catalog.rules.diff import compare, pair_entities
from aforo.catalog.rules.preview import observed_digest
from aforo.catalog.rules.restore import plan_restore
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault
from aforo.gateway_sdk.contract import Entity, Gateway, Product, Step
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid, NotFound
from aforo.kit.ids import new_id
from aforo.kit.jsontree import Absent, Json, at


@dataclass(frozen=True, slots=True)
class DriftView:
    """A product's record beside the gateway, read just now. `live` is None when the product is gone from there."""

    product: ProductRow
    recorded: Product
    live: Product | None
    difference: Difference
    observed: str | None
    episode: DriftEpisode | None


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did, or with `dry_run` would do."""

    plan: RestorePlan
    steps: tuple[StepResult, ...]
    observed: str | None
    dry_run: bool


class DriftWatch:
    """Compares records with the gateway and keeps the episodes."""

    def __init__(self, store: ProductStore, integrations: Integrations, vault: Vault, clock: Clock) -> None:
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
        return [self._episode(tenant_id, row) for row in await self._store.episodes(product_id)]

    async def episode(self, tenant_id: str, row: ProductRow) -> DriftEpisode | None:
        """The open episode of a product."""
        kept = await self._store.episode(row.drift_id) if row.drift_id else None
        return self._episode(tenant_id, kept) if kept else None

    async def drifting(self, tenant_id: str, limit: int = 20) -> list[tuple[ProductRow, DriftEpisode]]:
        """Products that differ, the longest first."""
        found = await self._store.drifting(tenant_id, limit)
        return [(row, self._episode(tenant_id, episode)) for row, episode in found]

    async def note_rows(self, tenant_id: str, rows: Sequence[Row]) -> None:
        """Take a preview's findings over: each row of a recorded product opens, updates or closes its episode."""
        known = {row.id: row for row in await self._store.products(tenant_id)} if rows else {}
        seen = [row for row in rows if row.product_id in known]
        for row in seen:
            if row.product_id is not None:
                await self._note(tenant_id, known[row.product_id], row.difference, gone=row.status is Status.STALE)
        await self._store.checked([row.product_id for row in seen if row.product_id], self._clock.now())

    async def settle(self, product_id: str, resolution: str) -> None:
        """Close the open episode, if there is one."""
        await self._store.close_episode(product_id, resolution, self._clock.now())

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
    ) -> RestoreResult:
        """Bring the gateway back to the record, or to an older `version` of it, which becomes the newest first.

        `observed` is the digest of what the operator looked at: if the gateway has moved on since, nothing is written.
        """
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
            steps = await _carry_out(gateway, record, live, plan.steps)
            after = await gateway.read(record)
        await self._confirm(tenant_id, row, record, after, plan, kinds)
        return RestoreResult(plan, steps, seen, dry_run=False)

    async def accept(self, tenant_id: str, product_id: str, actor_id: str, observed: str | None = None) -> ProductRow:
        """Take the gateway's version as the new record."""
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
        after = await self._record(tenant_id, row, live, "accept", actor_id)
        await self.settle(row.id, "accepted")
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

    async def _view(self, tenant_id: str, row: ProductRow, record: Product, live: Product | None) -> DriftView:
        ours = self._vault.veil(tenant_id, record)
        theirs = self._vault.veil(tenant_id, live) if live else None
        kinds = await self._kinds(tenant_id, row)
        difference = compare(ours, theirs, kinds, row.ignored) if theirs else Difference()
        await self._note(tenant_id, row, difference, gone=theirs is None)
        await self._store.checked([row.id], self._clock.now())
        fresh = await self._row(tenant_id, row.id)
        seen = observed_digest(theirs) if theirs else None
        return DriftView(fresh, ours, theirs, difference, seen, await self.episode(tenant_id, fresh))

    async def _note(self, tenant_id: str, row: ProductRow, difference: Difference, *, gone: bool) -> None:
        drifts = gone or difference.is_drift
        if drifts and row.drift_id:
            sealed = self._vault.seal_changes(tenant_id, row.drift_id, difference.changes)
            await self._store.update_episode(row.drift_id, gone=gone, sealed=sealed)
        elif drifts:
            episode_id = new_id("drift")
            sealed = self._vault.seal_changes(tenant_id, episode_id, difference.changes)
            opened = EpisodeRow(episode_id, row.id, self._clock.now(), None, None, gone, sealed)
            await self._store.open_episode(tenant_id, opened)
        elif row.drift_id:
            await self.settle(row.id, "no longer differs")

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
        return replace(plan, steps=tuple(_unveiled(step, record, live) for step in plan.steps))

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
        view = await self._view(tenant_id, row, record, after)
        if view.product.drift_id is None and after is not None:
            await self.settle(row.id, "restored")
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
            await self._store.rewrite_ids(moved, self._vault.seal_product(tenant_id, row.id, renewed))

    async def _record(
        self, tenant_id: str, row: ProductRow, product: Product, origin: str, actor_id: str
    ) -> ProductRow:
        after = row.recording(product, self._clock.now())
        sealed = self._vault.seal_product(tenant_id, row.id, product)
        await self._store.record([RecordWrite(after, row.record_version, origin, actor_id, sealed)])
        return after

    async def _load(self, tenant_id: str, product_id: str, version: int | None = None) -> tuple[ProductRow, Product]:
        row = await self._row(tenant_id, product_id)
        kept = await self._store.version(product_id, version or row.record_version)
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


async def _carry_out(
    gateway: Gateway, record: Product, live: Product | None, steps: Sequence[Step]
) -> tuple[StepResult, ...]:
    """Apply the steps; RestoreIncomplete tells which stand, which failed and which were not tried."""
    done: list[Step] = []
    try:
        await gateway.apply(record, live, steps, done.append)
    except GatewayError as fault:
        results = _results(steps, done, fault.detail)
        stand = sum(result.outcome is StepOutcome.DONE for result in results)
        raise RestoreIncomplete(
            f"{stand} of {len(steps)} steps were applied, then: {fault.detail}",
            results,
            next_step="Restore again: it goes on with what is left.",
        ) from fault
    return tuple(StepResult(step.title, StepOutcome.DONE) for step in steps)


def _results(steps: Sequence[Step], done: Sequence[Step], fault: str) -> list[StepResult]:
    stand = {id(step) for step in done}
    results, failed = [], False
    for step in steps:
        if id(step) in stand:
            results.append(StepResult(step.title, StepOutcome.DONE))
        elif not failed:
            failed = True
            results.append(StepResult(step.title, StepOutcome.FAILED, fault))
        else:
            results.append(StepResult(step.title, StepOutcome.NOT_TRIED))
    return results


def _unveiled(step: Step, record: Product, live: Product | None) -> Step:
    """The step with the record's real values, and the live entity as it was read."""
    target = record.entity(step.kind, step.key) if step.target else None
    there = _same_object(live, step.live) if live and step.live else None
    changed: dict[str, Json | Absent] = {
        pointer: at(target.fields, pointer) if target else value for pointer, value in step.changed.items()
    }
    return replace(step, target=target, live=there, changed=changed)


def _same_object(live: Product, veiled: Entity) -> Entity | None:
    return live.entity(veiled.kind, veiled.key)


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
