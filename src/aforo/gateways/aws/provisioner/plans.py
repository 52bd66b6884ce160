"""Aforo's usage plans in one account and region: found by mark and name, made once, put right, removed when empty."""

import asyncio
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.provisioner.names import PlanShape, Row, stages_of

_TURNS: Final[WeakValueDictionary[tuple[str, ...], asyncio.Lock]] = WeakValueDictionary()
"""AWS takes two plans of one name and knows no idempotency token, so this process makes one at a time."""


class UsagePlans:
    """Reads and writes usage plans. Whoever calls sees to it that a plan which is written carries Aforo's mark."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def turn(self, plan_key: str) -> asyncio.Lock:
        """Held while plans of this key are made and entered, or found empty and removed."""
        place = (self._aws.place.endpoint("apigateway"), self._aws.place.region, plan_key)
        return _TURNS.setdefault(place, asyncio.Lock())

    async def every(self) -> list[Row]:
        """All of the region, at most 300: one page."""
        return list(await self._aws.every("apigateway", "GetUsagePlans"))

    async def of_key(self, key_id: str) -> list[Row]:
        """The plans that a key is in, whoever made them."""
        return list(await self._aws.every("apigateway", "GetUsagePlans", {"keyId": key_id}))

    async def find(self, shape: PlanShape) -> Row | None:
        """Of several that concurrent makers left, always the same one."""
        made = [row for row in await self.every() if shape.is_made_in(row)]
        return min(made, key=lambda row: str(row["id"]), default=None)

    async def create(self, shape: PlanShape, extra_tags: dict[str, str] | None = None) -> Row:
        stages = [dict(zip(("apiId", "stage"), one.split(":"), strict=True)) for one in sorted(shape.stages)]
        wanted = {"name": shape.name, "apiStages": stages, **shape.limits, "tags": {**shape.tags, **(extra_tags or {})}}
        return await self._aws.call("apigateway", "CreateUsagePlan", wanted)

    async def patch(self, plan: Row, patches: list[dict[str, str]]) -> None:
        """All at once: AWS allows one in twenty seconds."""
        if patches:
            asked = {"usagePlanId": plan["id"], "patchOperations": patches}
            await self._aws.call("apigateway", "UpdateUsagePlan", asked)

    async def is_empty(self, plan: Row) -> bool:
        asked = {"usagePlanId": plan["id"], "limit": 1}
        return not (await self._aws.call("apigateway", "GetUsagePlanKeys", asked)).get("items")

    async def enter(self, plan: Row, key_id: str) -> None:
        asked = {"usagePlanId": plan["id"], "keyId": key_id, "keyType": "API_KEY"}
        await self._aws.call("apigateway", "CreateUsagePlanKey", asked)

    async def leave(self, plan: Row, key_id: str) -> None:
        await self.gone("DeleteUsagePlanKey", usagePlanId=plan["id"], keyId=key_id)

    async def remove_if_empty(self, plan: Row) -> None:
        """Stages first, since AWS removes no plan that has any; then a second look.

        Whoever enters after that look reads back a plan without stages, or none, and starts again.
        """
        if not await self.is_empty(plan):
            return
        await self.patch(plan, stage_patches(stages_of([plan]), ()))
        if await self.is_empty(plan):
            await self.gone("DeleteUsagePlan", usagePlanId=plan["id"])

    async def gone(self, operation: str, **params: object) -> None:
        """Delete what may have gone already."""
        try:
            await self._aws.call("apigateway", operation, params)
        except GatewayNotFound:
            return


def stage_patches(now: Iterable[str], then: Iterable[str]) -> list[dict[str, str]]:
    """From these stages to those, each as `apiId:stage`."""
    here, wanted = set(now), set(then)
    added = [{"op": "add", "path": "/apiStages", "value": one} for one in sorted(wanted - here)]
    return added + [{"op": "remove", "path": "/apiStages", "value": one} for one in sorted(here - wanted)]
