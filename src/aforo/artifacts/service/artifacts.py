"""Preview, deploy, attach, detach: what was begun is finished, or cleaned up, by whoever comes next."""

from dataclasses import replace
from datetime import datetime

from aforo.artifacts.errors import NotDeployed
from aforo.artifacts.model import Installed, Intent, Mode, Preview, Wishes
from aforo.artifacts.rules import wiring as rules
from aforo.artifacts.service.parts import Parts
from aforo.gateway_sdk.artifact import Artifact, Phase, Receipt
from aforo.gateway_sdk.contract import Progress
from aforo.gateway_sdk.errors import GatewayError


class Artifacts:
    """The life of the artifact at each of a tenant's gateways."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def preview(self, tenant_id: str, integration_id: str, wishes: Wishes | None = None) -> Preview:
        """What deploying and attaching would do now. Nothing is written, and no key is made."""
        parts = self._parts
        place = await parts.places(tenant_id, integration_id)
        known = await parts.store.one(tenant_id, integration_id)
        wished = wishes or (known.wishes if known else Wishes())
        products = await parts.products(tenant_id, integration_id)
        key = known.wiring.api_key if known and known.wiring else rules.NO_KEY_YET
        enforce = known is not None and known.mode is Mode.ENFORCE
        wiring = rules.wiring(
            integration_id, wished, products, api_key=key, ingest_url=parts.ingest_url, enforce=enforce
        )
        async with parts.opens(tenant_id, integration_id) as artifact:
            rollout = await artifact.preview(wiring)
        if known and known.wiring:
            rollout = rules.without(key, rollout)
        if rules.is_near(parts.ingest_url) and not place.emulated:
            rollout = replace(rollout, notes=(*rollout.notes, _NEAR.format(parts.ingest_url)))
        return Preview(integration_id, rollout, wished, parts.ingest_url, len(products))

    async def deploy(
        self,
        tenant_id: str,
        integration_id: str,
        actor_id: str,
        progress: Progress,
        wishes: Wishes | None = None,
        *,
        rotate_key: bool = False,
    ) -> Installed:
        """Install it with a key of its own; no call is routed through it that was not before.

        Without `wishes` those of the last deploy hold. A key that is replaced works until nothing uses it any more.
        """
        parts = self._parts
        place = await parts.places(tenant_id, integration_id)
        async with parts.turn(integration_id), parts.opens(tenant_id, integration_id) as artifact:
            one = await self._settled(tenant_id, integration_id, artifact, actor_id)
            one = one or Installed(integration_id, tenant_id, parts.clock.now(), actor_id)
            one = replace(one, wishes=wishes or one.wishes)
            if one.wiring is None or rotate_key:
                one = await parts.new_key(one, place.name, actor_id)
            return await self._deploy(one, artifact, actor_id, progress)

    async def attach(self, tenant_id: str, integration_id: str, actor_id: str, progress: Progress) -> Installed:
        """Route calls through it. The first time it observes; a repeated attach keeps its mode and what it replaced.

        Raises NotDeployed.
        """
        parts = self._parts
        async with parts.turn(integration_id), parts.opens(tenant_id, integration_id) as artifact:
            one = await self._settled(tenant_id, integration_id, artifact, actor_id)
            if one is None or one.wiring is None:
                raise NotDeployed("There is no artifact here to attach.", next_step="Deploy it first.")
            if one.unfinished is Intent.DEPLOY or one.receipt is None:
                one = await self._deploy(one, artifact, actor_id, progress)
            return await self._attach(one, artifact, actor_id, progress)

    async def detach(self, tenant_id: str, integration_id: str, actor_id: str, progress: Progress) -> bool:
        """Leave the gateway as it was, and forget all about it; its keys are revoked, its products observe again.

        Whether there was anything to leave.
        """
        parts = self._parts
        async with parts.turn(integration_id):
            one = await parts.store.one(tenant_id, integration_id)
            if one is None:
                await parts.places(tenant_id, integration_id)
                return False
            async with parts.opens(tenant_id, integration_id) as artifact:
                if one.unfinished is not Intent.DETACH:
                    one = await self._as_far_as_it_goes(one, artifact, actor_id, progress)
                await self._detach(one, artifact, actor_id)
            return True

    async def exists(self, tenant_id: str, integration_id: str) -> bool:
        """Whether anything of an artifact may stand at the gateway."""
        return await self._parts.store.exists(tenant_id, integration_id)

    async def attached_at(self, tenant_id: str, integration_id: str) -> datetime | None:
        """Since when it has been attached, as far as the record knows; None where it is not."""
        one = await self._parts.store.one(tenant_id, integration_id)
        return one.attached_at if one else None

    async def _settled(
        self, tenant_id: str, integration_id: str, artifact: Artifact, actor_id: str
    ) -> Installed | None:
        """The record, after a detach that broke off has been finished; what else did, the caller does again anyway."""
        one = await self._parts.store.one(tenant_id, integration_id)
        if one is None or one.unfinished is not Intent.DETACH:
            return one
        await self._detach(one, artifact, actor_id)
        return None

    async def _deploy(self, one: Installed, artifact: Artifact, actor_id: str, progress: Progress) -> Installed:
        parts = self._parts
        wiring = await parts.wired(one, one.wishes, one.mode)
        one = await parts.begun(replace(one, wiring=wiring), Intent.DEPLOY, actor_id)
        async with parts.noting(one, actor_id):
            receipt = await artifact.deploy(wiring, progress)
        is_attached = one.phase is Phase.ATTACHED
        one = await parts.keep(
            replace(
                one,
                phase=Phase.ATTACHED if is_attached else Phase.DEPLOYED,
                version=receipt.version,
                receipt=_with_the_past(receipt, one.receipt),
                unfinished=None,
                fault=None,
                deployed_at=parts.clock.now(),
            ),
            actor_id,
        )
        return one if is_attached else await parts.drop_old_keys(one, actor_id)

    async def _attach(self, one: Installed, artifact: Artifact, actor_id: str, progress: Progress) -> Installed:
        parts = self._parts
        wiring = await parts.wired(one, one.wishes, one.mode)
        receipt = one.receipt or _nothing(artifact)
        one = await parts.begun(replace(one, wiring=wiring), Intent.ATTACH, actor_id)
        async with parts.noting(one, actor_id):
            receipt = await artifact.attach(wiring, receipt, progress)
        one = await parts.keep(
            replace(
                one,
                phase=Phase.ATTACHED,
                version=receipt.version,
                receipt=receipt,
                unfinished=None,
                fault=None,
                attached_at=one.attached_at or parts.clock.now(),
            ),
            actor_id,
        )
        return await parts.drop_old_keys(one, actor_id)

    async def _as_far_as_it_goes(
        self, one: Installed, artifact: Artifact, actor_id: str, progress: Progress
    ) -> Installed:
        """What a deploy or attach that broke off had made is known only once it is done again: a receipt comes at the
        end. If the gateway will not have it done again, what the last receipt tells must suffice.
        """
        if one.wiring is None:
            return one
        try:
            if one.unfinished is Intent.DEPLOY:
                return await self._deploy(one, artifact, actor_id, progress)
            if one.unfinished is Intent.ATTACH:
                return await self._attach(one, artifact, actor_id, progress)
        except GatewayError:
            return one
        return one

    async def _detach(self, one: Installed, artifact: Artifact, actor_id: str) -> None:
        """Refusals end first, the key last: while anything of it stands, the artifact can still reach Aforo."""
        parts = self._parts
        one = await parts.begun(one, Intent.DETACH, actor_id)
        for product in await parts.products(one.tenant_id, one.integration_id):
            if await parts.switches.mode(one.tenant_id, product.id) == "enforce":
                await parts.switches.set_mode(one.tenant_id, product.id, "observe")
        if one.wiring is not None:
            async with parts.noting(one, actor_id):
                await artifact.detach(one.wiring, one.receipt or _nothing(artifact))
        await parts.revoke(one.tenant_id, one.key_ids, actor_id)
        await parts.store.forget(one.integration_id)


def _with_the_past(receipt: Receipt, earlier: Receipt | None) -> Receipt:
    """A deploy tells nothing of attachments: what stood there before the first one is kept."""
    if earlier is None:
        return receipt
    return replace(
        receipt,
        made=tuple(dict.fromkeys((*earlier.made, *receipt.made))),
        before=receipt.before or earlier.before,
        attached=receipt.attached or earlier.attached,
    )


def _nothing(artifact: Artifact) -> Receipt:
    return Receipt(artifact.version, ())


_NEAR = (
    "Gateways would send to {}, which only this machine can reach. "
    "Set AFORO_INGEST_URL to the address by which they reach Aforo's edge."
)
