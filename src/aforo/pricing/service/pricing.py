"""Plans at a gateway: compare, sync exactly what a comparison showed, and look how it stands."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aforo.catalog import (
    PlanStale,
    RestoreIncomplete,
    StepOutcome,
    StepResult,
    carry_out,
    compare,
)
from aforo.gateway_sdk import pricing as sdk
from aforo.gateway_sdk.contract import Problem, Progress, Step
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid, NotFound
from aforo.kit.ids import new_id
from aforo.pricing.errors import DangersUnconfirmed
from aforo.pricing.model import (
    PricingPreview,
    Reading,
    Row,
    RowResult,
    Standing,
    Stood,
    Subject,
    Synced,
    Wish,
)
from aforo.pricing.rules.rows import is_done, plan_row, standing, tag_row
from aforo.pricing.service.wishes import Scene, Wishes, gone, plan_key
from aforo.pricing.sql import PricingStore

Turn = Callable[[str], asyncio.Lock]
"""The lock of an integration, which all hold who write what is sold there."""


OnSync = Callable[[str, str], Awaitable[None]]
"""Told of a tenant and an integration once plans stand there otherwise than before."""


async def tell_nobody(tenant_id: str, integration_id: str) -> None:
    del tenant_id, integration_id


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How each selected row ended, in the order asked for."""

    preview_id: str
    results: tuple[RowResult, ...]


class Pricing:
    """What of a tenant's plans stands at a gateway."""

    def __init__(
        self,
        store: PricingStore,
        wishes: Wishes,
        integrations: Integrations,
        turn: Turn,
        clock: Clock,
        on_sync: OnSync = tell_nobody,
    ) -> None:
        self._on_sync = on_sync
        self._store = store
        self._wishes = wishes
        self._integrations = integrations
        self._turn = turn
        self._clock = clock

    async def preview(self, tenant_id: str, integration_id: str, progress: Progress) -> PricingPreview:
        """Compare all plans and tags with the gateway; the result can be synced from, once. Raises PartMissing."""
        scene = await self._wishes.scene(tenant_id, integration_id)
        async with self._integrations.pricing(tenant_id, integration_id) as gateway:
            reading = await self._read(integration_id, scene, gateway, progress)
        preview = PricingPreview(new_id("pprev"), integration_id, self._clock.now(), reading)
        await self._store.add(tenant_id, preview)
        return preview

    async def sync(
        self,
        tenant_id: str,
        integration_id: str,
        preview_id: str,
        select: Sequence[str],
        confirm: Sequence[str],
        actor_id: str,
        progress: Progress,
    ) -> SyncResult:
        """Write exactly the rows selected, as the preview showed them, and read them back.

        `confirm` holds the keys of rows whose dangers the caller accepts. Raises PlanStale or DangersUnconfirmed, and
        then nothing was written; a row that fails later is told in the result, and those after it are not tried.
        """
        async with self._turn(integration_id):
            digests = await self._store.digests(tenant_id, integration_id, preview_id)
            if digests is None:
                raise NotFound(f"There is no preview {preview_id}.", next_step="Preview again: old ones are dropped.")
            _refuse_unknown(select, digests)
            scene = await self._wishes.scene(tenant_id, integration_id)
            async with self._integrations.pricing(tenant_id, integration_id, urgent=True) as gateway:
                rows = [
                    _as_shown(await self._again(key, scene, gateway), key, digests) for key in dict.fromkeys(select)
                ]
                _refuse_dangers(rows, confirm)
                await self._store.use(preview_id)
                results = await self._write_all(tenant_id, integration_id, rows, gateway, actor_id, progress)
        if any(one.outcome is StepOutcome.DONE for one in results):
            await self._on_sync(tenant_id, integration_id)
        return SyncResult(preview_id, tuple(results))

    async def synced(self, tenant_id: str, integration_id: str) -> Mapping[str, Synced]:
        """What the last syncs left there, by key; the gateway is not asked."""
        return await self._store.synced(tenant_id, integration_id)

    async def standing(self, tenant_id: str, integration_id: str, progress: Progress) -> list[Stood]:
        """All that was synced, beside the gateway as it is now."""
        last = await self._store.synced(tenant_id, integration_id)
        stood = []
        async with self._integrations.pricing(tenant_id, integration_id) as gateway:
            for done, one in enumerate(last.values()):
                progress(done, len(last), "plans")
                stood.append(await _stood(one, gateway))
        return stood

    async def _read(self, integration_id: str, scene: Scene, gateway: sdk.Pricing, progress: Progress) -> Reading:
        """One plan that cannot be read does not hide the others; when none can, that is an error."""
        keys = [*(plan_key(sold.plan.key) for sold in scene.sold), *(one.key for one in scene.gone)]
        rows: list[Row] = [tag_row(wish) for wish in scene.tags]
        faults: dict[str, GatewayError] = {}
        for done, key in enumerate(keys):
            progress(done, len(keys), "plans")
            try:
                row = await self._again(key, scene, gateway)
            except GatewayError as fault:
                faults[key] = fault
                continue
            if row:
                rows.append(row)
            else:
                await self._store.forget(integration_id, key)
        if faults and len(faults) == len(keys):
            raise next(iter(faults.values()))
        problems = tuple(Problem(key, fault.detail, fault.code) for key, fault in faults.items())
        return Reading(tuple(sorted(rows, key=lambda row: row.key)), problems, tuple(faults))

    async def _again(self, key: str, scene: Scene, gateway: sdk.Pricing) -> Row | None:
        """The row of this key as it is now; None where there is nothing to it."""
        if tag := next((wish for wish in scene.tags if wish.key == key), None):
            return tag_row(tag)
        sold = next((one for one in scene.sold if plan_key(one.plan.key) == key), None)
        left = next((one for one in scene.gone if one.key == key), None)
        if sold:
            wish = await self._wishes.of_plan(sold, scene, gateway)
        elif left:
            wish = gone(left)
        else:
            return None
        return plan_row(wish, await gateway.read(wish.sought), gateway.kinds)

    async def _write_all(
        self,
        tenant_id: str,
        integration_id: str,
        rows: Sequence[Row],
        gateway: sdk.Pricing,
        actor_id: str,
        progress: Progress,
    ) -> list[RowResult]:
        results: list[RowResult] = []
        for done, row in enumerate(rows):
            progress(done, len(rows), "plans")
            if any(one.outcome is StepOutcome.FAILED for one in results):
                results.append(RowResult(row.key, row.wish.name, StepOutcome.NOT_TRIED, steps=_untried(row.steps)))
                continue
            results.append(await self._write(tenant_id, integration_id, row, gateway, actor_id))
        return results

    async def _write(
        self, tenant_id: str, integration_id: str, row: Row, gateway: sdk.Pricing, actor_id: str
    ) -> RowResult:
        wish = row.wish
        try:
            steps = await _tagged(wish, gateway) if wish.subject is Subject.TAG else await _applied(row, gateway)
            after = wish.wanted if wish.subject is Subject.TAG else await gateway.read(wish.sought)
        except RestoreIncomplete as fault:
            why = next((step.detail for step in fault.steps if step.outcome is StepOutcome.FAILED), fault.detail)
            return RowResult(row.key, wish.name, StepOutcome.FAILED, why, fault.steps)
        except GatewayError as fault:
            return RowResult(row.key, wish.name, StepOutcome.FAILED, str(fault))
        if wish.subject is Subject.PLAN and not is_done(wish, after, gateway.kinds):
            why = "The gateway accepted every step, but reading it back still shows a difference."
            return RowResult(row.key, wish.name, StepOutcome.FAILED, why, steps)
        stands = None if wish.is_gone else after if wish.subject is Subject.TAG else standing(row, after)
        if stands is None:
            await self._store.forget(integration_id, row.key)
        else:
            now = self._clock.now()
            kept = Synced(row.key, wish.subject, wish.subject_id, wish.name, wish.versions, now, actor_id, stands)
            await self._store.keep(tenant_id, integration_id, kept)
        return RowResult(row.key, wish.name, StepOutcome.DONE, steps=steps)


async def _applied(row: Row, gateway: sdk.Pricing) -> Sequence[StepResult]:
    return await carry_out(gateway, row.wish.wanted, row.live, row.steps, _untold) if row.steps else ()


async def _tagged(wish: Wish, gateway: sdk.Pricing) -> Sequence[StepResult]:
    """A product that is gone bears no tag any more."""
    try:
        await gateway.tag(wish.wanted, monetized=not wish.is_gone)
    except GatewayNotFound:
        if not wish.is_gone:
            raise
    title = f"{'take the tag off' if wish.is_gone else 'tag'} {wish.name}"
    return (StepResult(title, StepOutcome.DONE),)


async def _stood(one: Synced, gateway: sdk.Pricing) -> Stood:
    if one.subject is Subject.TAG:
        return Stood(one, Standing.UNREAD, "a tag is not read by itself: syncing it again sets it again")
    try:
        live = await gateway.read(one.product)
    except GatewayError as fault:
        return Stood(one, Standing.UNREAD, fault.detail)
    if live is None:
        return Stood(one, Standing.GONE)
    difference = compare(one.product, live, gateway.kinds)
    return Stood(one, Standing.DRIFTED if difference.is_drift else Standing.IN_SYNC, difference=difference)


def _refuse_unknown(select: Sequence[str], digests: Mapping[str, str]) -> None:
    faults = [
        (f"/select/{place}", f"{key!r} is not in this preview")
        for place, key in enumerate(select)
        if key not in digests
    ]
    if not select:
        faults = [("/select", "names no row")]
    if faults:
        raise Invalid("These rows cannot be synced.", tuple(faults), next_step="Select rows of this preview.")


def _as_shown(row: Row | None, key: str, digests: Mapping[str, str]) -> Row:
    if row is None or row.digest != digests[key]:
        raise PlanStale(
            f"{key} has changed since this preview, at the gateway, in its plan or in who subscribes to it. "
            "Nothing was written.",
            next_step="Preview again and look at the difference.",
        )
    return row


def _refuse_dangers(rows: Sequence[Row], confirm: Sequence[str]) -> None:
    dangerous = [row for row in rows if row.wish.dangers and row.steps and row.key not in confirm]
    if dangerous:
        told = " ".join(f"{row.key}: {danger}" for row in dangerous for danger in row.wish.dangers)
        raise DangersUnconfirmed(
            f"Nothing was written, since this needs a word first. {told}",
            next_step=f"Send confirm with {', '.join(row.key for row in dangerous)}, or leave them out.",
        )


def _untried(steps: Sequence[Step]) -> Sequence[StepResult]:
    return tuple(StepResult(step.title, StepOutcome.NOT_TRIED) for step in steps)


def _untold(done: int, about: int | None, what: str) -> None:
    """Of one plan's steps nobody asks for progress."""
    del done, about, what
