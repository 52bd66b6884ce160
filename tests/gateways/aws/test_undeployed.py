"""Edits that nobody has deployed are compared before a restore deploys or overwrites: none is shipped, none is lost."""

import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayRejected, GatewayUnavailable
from aforo.gateways.aws.connector.reading import exported, listed
from aforo.gateways.aws.manifest import MANIFEST
from aforo.gateways.aws.mapping.parts import listed_parts, rest_parts, unlike
from aforo.gateways.aws.mapping.products import Where
from tests.gateways.aws.emulated_account import Account, patch

pytestmark = pytest.mark.conformance
Edit = Callable[[Account, str], Awaitable[None]]
REF = "PaymentsAPI/prod"


async def call(account: Account, operation: str, **params: Any) -> dict[str, Any]:
    return await account.admin.call("apigateway", operation, params)


async def every(account: Account, operation: str, api_id: str) -> list[dict[str, Any]]:
    return await account.admin.every("apigateway", operation, {"restApiId": api_id})


async def resource(account: Account, api_id: str, path: str = "/charges") -> dict[str, Any]:
    return next(one for one in await every(account, "GetResources", api_id) if one["path"] == path)


async def at_method(account: Account, operation: str, api_id: str, **params: Any) -> None:
    there = {"restApiId": api_id, "resourceId": (await resource(account, api_id))["id"], "httpMethod": "GET"}
    await call(account, operation, **there, **params)


async def drop_a_method(account: Account, api_id: str) -> None:
    await at_method(account, "DeleteMethod", api_id)


async def add_a_method(account: Account, api_id: str) -> None:
    root = await resource(account, api_id, "/")
    there = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "PATCH"}
    await call(account, "PutMethod", **there, authorizationType="NONE")
    await call(account, "PutIntegration", **there, type="MOCK")


async def lead_elsewhere(account: Account, api_id: str) -> None:
    operations = [patch("replace", "/uri", "https://half-done.example")]
    await at_method(account, "UpdateIntegration", api_id, patchOperations=operations)


async def open_a_method(account: Account, api_id: str) -> None:
    operations = [patch("replace", "/authorizationType", "NONE"), patch("replace", "/apiKeyRequired", "false")]
    await at_method(account, "UpdateMethod", api_id, patchOperations=operations)


async def answer_otherwise(account: Account, api_id: str) -> None:
    await call(account, "PutGatewayResponse", restApiId=api_id, responseType="THROTTLED", statusCode="420")


async def take_more_types(account: Account, api_id: str) -> None:
    await call(account, "UpdateRestApi", restApiId=api_id, patchOperations=[patch("add", "/binaryMediaTypes/a~1b")])


EDITS: list[tuple[Edit, str]] = [
    (drop_a_method, "GET /charges"),
    (add_a_method, "PATCH /"),
    (lead_elsewhere, "GET /charges"),
    (open_a_method, "GET /charges"),
    (answer_otherwise, "gateway response THROTTLED"),
    (take_more_types, "setting binaryMediaTypes"),
]


async def compressed(account: Account, api_id: str) -> None:
    """A drift in a setting of the API that is put back by a patch and a deployment."""
    operations = [patch("replace", "/minimumCompressionSize", "99")]
    await call(account, "UpdateRestApi", restApiId=api_id, patchOperations=operations)


async def deployed_without_a_method(account: Account, api_id: str, path: str = "/charges") -> None:
    """A drift in the document, put back by an overwrite and a deployment."""
    charges = await resource(account, api_id, path)
    await call(account, "DeleteMethod", restApiId=api_id, resourceId=charges["id"], httpMethod="POST")
    await call(account, "CreateDeployment", restApiId=api_id, stageName="prod")


def api_id_of(product: Product) -> str:
    return Where.parse(product.native_id).api_id


async def restore_kinds(account: Account, recorded: Product, kinds: set[str]) -> list[str]:
    """A restore of what the operator ticked alone: other drift stays."""
    live = await account.live(recorded)
    steps = [step for step in plan_restore(recorded, live, MANIFEST.kinds).steps if step.kind in kinds]
    done: list[str] = []
    await account.gateway.apply(recorded, live, steps, lambda step: done.append(step.title))
    return done


def written(account: Account) -> list[tuple[str, str]]:
    return [(method, path) for method, path in account.board.log if method != "GET"]


async def live_document(account: Account, recorded: Product) -> dict[str, Any]:
    return await exported(account.admin, Where.parse(recorded.native_id))


CASES = [
    pytest.param(drift, edit, part, id=f"{edit.__name__} beside {drift.__name__}")
    for drift in (compressed, deployed_without_a_method)
    for edit, part in EDITS
    if (drift, edit) != (compressed, take_more_types)  # that step puts all settings back
]


@pytest.mark.parametrize(("drift", "edit", "part"), CASES)
async def test_a_restore_stops_before_its_first_write_at_an_edit_that_nobody_has_deployed(
    account: Account, drift: Edit, edit: Edit, part: str
) -> None:
    recorded = await account.product(REF)
    await drift(account, api_id_of(recorded))
    await edit(account, api_id_of(recorded))
    before = await live_document(account, recorded)
    account.board.log.clear()
    with pytest.raises(GatewayRejected, match=part) as caught:
        await restore_kinds(account, recorded, {"api"} if drift is compressed else {"spec", "integrations"})
    assert "undo them" in str(caught.value.next_step)
    assert written(account) == []
    assert await live_document(account, recorded) == before


@pytest.mark.parametrize("drift", [compressed, deployed_without_a_method])
async def test_once_the_edit_is_undone_the_same_restore_goes_through(account: Account, drift: Edit) -> None:
    recorded = await account.product(REF)
    await drift(account, api_id_of(recorded))
    await answer_otherwise(account, api_id_of(recorded))
    with pytest.raises(GatewayRejected):
        await account.restore(recorded)
    await call(account, "DeleteGatewayResponse", restApiId=api_id_of(recorded), responseType="THROTTLED")
    assert await account.restore(recorded)
    assert await account.drift(recorded) == []


async def test_steps_that_need_no_deployment_pass_beside_an_undeployed_edit_and_leave_it(account: Account) -> None:
    recorded = await account.product(REF)
    await lead_elsewhere(account, api_id_of(recorded))
    described = [patch("replace", "/description", "edited")]
    await call(account, "UpdateRestApi", restApiId=api_id_of(recorded), patchOperations=described)
    assert await account.restore(recorded) == ["update api settings"]
    charges = await resource(account, api_id_of(recorded))
    there = {"restApiId": api_id_of(recorded), "resourceId": charges["id"], "httpMethod": "GET"}
    assert (await call(account, "GetIntegration", **there))["uri"] == "https://half-done.example"


async def test_a_restore_that_broke_off_before_its_deployment_is_no_edit_of_others(account: Account) -> None:
    recorded = await account.product("GeocodingAPI/prod")
    api_id = api_id_of(recorded)
    await deployed_without_a_method(account, api_id, "/addresses")
    account.board.faults.append(Fault(500, path=f"/restapis/{api_id}/deployments", method="POST", body="{}"))
    with pytest.raises(GatewayUnavailable):
        await account.restore(recorded)
    assert await account.drift(recorded)
    await account.restore(recorded)
    assert await account.drift(recorded) == []


async def test_a_setting_whose_deployment_failed_is_deployed_by_the_next_restore(account: Account) -> None:
    recorded = await account.product(REF)
    api_id = Where.parse(recorded.native_id).api_id
    stage = {"restApiId": api_id, "stageName": "prod"}
    edit = [patch("replace", "/binaryMediaTypes/image~1png")]
    await call(account, "UpdateRestApi", restApiId=api_id, patchOperations=edit)
    await call(account, "CreateDeployment", **stage)
    account.board.faults.append(Fault(500, path=f"/restapis/{api_id}/deployments", method="POST", body="{}"))
    with pytest.raises(GatewayUnavailable):
        await account.restore(recorded)
    account.board.faults.clear()
    assert await account.restore(recorded) == ["update api settings"]
    assert "image/png" not in str(await exported(account.admin, Where.parse(recorded.native_id)))


async def test_what_another_stage_serves_is_not_lost_by_an_overwrite_but_not_shipped_by_a_setting(
    account: Account,
) -> None:
    """The usual way of two stages: dev is ahead of prod, and the API holds what dev serves."""
    recorded = await account.product(REF)
    api_id = api_id_of(recorded)
    await deployed_without_a_method(account, api_id)
    await lead_elsewhere(account, api_id)
    await call(account, "CreateDeployment", restApiId=api_id, stageName="dev")
    dev = await live_document(account, await account.product("PaymentsAPI/dev"))
    await restore_kinds(account, recorded, {"spec", "integrations"})
    assert await account.drift(recorded) == []
    assert (await live_document(account, await account.product("PaymentsAPI/dev")))["paths"] == dev["paths"]

    await lead_elsewhere(account, api_id)
    await call(account, "CreateDeployment", restApiId=api_id, stageName="dev")
    await compressed(account, api_id)
    with pytest.raises(GatewayRejected, match="GET /charges"):
        await restore_kinds(account, recorded, {"api"})


async def test_an_api_whose_stage_is_gone_is_not_overwritten_over_an_edit(account: Account) -> None:
    recorded = await account.product("FraudScoreAPI/prod")
    api_id = api_id_of(recorded)
    plan = next(entity for entity in recorded.entities if entity.kind == "usage_plan")
    off = [patch("remove", "/apiStages", f"{api_id}:prod")]
    await call(account, "UpdateUsagePlan", usagePlanId=plan.native_id, patchOperations=off)
    await call(account, "DeleteStage", restApiId=api_id, stageName="prod")
    await answer_otherwise(account, api_id)
    account.board.log.clear()
    with pytest.raises(GatewayRejected, match="gateway response THROTTLED"):
        await account.restore(recorded)
    assert written(account) == []


async def test_an_http_api_that_does_not_deploy_by_itself_is_looked_at_too(account: Account) -> None:
    before = await account.product("WeatherAPI/prod")
    there = {"ApiId": api_id_of(before), "StageName": "prod"}
    await account.admin.call("apigatewayv2", "UpdateStage", {**there, "AutoDeploy": False})
    recorded = await account.live(before)
    await drop_a_route(account, there["ApiId"], "GET /stations")
    await account.admin.call("apigatewayv2", "CreateDeployment", there)
    await drop_a_route(account, there["ApiId"], "GET /forecasts")
    cors = {"AllowOrigins": ["https://half-done.example"]}
    await account.admin.call("apigatewayv2", "UpdateApi", {"ApiId": there["ApiId"], "CorsConfiguration": cors})
    account.board.log.clear()
    with pytest.raises(GatewayRejected, match="GET /forecasts, setting corsConfiguration"):
        await restore_kinds(account, recorded, {"spec", "integrations"})
    assert written(account) == []


async def test_what_lists_tell_and_what_an_export_tells_is_the_same_for_all_that_is_deployed(account: Account) -> None:
    """Else a restore would be refused without reason."""
    products = (await account.gateway.discover(lambda *_: None)).products
    rest = [Where.parse(one.native_id) for one in products if not one.native_id.startswith("v2:")]
    for where in rest:
        here = listed_parts(await listed(account.admin, where))
        assert unlike(here, rest_parts(await exported(account.admin, where))) == []
        assert len(here) > 3
    assert rest


async def test_an_api_with_all_that_can_be_defined_is_the_same_in_both_and_every_edit_of_a_part_is_seen(
    account: Account,
) -> None:
    """Each part is changed by itself; what only the lists or only the export know must make no difference."""
    made = await call(account, "ImportRestApi", body=json.dumps(RICH).encode())
    await call(account, "CreateDeployment", restApiId=made["id"], stageName="prod")
    where = Where("rest", made["id"], "prod")
    served = rest_parts(await exported(account.admin, where))
    assert unlike(listed_parts(await listed(account.admin, where)), served) == []
    seen: dict[str, list[str]] = {}
    for name, changed in changes(RICH).items():
        asked = {"restApiId": made["id"], "mode": "overwrite", "body": json.dumps(changed).encode()}
        await account.admin.call("apigateway", "PutRestApi", asked)
        seen[name] = unlike(listed_parts(await listed(account.admin, where)), served)
    assert seen == {
        "scopes": ["ANY /pets"],
        "key": ["ANY /pets"],
        "iam": ["GET /pets/{id}"],
        "operationId": ["ANY /pets"],
        "parameter": ["ANY /pets"],
        "body": ["ANY /pets"],
        "response model": ["ANY /pets"],
        "response header": ["ANY /pets"],
        "validator": ["ANY /pets"],
        "integration response": ["ANY /pets"],
        "template": ["ANY /pets"],
        "timeout": ["ANY /pets"],
        "authorizer": ["authorizer users"],
        "model": ["model Pet"],
        "gateway response": ["gateway response THROTTLED"],
    }


Place = tuple[str | int, ...]
PETS: Place = ("paths", "/pets", "x-amazon-apigateway-any-method")
LEADS: Place = (*PETS, "x-amazon-apigateway-integration")
PET = {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}
RICH: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "Rich", "version": "1.0"},
    "paths": {
        "/pets": {
            "x-amazon-apigateway-any-method": {
                "operationId": "pets",
                "parameters": [
                    {"name": "page", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": PET},
                "responses": {
                    "200": {"description": "x", "headers": {"ETag": {"schema": {"type": "string"}}}, "content": PET},
                    "404": {"description": "y"},
                },
                "security": [{"users": ["read", "write"]}, {"api_key": []}],
                "x-amazon-apigateway-request-validator": "all",
                "x-amazon-apigateway-integration": {
                    "type": "http",
                    "httpMethod": "POST",
                    "uri": "https://backend.example/pets",
                    "passthroughBehavior": "never",
                    "timeoutInMillis": 5000,
                    "requestTemplates": {"application/json": "{}"},
                    "responses": {
                        "default": {"statusCode": "200", "responseTemplates": {"application/json": ""}},
                        "4\\d{2}": {"statusCode": "404"},
                    },
                },
            }
        },
        "/pets/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "x"}},
                "security": [{"sigv4": []}],
                "x-amazon-apigateway-integration": {"type": "mock"},
            }
        },
    },
    "components": {
        "schemas": {"Pet": {"type": "object", "title": "Pet", "properties": {"name": {"type": "string"}}}},
        "securitySchemes": {
            "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "sigv4": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "awsSigv4",
            },
            "users": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": {
                    "type": "cognito_user_pools",
                    "providerARNs": ["arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Abc"],
                },
            },
        },
    },
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
    "x-amazon-apigateway-gateway-responses": {"THROTTLED": {"statusCode": "429"}},
}
CHANGED: dict[str, tuple[Place, Any]] = {
    "scopes": ((*PETS, "security", 0, "users"), ["read"]),
    "key": ((*PETS, "security"), [{"users": ["read", "write"]}]),
    "iam": (("paths", "/pets/{id}", "get", "security"), []),
    "operationId": ((*PETS, "operationId"), "animals"),
    "parameter": ((*PETS, "parameters", 0, "required"), False),
    "body": ((*PETS, "requestBody"), {}),
    "response model": ((*PETS, "responses", "200", "content"), {}),
    "response header": ((*PETS, "responses", "200", "headers"), {}),
    "validator": (("x-amazon-apigateway-request-validators", "all", "validateRequestBody"), False),
    "integration response": ((*LEADS, "responses", "default", "statusCode"), "201"),
    "template": ((*LEADS, "requestTemplates", "application/json"), "[]"),
    "timeout": ((*LEADS, "timeoutInMillis"), 29000),
    "authorizer": (
        ("components", "securitySchemes", "users", "x-amazon-apigateway-authorizer", "providerARNs", 0),
        "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Other",
    ),
    "model": (("components", "schemas", "Pet", "properties", "name", "type"), "integer"),
    "gateway response": (("x-amazon-apigateway-gateway-responses", "THROTTLED", "statusCode"), "420"),
}  # fmt: skip


def changes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: changed(document, place, value) for name, (place, value) in CHANGED.items()}


def changed(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    copied: dict[str, Any] = copy.deepcopy(document)
    here: Any = copied
    for part in place[:-1]:
        here = here[part]
    here[place[-1]] = value
    return copied


async def drop_a_route(account: Account, api_id: str, key: str) -> None:
    routes = await account.admin.every("apigatewayv2", "GetRoutes", {"ApiId": api_id})
    route = next(route for route in routes if route["RouteKey"] == key)
    await account.admin.call("apigatewayv2", "DeleteRoute", {"ApiId": api_id, "RouteId": route["RouteId"]})
