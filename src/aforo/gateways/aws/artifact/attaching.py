"""Puts the authorizer before an API's methods and the access log behind them, and takes both away again.

Only what asked for no authorization is taken, so what it was before is always the same and survives a lost receipt.
The access log goes first and the deployment last: no call is let in that nobody meters.
"""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.aws.artifact.names import Names, log_format
from aforo.gateways.aws.artifact.places import Api, Door, Stage
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.reading import exported
from aforo.gateways.aws.mapping.ours import AUTHORIZER, DENIED, RESPONSES, is_our_response, without_artifact
from aforo.kit.jsontree import same

Log = Mapping[str, str]
_WHY: Final = "deployed by Aforo: authorizer {}"
AUTO: Final = "auto"
"""The option `refused_status` unless set: 429 where the refusal is ours alone to word."""
_TEMPLATE: Final = (
    '{"message":"$context.authorizer.message","reason":"$context.authorizer.reason",'
    '"retryAfter":$context.authorizer.retryAfter}'
)
_SHARED_TEMPLATE: Final = (
    '{"message":$context.error.messageString,"detail":"$context.authorizer.message",'
    '"reason":"$context.authorizer.reason","retryAfter":"$context.authorizer.retryAfter"}'
)
"""Readable also where another authorizer refuses, which tells none of ours."""
_HEADERS: Final = {
    "Retry-After": "retryHeader",
    "X-Margin-Guard": "marginGuard",
    "X-Margin-Guard-Level": "marginLevel",
}


class Attaching:
    """Every call may be repeated."""

    def __init__(self, aws: Aws, names: Names) -> None:
        self._aws = aws
        self._names = names

    async def attach(self, api: Api, *, refused_status: str) -> None:
        """Before all its open stages. An HTTP API's stage that deploys by itself serves it from the first route on."""
        for stage in api.open_stages:
            await self._set_log(stage.where.flavour, stage, self._log(api.flavour))
        authorizer_id = api.authorizer_id or await self._create(api)
        for door in api.doors:
            if not door.is_ours and not door.keep:
                await self._take(api, door, authorizer_id)
        status = status_of_refusals(api, refused_status)
        if status is not None:
            await self._answer(api, status)
        elif api.refuses_by == "ours":
            await self._answer_as_before(api)
        for stage in api.open_stages:
            if not stage.deploys_by_itself and not await self.serves(api, stage, status):
                await self._deploy(stage, "attached")

    async def detach(self, api: Api, before: Mapping[str, Log]) -> None:
        """`before` holds the access log that a stage had, by its key. An API that is gone needs nothing."""
        for door in api.doors:
            if door.is_ours:
                await self._give_back(api, door)
        if api.refuses_by == "ours":
            await self._answer_as_before(api)
        for stage in api.stages:
            if not stage.deploys_by_itself and await self._shows(stage):
                await self._deploy(stage, "detached")
            if stage.has_our_log:
                await self._set_log(api.flavour, stage, before.get(stage.key))
        if api.authorizer_id is not None:
            await self._delete(api, api.authorizer_id)

    async def serves(self, api: Api, stage: Stage, status: str | None) -> bool:
        """Whether the stage, as it is deployed, has the artifact before every method that is taken now, and refuses
        with this status; None for the one that API Gateway has by itself.
        """
        document = await exported(self._aws, stage.where)
        denied = (document.get(RESPONSES) or {}).get(DENIED) or {}
        if is_our_response(denied) if status is None else str(denied.get("statusCode")) != status:
            return False
        taken = sum(1 for door in api.doors if not door.keep)
        secured = sum(
            AUTHORIZER in one
            for item in document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict)
            for one in operation.get("security") or []
        )
        return secured >= taken > 0

    async def _shows(self, stage: Stage) -> bool:
        try:
            document = await exported(self._aws, stage.where)
        except GatewayNotFound:
            return False
        return not same(document, without_artifact(dict(document)))

    def _log(self, flavour: str) -> Log:
        return {"destinationArn": self._names.log_arn(), "format": log_format(flavour)}

    async def _create(self, api: Api) -> str:
        """Nothing is remembered and no identity source is demanded: every call is asked, also one without a key."""
        if api.flavour == "rest":
            asked: dict[str, Any] = {
                "restApiId": api.api_id,
                "name": AUTHORIZER,
                "type": "REQUEST",
                "authorizerUri": self._names.authorizer_uri(),
                "authorizerResultTtlInSeconds": 0,
            }
            return str((await self._aws.call("apigateway", "CreateAuthorizer", asked))["id"])
        asked = {
            "ApiId": api.api_id,
            "Name": AUTHORIZER,
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": self._names.authorizer_uri(),
            "AuthorizerPayloadFormatVersion": "2.0",
            "EnableSimpleResponses": True,
            "IdentitySource": [],
            "AuthorizerResultTtlInSeconds": 0,
        }
        return str((await self._aws.call("apigatewayv2", "CreateAuthorizer", asked))["AuthorizerId"])

    async def _take(self, api: Api, door: Door, authorizer_id: str) -> None:
        if api.flavour == "http":
            asked = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer_id}
            await self._aws.call("apigatewayv2", "UpdateRoute", {**_route(api, door), **asked})
        else:
            patches = [_replace("/authorizationType", "CUSTOM"), _replace("/authorizerId", authorizer_id)]
            await self._aws.call("apigateway", "UpdateMethod", {**_method(api, door), "patchOperations": patches})

    async def _give_back(self, api: Api, door: Door) -> None:
        if api.flavour == "http":
            await self._aws.call("apigatewayv2", "UpdateRoute", {**_route(api, door), "AuthorizationType": "NONE"})
        else:
            patches = [_replace("/authorizationType", "NONE")]
            await self._aws.call("apigateway", "UpdateMethod", {**_method(api, door), "patchOperations": patches})

    async def _answer_as_before(self, api: Api) -> None:
        asked = {"restApiId": api.api_id, "responseType": DENIED}
        await self._aws.call("apigateway", "DeleteGatewayResponse", asked)

    async def _answer(self, api: Api, status: str) -> None:
        """What a refused caller of a REST API hears. API Gateway knows one status for all refusals of authorizers."""
        asked = {
            "restApiId": api.api_id,
            "responseType": DENIED,
            "statusCode": status,
            "responseTemplates": {"application/json": _SHARED_TEMPLATE if api.others else _TEMPLATE},
            "responseParameters": {
                f"gatewayresponse.header.{name}": f"context.authorizer.{fact}" for name, fact in _HEADERS.items()
            },
        }
        await self._aws.call("apigateway", "PutGatewayResponse", asked)

    async def _deploy(self, stage: Stage, word: str) -> None:
        where, why = stage.where, _WHY.format(word)
        if where.flavour == "rest":
            asked = {"restApiId": where.api_id, "stageName": where.stage, "description": why}
            await self._aws.call("apigateway", "CreateDeployment", asked)
        else:
            asked = {"ApiId": where.api_id, "StageName": where.stage, "Description": why}
            await self._aws.call("apigatewayv2", "CreateDeployment", asked)

    async def _set_log(self, flavour: str, stage: Stage, log: Log | None) -> None:
        """This access log, or none."""
        if dict(stage.log) == dict(log or {}):
            return
        where = stage.where
        if flavour == "rest":
            there = {"restApiId": where.api_id, "stageName": where.stage}
            gone = [{"op": "remove", "path": "/accessLogSettings"}]
            patches = [_replace(f"/accessLogSettings/{name}", value) for name, value in (log or {}).items()] or gone
            await self._aws.call("apigateway", "UpdateStage", {**there, "patchOperations": patches})
        elif log:
            told = {"DestinationArn": log["destinationArn"], "Format": log["format"]}
            asked = {"ApiId": where.api_id, "StageName": where.stage, "AccessLogSettings": told}
            await self._aws.call("apigatewayv2", "UpdateStage", asked)
        else:
            asked = {"ApiId": where.api_id, "StageName": where.stage}
            await self._aws.call("apigatewayv2", "DeleteAccessLogSettings", asked)

    async def _delete(self, api: Api, authorizer_id: str) -> None:
        if api.flavour == "rest":
            asked = {"restApiId": api.api_id, "authorizerId": authorizer_id}
            await self._aws.call("apigateway", "DeleteAuthorizer", asked)
        else:
            asked = {"ApiId": api.api_id, "AuthorizerId": authorizer_id}
            await self._aws.call("apigatewayv2", "DeleteAuthorizer", asked)


def status_of_refusals(api: Api, refused_status: str) -> str | None:
    """The status that we give all refusals of a REST API's authorizers; None where they stay as they are.

    Never where somebody has worded them; where other authorizers share them, only if the operator names a status.
    """
    if api.flavour != "rest" or api.refuses_by == "others" or refused_status == "403":
        return None
    if refused_status == AUTO:
        return None if api.others else "429"
    return refused_status


def _method(api: Api, door: Door) -> dict[str, Any]:
    return {"restApiId": api.api_id, "resourceId": door.resource_id, "httpMethod": door.verb}


def _route(api: Api, door: Door) -> dict[str, Any]:
    return {"ApiId": api.api_id, "RouteId": door.resource_id}


def _replace(path: str, value: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": value}
