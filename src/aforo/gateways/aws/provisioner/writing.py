"""Brings a seat to what is wanted. What takes access away is written before what gives it.

A key that is to change its usage plan leaves the old one first, since AWS lets it be in one plan for a stage: for the
moment between two calls it opens nothing, and its counters begin anew.
"""

from typing import Any

from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.provision import Seat, Standing, WantedKey
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.provisioner.holding import Holding, is_keyless, read, shape, standing_of
from aforo.gateways.aws.provisioner.names import Names, PlanShape, Row, is_kept, plan_of, stages_of
from aforo.gateways.aws.provisioner.plans import UsagePlans, stage_patches


class Writer:
    """Writes one seat."""

    def __init__(self, aws: Aws, seat: Seat) -> None:
        self._aws = aws
        self._seat = seat
        self._names = Names(seat.subscription_id)
        self._plans = UsagePlans(aws)
        self._entered: set[str] = set()

    async def converge(self) -> None:
        held = await read(self._aws, self._seat)
        await self._drop(held)
        for wanted in sorted(self._seat.keys, key=lambda one: self._promised(one) is Standing.ACTIVE):
            if self._promised(wanted) is not Standing.GONE:
                await self._have(held, wanted)
        await self._tidy()

    def _promised(self, wanted: WantedKey) -> Standing:
        """At an adopted seat that goes, only what is listed as gone goes with it, and what Aforo made."""
        if Standing.GONE in (wanted.standing, self._seat.standing):
            return Standing.GONE
        return Standing.SUSPENDED if Standing.SUSPENDED in (wanted.standing, self._seat.standing) else Standing.ACTIVE

    async def _drop(self, held: Holding) -> None:
        for wanted, row in held.listed(self._seat, self._names):
            if row and self._promised(wanted) is Standing.GONE:
                await self._leave_ours(held, row)
                if wanted.standing is Standing.GONE or self._names.owns(row):
                    await self._delete(held, row)
        for row in held.strays(self._seat, self._names):
            await self._leave_ours(held, row)
            await self._delete(held, row)
        adopted = held.keys.get(self._seat.adopted.consumer) if self._seat.adopted else None
        if adopted and self._seat.standing is Standing.GONE:
            await self._leave_ours(held, adopted)

    async def _delete(self, held: Holding, row: Row) -> None:
        await self._plans.gone("DeleteApiKey", apiKey=row["id"])
        held.keys.pop(str(row["id"]), None)

    async def _leave_ours(self, held: Holding, row: Row, but: Row | None = None) -> None:
        for plan in held.ours(str(row["id"])):
            if but is None or plan["id"] != but["id"]:
                await self._plans.leave(plan, str(row["id"]))

    async def _have(self, held: Holding, wanted: WantedKey) -> None:
        enabled = self._promised(wanted) is Standing.ACTIVE
        row = held.key(wanted, self._names)
        if row is None and is_keyless(self._seat):
            return
        if row and wanted.secret and row.get("value") != wanted.secret and self._names.owns(row):
            await self._leave_ours(held, row)
            await self._delete(held, row)
            row = None
        if row is None:
            row = await self._create(held, wanted, enabled=enabled)
        if not enabled:
            await self._enable(row, enabled=False)
        await self._place(held, row)
        if enabled:
            await self._enable(row, enabled=True)

    async def _create(self, held: Holding, wanted: WantedKey, *, enabled: bool) -> Row:
        """Open to nothing as yet."""
        if wanted.native_id and not wanted.secret:
            raise PostconditionFailed(
                f"The API key {wanted.native_id} is no longer at AWS, and only AWS knew its secret.",
                next_step="Revoke this credential and issue another.",
            )
        asked: dict[str, Any] = {
            "name": self._names.key(wanted.credential_id),
            "enabled": enabled,
            "customerId": self._seat.owner.id,
            "tags": self._names.tags(wanted.credential_id),
        }
        if wanted.secret:
            asked["value"] = wanted.secret
        row = await self._aws.call("apigateway", "CreateApiKey", asked)
        held.keys[str(row["id"])] = row
        return row

    async def _place(self, held: Holding, row: Row) -> None:
        """In the one usage plan of ours that it belongs to, and in no other of ours."""
        key_id = str(row["id"])
        wanted = shape(self._seat, held, key_id)
        if wanted is None:
            await self._leave_ours(held, row)
            return
        plan = next((one for one in held.ours(key_id) if wanted.is_made_in(one)), None)
        is_there = plan is not None
        plan = plan or await self._plans.find(wanted)
        await self._leave_ours(held, row, but=plan)
        if plan is None:
            await self._make_and_enter(wanted, key_id)
            return
        await self._plans.patch(plan, stage_patches(stages_of([plan]), wanted.stages))
        if not is_there:
            await self._plans.enter(plan, key_id)
        self._entered.add(str(plan["id"]))

    async def _make_and_enter(self, wanted: PlanShape, key_id: str) -> None:
        async with self._plans.turn(wanted.key):
            plan = await self._plans.find(wanted) or await self._plans.create(wanted)
            await self._plans.enter(plan, key_id)
        self._entered.add(str(plan["id"]))

    async def _enable(self, row: Row, *, enabled: bool) -> None:
        if (standing_of(row) is Standing.ACTIVE) is not enabled:
            patch = {"op": "replace", "path": "/enabled", "value": "true" if enabled else "false"}
            await self._aws.call("apigateway", "UpdateApiKey", {"apiKey": row["id"], "patchOperations": [patch]})

    async def _tidy(self) -> None:
        """Usage plans of this plan that no key is in any more, unless pricing sync keeps them."""
        async with self._plans.turn(self._seat.plan):
            for plan in await self._plans.every():
                is_unkept = plan_of(plan) == self._seat.plan and not is_kept(plan)
                if is_unkept and str(plan["id"]) not in self._entered:
                    await self._plans.remove_if_empty(plan)
