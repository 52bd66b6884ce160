"""Observe or enforce, pause and resume; and how everything stands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from aforo.artifacts.errors import NotDeployed, NothingToEnforce, NotPaused, Paused
from aforo.artifacts.model import Installed, Intent, Mode, Pause, Standing
from aforo.artifacts.service.parts import Parts
from aforo.artifacts.service.refusals import RefusalBook
from aforo.gateway_sdk.artifact import ArtifactStatus, Phase
from aforo.kit.errors import AforoError, Invalid, NotFound

LOOK_BACK: Final = timedelta(days=7)
"""How far the switch to enforce looks back; the ledger keeps a day more."""


class Switching:
    """Aforo's own answers change first where a call must not be refused any more, and last where one may be."""

    def __init__(self, parts: Parts, book: RefusalBook) -> None:
        self._parts = parts
        self._book = book

    async def status(self, tenant_id: str, integration_id: str, *, ask: bool = True) -> Standing:
        """The record beside the gateway; without `ask` the record alone. Raises PartMissing, NotFound."""
        parts = self._parts
        place = await parts.places(tenant_id, integration_id)
        one = await parts.store.one(tenant_id, integration_id)
        products = await parts.products(tenant_id, integration_id)
        available, observed, fault = "", None, None
        if ask:
            available, observed, fault = await self._asked(tenant_id, integration_id, one)
        since = parts.clock.now() - LOOK_BACK
        refusals = await self._book.read(tenant_id, integration_id, products, since)
        enforced = await self._enforced(tenant_id, [product.id for product in products])
        return Standing(
            integration_id, one, available, place.bounds, observed, fault, refusals, enforced, len(products)
        )

    async def enforce(
        self, tenant_id: str, integration_id: str, actor_id: str, product_ids: Sequence[str] | None = None
    ) -> Installed:
        """From now on refuse at this gateway what plans do not allow, for these products or for all of it.

        The artifact is told first: until Aforo's own answers change with the products, it refuses nothing.
        """
        parts = self._parts
        chosen = await self._chosen(tenant_id, integration_id, product_ids)
        async with parts.turn(integration_id):
            one = await self._attached(tenant_id, integration_id)
            if one.mode is Mode.PAUSED:
                raise Paused("This artifact is paused.", next_step="Resume it first.")
            return await self._enforce(one, chosen, actor_id)

    async def observe(self, tenant_id: str, integration_id: str, actor_id: str) -> Installed:
        """Refuse nothing any more. In Aforo's answers at once; a gateway that cannot be told now is told later."""
        parts = self._parts
        async with parts.turn(integration_id):
            one = await self._attached(tenant_id, integration_id)
            return await self._relent(replace(one, mode=Mode.OBSERVE, pause=None), actor_id)

    async def pause(self, tenant_id: str, integration_id: str, actor_id: str, reason: str) -> Installed:
        """As `observe`, until somebody resumes; works while the gateway is out of reach."""
        parts = self._parts
        if not reason.strip():
            raise Invalid("A pause needs a reason.", (("/reason", "say why, for whoever comes next"),))
        async with parts.turn(integration_id):
            one = await self._attached(tenant_id, integration_id)
            if one.mode is Mode.PAUSED:
                return await self._relent(one, actor_id) if one.unfinished else one
            ids = [product.id for product in await parts.products(tenant_id, integration_id)]
            enforced = await self._enforced(tenant_id, ids)
            pause = Pause(parts.clock.now(), actor_id, reason.strip(), one.mode, enforced)
            return await self._relent(replace(one, mode=Mode.PAUSED, pause=pause), actor_id)

    async def resume(self, tenant_id: str, integration_id: str, actor_id: str) -> Installed:
        """Back to what was before the pause, with the products that were enforced then and are still there."""
        parts = self._parts
        async with parts.turn(integration_id):
            one = await self._attached(tenant_id, integration_id)
            if one.pause is None:
                raise NotPaused("This artifact is not paused.")
            before = one.pause
            one = replace(one, mode=Mode.OBSERVE, pause=None)
            if before.mode_before is not Mode.ENFORCE:
                return await self._relent(one, actor_id)
            here = {product.id for product in await parts.products(tenant_id, integration_id)}
            return await self._enforce(one, [each for each in before.product_ids if each in here], actor_id)

    async def _enforce(self, one: Installed, product_ids: Sequence[str], actor_id: str) -> Installed:
        parts = self._parts
        wiring = await parts.wired(one, one.wishes, Mode.ENFORCE)
        begun = await parts.begun(await self._as_kept(one), Intent.SWITCH, actor_id)
        async with parts.noting(begun, actor_id), parts.opens(one.tenant_id, one.integration_id) as artifact:
            await artifact.set_mode(wiring, wiring.targets)
        for product_id in product_ids:
            await parts.switches.set_mode(one.tenant_id, product_id, "enforce")
        done = replace(one, mode=Mode.ENFORCE, wiring=wiring, unfinished=None, fault=None, pause=None)
        return await parts.keep(done, actor_id)

    async def _as_kept(self, one: Installed) -> Installed:
        """What the record says until the gateway has been told: a pause ends only then."""
        return await self._parts.store.one(one.tenant_id, one.integration_id) or one

    async def _relent(self, one: Installed, actor_id: str) -> Installed:
        parts = self._parts
        wiring = await parts.wired(one, one.wishes, one.mode)
        one = await parts.begun(replace(one, wiring=wiring), Intent.SWITCH, actor_id)
        for product in wiring.products:
            if await parts.switches.mode(one.tenant_id, product.id) == "enforce":
                await parts.switches.set_mode(one.tenant_id, product.id, "observe")
        try:
            async with parts.opens(one.tenant_id, one.integration_id) as artifact:
                await artifact.set_mode(wiring, wiring.targets)
        except AforoError as fault:
            return await parts.keep(replace(one, fault=str(fault)), actor_id)
        return await parts.keep(replace(one, unfinished=None, fault=None), actor_id)

    async def _attached(self, tenant_id: str, integration_id: str) -> Installed:
        one = await self._parts.store.one(tenant_id, integration_id)
        if one is None or one.phase is not Phase.ATTACHED or one.unfinished is Intent.DETACH:
            await self._parts.places(tenant_id, integration_id)
            raise NotDeployed("No calls pass through an artifact here.", next_step="Deploy and attach it first.")
        return one

    async def _chosen(self, tenant_id: str, integration_id: str, wanted: Sequence[str] | None) -> list[str]:
        await self._parts.places(tenant_id, integration_id)
        here = [product.id for product in await self._parts.products(tenant_id, integration_id)]
        if not here:
            raise NothingToEnforce(
                "No product of this gateway is imported, so nothing can be refused.", next_step="Import products first."
            )
        if wanted is None:
            return here
        strange = [(f"/productIds/{number}", "no product of this gateway") for number, one in enumerate(wanted)
                   if one not in here]  # fmt: skip
        if strange or not wanted:
            raise Invalid("These products cannot be enforced here.", tuple(strange) or (("/productIds", "names none"),))
        return [*wanted]

    async def _enforced(self, tenant_id: str, product_ids: Sequence[str]) -> tuple[str, ...]:
        found = []
        for product_id in product_ids:
            try:
                if await self._parts.switches.mode(tenant_id, product_id) == "enforce":
                    found.append(product_id)
            except NotFound:
                continue
        return tuple(found)

    async def _asked(
        self, tenant_id: str, integration_id: str, one: Installed | None
    ) -> tuple[str, ArtifactStatus | None, str | None]:
        """Where there is something to tell of the record, a gateway that cannot be asked is no error."""
        available = ""
        try:
            async with self._parts.opens(tenant_id, integration_id) as artifact:
                available = artifact.version
                if one is None or one.wiring is None:
                    return available, ArtifactStatus(Phase.ABSENT), None
                return available, await artifact.status(one.wiring, one.receipt), None
        except AforoError as fault:
            if one is None:
                raise
            return available, None, str(fault)
