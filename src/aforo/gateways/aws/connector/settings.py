"""Settings of an API and of a stage: patches with only what differs, and tags."""

from collections.abc import Mapping
from typing import Any

from aforo.gateway_sdk.contract import Step
from aforo.gateway_sdk.errors import GatewayRejected, PostconditionFailed
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.reading import api_at, stage_at
from aforo.gateways.aws.mapping.overlay import differing, wanted
from aforo.gateways.aws.mapping.patches import (
    NEEDS_DEPLOYMENT,
    changed_members,
    rest_api_patches,
    stage_patches,
    tag_changes,
)
from aforo.gateways.aws.mapping.products import Seen, Where, api_entity, http_spelling, stage_entity
from aforo.gateways.aws.mapping.trees import with_own_id
from aforo.kit.jsontree import Absent, Json, JsonObject


class SettingsWriter:
    """Writes what a step changes on an API or a stage, and looks at what AWS answers."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def write_api(self, where: Where, step: Step) -> JsonObject | None:
        """The fields as they were, where a deployment must follow for the step to take effect."""
        now = api_entity(Seen(where, await api_at(self._aws, where.flavour, where.api_id), {})).fields
        then = wanted(now, step)
        if where.flavour == "http":
            await self._http_api(where, now, then)
            return None
        patches = rest_api_patches(now, with_id(then, where))
        if patches:
            asked = {"restApiId": where.api_id, "patchOperations": patches}
            answer = await self._aws.call("apigateway", "UpdateRestApi", asked)
            stands(step, api_entity(Seen(where, answer, {})).fields, then)
        await self._tag(self._arn(where, stage=False), where, now, then)
        changed = {pointer.split("/")[1] for pointer, _, _ in differing(now, then)}
        return now if changed & NEEDS_DEPLOYMENT else None

    async def take_back_api(self, where: Where, before: JsonObject) -> None:
        """The settings of a REST API as `write_api` found them."""
        now = api_entity(Seen(where, await api_at(self._aws, where.flavour, where.api_id), {})).fields
        if patches := rest_api_patches(now, with_id(before, where)):
            asked = {"restApiId": where.api_id, "patchOperations": patches}
            await self._aws.call("apigateway", "UpdateRestApi", asked)

    async def write_stage(self, where: Where, step: Step) -> None:
        now = stage_entity(Seen(where, {}, await stage_at(self._aws, where))).fields
        then = wanted(now, step)
        if where.flavour == "http":
            await self._http_stage(where, now, then)
        elif patches := stage_patches(now, with_id(then, where)):
            asked = {"restApiId": where.api_id, "stageName": where.stage, "patchOperations": patches}
            answer = await self._aws.call("apigateway", "UpdateStage", asked)
            stands(step, stage_entity(Seen(where, {}, answer)).fields, then, {"methodSettings"})
        await self._tag(self._arn(where, stage=True), where, now, then)

    async def mark(self, where: Where, tags: Mapping[str, str]) -> None:
        """Our tag on an API; where tagging is refused we go by the name, as `Restore` says."""
        try:
            await self._set_tags(self._arn(where, stage=False), where, tags)
        except GatewayRejected:
            return

    async def _http_api(self, where: Where, now: JsonObject, then: JsonObject) -> None:
        members = changed_members(now, then)
        if isinstance(members.get("corsConfiguration"), Absent):
            await self._aws.call("apigatewayv2", "DeleteCorsConfiguration", {"ApiId": where.api_id})
            del members["corsConfiguration"]
        if members:
            await self._aws.call("apigatewayv2", "UpdateApi", {"ApiId": where.api_id, **_members(members)})
        await self._tag(self._arn(where, stage=False), where, now, then)

    async def _http_stage(self, where: Where, now: JsonObject, then: JsonObject) -> None:
        """UpdateStage merges maps: a variable goes when set to nothing, a route's settings by their own call."""
        place = {"ApiId": where.api_id, "StageName": where.stage}
        members = changed_members(now, then)
        if "stageVariables" in members:
            gone = dict.fromkeys(set(_map(now, "stageVariables")) - set(_map(then, "stageVariables")), "")
            members["stageVariables"] = {**gone, **_map(then, "stageVariables")}
        for route in sorted(set(_map(now, "routeSettings")) - set(_map(then, "routeSettings"))):
            await self._aws.call("apigatewayv2", "DeleteRouteSettings", {**place, "RouteKey": route})
        if "routeSettings" in members:
            members["routeSettings"] = _map(then, "routeSettings")
        if members := {name: value for name, value in members.items() if value != {}}:
            await self._aws.call("apigatewayv2", "UpdateStage", {**place, **_members(members)})

    async def _tag(self, arn: str, where: Where, now: JsonObject, then: JsonObject) -> None:
        put, gone = tag_changes(now, then)
        if put:
            await self._set_tags(arn, where, put)
        if gone and where.flavour == "rest":
            await self._aws.call("apigateway", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
        elif gone:
            await self._aws.call("apigatewayv2", "UntagResource", {"ResourceArn": arn, "TagKeys": gone})

    async def _set_tags(self, arn: str, where: Where, tags: Mapping[str, str]) -> None:
        if where.flavour == "rest":
            await self._aws.call("apigateway", "TagResource", {"resourceArn": arn, "tags": tags})
        else:
            await self._aws.call("apigatewayv2", "TagResource", {"ResourceArn": arn, "Tags": tags})

    def _arn(self, where: Where, *, stage: bool) -> str:
        kind = "restapis" if where.flavour == "rest" else "apis"
        return self._aws.arn(kind, where.api_id, *(("stages", where.stage) if stage else ()))


def stands(step: Step, answer: JsonObject, then: JsonObject, apart: set[str] | None = None) -> None:
    """Raise PostconditionFailed when AWS's answer does not show what was written; `apart` fills in defaults."""
    skipped = {"tags", *(apart or ())}
    off = [pointer for pointer, _, _ in differing(answer, then) if pointer.split("/")[1] not in skipped]
    if off:
        raise PostconditionFailed(
            f"AWS accepted the write to {step.kind} {step.key}, but does not show it: {', '.join(off[:5])} differ.",
            next_step="Look at the object in the AWS console, then scan again.",
        )


def with_id(fields: JsonObject, where: Where) -> dict[str, Json]:
    """The fields as they are sent: with the API's own id where the record has a placeholder."""
    sent = with_own_id(fields, where.api_id)
    return dict(sent) if isinstance(sent, Mapping) else {}


def _members(members: Mapping[str, Any]) -> dict[str, Any]:
    """As an HTTP API spells them; a member to be cleared becomes its empty value."""
    return dict(http_spelling({name: "" if isinstance(value, Absent) else value for name, value in members.items()}))


def _map(tree: JsonObject, name: str) -> dict[str, Any]:
    found = tree.get(name)
    return dict(found) if isinstance(found, Mapping) else {}
