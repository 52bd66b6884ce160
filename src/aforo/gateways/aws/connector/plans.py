"""Usage plans: one patch each, since AWS allows one update in twenty seconds."""

from typing import Any

from aforo.gateway_sdk.contract import Action, Step
from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.settings import stands
from aforo.gateways.aws.mapping.overlay import wanted
from aforo.gateways.aws.mapping.patches import tag_changes, usage_plan_patches
from aforo.gateways.aws.mapping.products import Where, covers, plan_entity
from aforo.gateways.aws.mapping.rules.own import Own


class PlanWriter:
    """Writes what belongs to one stage in a plan; other stages and the keys of a plan are never touched."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def write(self, where: Where, step: Step) -> None:
        if step.action is Action.DELETE:
            await self._take_off(where, step)
            return
        plan = await self._there(step)
        if plan is None:
            plan = await self._create(where, step)
        await self._patch(where, step, plan)

    async def _there(self, step: Step) -> dict[str, Any] | None:
        """The plan by its id, else by its name: it may only have lost this stage, or be one that we made again."""
        known = step.live or step.target
        if known is None:
            return None
        try:
            return await self._aws.call("apigateway", "GetUsagePlan", {"usagePlanId": known.native_id})
        except GatewayNotFound:
            name = known.fields.get("name")
            plans = await self._aws.every("apigateway", "GetUsagePlans")
            return next((plan for plan in plans if plan.get("name") == name), None)

    async def _create(self, where: Where, step: Step) -> dict[str, Any]:
        """With all that a creation takes; AWS chooses the id, and the keys of the lost plan are not in the new one."""
        fields = dict(step.target.fields) if step.target else {}
        stage: dict[str, object] = {"apiId": where.api_id, "stage": where.stage}
        if throttle := fields.pop("methodThrottle", None):
            stage["throttle"] = throttle
        fields.pop("productCode", None)
        return await self._aws.call("apigateway", "CreateUsagePlan", {**fields, "apiStages": [stage]})

    async def _patch(self, where: Where, step: Step, plan: dict[str, Any]) -> None:
        own = Own(where.api_id, where.stage)
        now = plan_entity(plan, own).fields
        then = wanted(now, step)
        stage = f"{where.api_id}:{where.stage}"
        patches = usage_plan_patches(now, then, stage)
        if not covers(plan, where):
            patches.insert(0, {"op": "add", "path": "/apiStages", "value": stage})
        if patches:
            asked = {"usagePlanId": plan["id"], "patchOperations": patches}
            answer = await self._aws.call("apigateway", "UpdateUsagePlan", asked)
            stands(step, plan_entity(answer, own).fields, then)
        put, gone = tag_changes(now, then)
        arn = self._aws.arn("usageplans", str(plan["id"]))
        if put:
            await self._aws.call("apigateway", "TagResource", {"resourceArn": arn, "tags": put})
        if gone:
            await self._aws.call("apigateway", "UntagResource", {"resourceArn": arn, "tagKeys": gone})

    async def _take_off(self, where: Where, step: Step) -> None:
        """A plan that others added is taken off this stage; the plan itself and its keys stay."""
        plan = await self._there(step)
        if plan is not None and covers(plan, where):
            patch = {"op": "remove", "path": "/apiStages", "value": f"{where.api_id}:{where.stage}"}
            asked = {"usagePlanId": plan["id"], "patchOperations": [patch]}
            await self._aws.call("apigateway", "UpdateUsagePlan", asked)
