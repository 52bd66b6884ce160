"""One stage as a product: the calls that it takes, and the search for it after it was re-created."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayError, GatewayNotAnApi, GatewayNotFound
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.mapping.parts import Listed
from aforo.gateways.aws.mapping.products import Flavour, Seen, Where, product, refs, rest_spelling

Plans = Sequence[Mapping[str, Any]]

SERVICE: Final[dict[Flavour, str]] = {"rest": "apigateway", "http": "apigatewayv2"}


async def read(aws: Aws, known: Product) -> Product | None:
    """The product by its native id, else by its ref; None if it is gone."""
    seen = await seen_at(aws, Where.parse(known.native_id))
    if seen is None or seen.where.native_id != known.native_id:
        seen = await _by_ref(aws, known)
    if seen is None:
        return None
    plans = await aws.every("apigateway", "GetUsagePlans") if seen.where.flavour == "rest" else []
    ref = known.ref if seen.name == known.name else f"{seen.name}/{seen.where.stage}"
    return product(seen, ref, await exported(aws, seen.where), plans)


async def seen_at(aws: Aws, where: Where) -> Seen | None:
    """API and stage as they are told now; None when either is gone."""
    try:
        api = await api_at(aws, where.flavour, where.api_id)
        stage = await stage_at(aws, where)
    except GatewayNotFound:
        return None
    return Seen(where, api, stage)


async def api_at(aws: Aws, flavour: Flavour, api_id: str) -> dict[str, Any]:
    if flavour == "rest":
        return await aws.call("apigateway", "GetRestApi", {"restApiId": api_id})
    return spelled(await aws.call("apigatewayv2", "GetApi", {"ApiId": api_id}))


async def stage_at(aws: Aws, where: Where) -> dict[str, Any]:
    if where.flavour == "rest":
        return await aws.call("apigateway", "GetStage", {"restApiId": where.api_id, "stageName": where.stage})
    return spelled(await aws.call("apigatewayv2", "GetStage", {"ApiId": where.api_id, "StageName": where.stage}))


async def apis(aws: Aws, flavour: Flavour) -> list[dict[str, Any]]:
    """All APIs of a kind; WebSocket APIs are left out, since they have no OpenAPI description."""
    if flavour == "rest":
        return await aws.every("apigateway", "GetRestApis")
    return [api for api in map(spelled, await aws.every("apigatewayv2", "GetApis")) if is_http(api)]


def is_http(api: Mapping[str, Any]) -> bool:
    return str(api.get("protocolType", "HTTP")) == "HTTP"


async def stages(aws: Aws, flavour: Flavour, api: Mapping[str, Any]) -> list[Seen]:
    """The stages of one API."""
    api_id = api_id_of(flavour, api)
    if flavour == "rest":
        found = (await aws.call("apigateway", "GetStages", {"restApiId": api_id})).get("item") or []
    else:
        found = [spelled(stage) for stage in await aws.every("apigatewayv2", "GetStages", {"ApiId": api_id})]
    return [Seen(Where(flavour, api_id, stage["stageName"]), api, stage) for stage in found]


def api_id_of(flavour: Flavour, api: Mapping[str, Any]) -> str:
    return str(api["id" if flavour == "rest" else "apiId"])


async def exported(aws: Aws, where: Where) -> dict[str, Any]:
    """The deployed stage's OpenAPI 3 document with AWS's extensions."""
    if where.flavour == "rest":
        asked: dict[str, object] = {
            "restApiId": where.api_id,
            "stageName": where.stage,
            "exportType": "oas30",
            "parameters": {"extensions": "apigateway"},
            "accepts": "application/json",
        }
        told = await aws.call("apigateway", "GetExport", asked)
        return _document(told.get("body"), where)
    return await _http_export(aws, where, {"StageName": where.stage})


async def working_export(aws: Aws, where: Where) -> dict[str, Any]:
    """An HTTP API as it stands, deployed or not; AWS gives this of HTTP APIs alone."""
    return await _http_export(aws, where, {})


async def listed(aws: Aws, where: Where) -> Listed:
    """A REST API's definition as it stands, deployed or not."""

    async def every(operation: str, **more: object) -> list[dict[str, Any]]:
        return await aws.every("apigateway", operation, {"restApiId": where.api_id, **more})

    return Listed(
        await every("GetResources", embed=["methods"]),
        await every("GetAuthorizers"),
        await every("GetModels"),
        await every("GetRequestValidators"),
        await every("GetGatewayResponses"),
    )


def spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """An HTTP API's member names as a REST API has them."""
    return dict(rest_spelling(value))


async def _http_export(aws: Aws, where: Where, stage: Mapping[str, str]) -> dict[str, Any]:
    asked = {"Specification": "OAS30", "OutputType": "JSON", "IncludeExtensions": True}
    told = await aws.call("apigatewayv2", "ExportApi", {"ApiId": where.api_id, **asked, **stage})
    return _document(told.get("body"), where)


async def _by_ref(aws: Aws, known: Product) -> Seen | None:
    flavour = Where.parse(known.native_id).flavour
    named = [api for api in await apis(aws, flavour) if known.ref.startswith(f"{api.get('name')}/")]
    found: list[Seen] = []
    for api in named:
        try:
            found += await stages(aws, flavour, api)
        except GatewayNotFound:
            continue
    given = refs(found)
    return next((seen for seen in found if given[seen.where.native_id] == known.ref), None)


def _document(body: Any, where: Where) -> dict[str, Any]:
    text = body.read() if hasattr(body, "read") else body
    try:
        document = json.loads(text or b"")
    except ValueError as fault:
        raise _not_openapi(where) from fault
    if not isinstance(document, dict) or "paths" not in document:
        raise _not_openapi(where)
    return document


def _not_openapi(where: Where) -> GatewayError:
    return GatewayNotAnApi(
        f"The export of {where.native_id} is no OpenAPI document.",
        next_step="Check the endpoint: AWS answers an export with OpenAPI as JSON.",
    )
