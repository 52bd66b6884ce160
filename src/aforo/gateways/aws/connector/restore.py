"""Put a recorded stage back: the document, the API's settings, the stage, its usage plans; only what differs.

Nothing of a REST API is live before a deployment, so a step on the document is done only after one. Every step reads
what stands there now and lays the plan's changes over it, so that doing it again does nothing more: a restore that
broke off half-way is finished by the next one.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aforo.gateway_sdk.contract import SPEC_KIND, Action, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, GatewayRejected
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.documents import DocumentWriter
from aforo.gateways.aws.connector.plans import PlanWriter
from aforo.gateways.aws.connector.reading import api_at, apis, stage_at, stages
from aforo.gateways.aws.connector.settings import SettingsWriter
from aforo.gateways.aws.connector.undeployed import Undeployed, deploys
from aforo.gateways.aws.mapping.products import INTEGRATIONS, Where
from aforo.gateways.aws.mapping.rules.settings import OUR_MARK
from aforo.kit.clock import Clock

RECREATED: Final = f"{OUR_MARK}recreated-from"
"""Tag on an API that we made in place of a deleted one; its value is the old id, so that it is found again."""


class Restore:
    """One restore of one product."""

    def __init__(self, aws: Aws, clock: Clock, recorded: Product, live: Product | None) -> None:
        self._aws = aws
        self._recorded = recorded
        self._old = Where.parse(recorded.native_id)
        self._known = Where.parse(live.native_id) if live else None
        self._documents = DocumentWriter(aws, clock, recorded)
        self._settings = SettingsWriter(aws)
        self._plans = PlanWriter(aws)

    async def carry_out(self, steps: Sequence[Step], done: StepDone) -> None:
        """The steps in order; those on the two halves of the document are one write."""
        where = self._known or await self._there()
        document = [step for step in steps if step.kind in {SPEC_KIND, INTEGRATIONS} and _writes(step)]
        has_stage = where is not None and (self._known is not None or await self._has_stage(where))
        await self._refuse_undeployed(where, steps, document, has_stage=has_stage)
        if document or where is None or not has_stage:
            where = await self._write_document(where, document)
            for step in document:
                done(step)
        for step in steps:
            if step not in document:
                await self._carry_out(where, step)
                done(step)

    async def _refuse_undeployed(
        self, where: Where | None, steps: Sequence[Step], document: Sequence[Step], *, has_stage: bool
    ) -> None:
        """Before anything is written. An API that we made again, without a stage yet, holds nothing but our own."""
        if where is None or (where.api_id != self._old.api_id and not has_stage):
            return
        if document or not has_stage or (where.flavour == "rest" and any(map(deploys, steps))):
            await Undeployed(self._aws, where, self._documents).refuse(steps, document, has_stage=has_stage)

    async def _carry_out(self, where: Where, step: Step) -> None:
        if step.kind == "api" and _writes(step):
            await self._write_api(where, step)
        elif step.kind == "stage" and _writes(step):
            await self._settings.write_stage(where, step)
        elif step.kind == "usage_plan":
            await self._plans.write(where, step)
        else:
            raise GatewayRejected(
                f"Aforo does not {step.title}: an API cannot be without it.",
                status=400,
                next_step="Leave this one unticked.",
            )

    async def _write_api(self, where: Where, step: Step) -> None:
        """A setting that stands in the API without being deployed would pass for restored at the next comparison,
        and nobody would deploy it; so it is taken back when its deployment fails.
        """
        before = await self._settings.write_api(where, step)
        if before is None:
            return
        try:
            await self._documents.deploy(where)
        except GatewayError:
            with suppress(GatewayError):
                await self._settings.take_back_api(where, before)
            raise

    async def _write_document(self, where: Where | None, steps: Sequence[Step]) -> Where:
        """Into the API that is there, or into a new one, which gets a mark; then onto the stage."""
        if where is None:
            where = await self._documents.create(self._old)
            await self._settings.mark(where, {RECREATED: self._old.api_id})
        elif steps:
            await self._documents.overwrite(where, steps)
        await self._documents.publish(where)
        return where

    async def _there(self) -> Where | None:
        """Where the product lives while its stage, or its whole API, is missing."""
        old = self._old
        try:
            await api_at(self._aws, old.flavour, old.api_id)
        except GatewayNotFound:
            api_id = await self._recreated()
            return Where(old.flavour, api_id, old.stage) if api_id else None
        return old

    async def _recreated(self) -> str | None:
        """The API that an earlier restore made: it has our mark, or it bears the name and has no stage yet."""
        old, name = self._old, self._recorded.name
        key = "id" if old.flavour == "rest" else "apiId"
        all_apis = await apis(self._aws, old.flavour)
        for api in all_apis:
            if (api.get("tags") or {}).get(RECREATED) == old.api_id:
                return str(api[key])
        for api in all_apis:
            if api.get("name") == name and not await stages(self._aws, old.flavour, api):
                return str(api[key])
        return None

    async def _has_stage(self, where: Where) -> bool:
        try:
            await stage_at(self._aws, where)
        except GatewayNotFound:
            return False
        return True


def _writes(step: Step) -> bool:
    return step.action is not Action.DELETE
