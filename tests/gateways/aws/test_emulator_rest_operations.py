"""Every operation on REST APIs that the emulator answers: once with success, once refused, against AWS's model."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.app import HANDLERS
from aforo.gateways.aws.emulator.operations import REST
from tests.gateways.aws.served_emulator import Account, code, serving

NO = "none-such"
INTEGRATION = "x-amazon-apigateway-integration"
DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "version": "1.0.0"},
    "paths": {
        "/pets": {
            "get": {
                "responses": {"200": {"description": "all pets"}},
                INTEGRATION: {"type": "http_proxy", "httpMethod": "GET", "uri": "https://pets.example.com"},
            }
        }
    },
}
TEXT = json.dumps(DOCUMENT)
FUNCTION = (
    "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f/invocations"
)


@dataclass
class Rest:
    """A fresh REST API with one of everything, and the client."""

    c: Any
    api: str
    root: str
    resource: str
    deployment: str
    authorizer: str
    validator: str
    plan: str
    key: str

    @property
    def method(self) -> dict[str, str]:
        return {"restApiId": self.api, "resourceId": self.resource, "httpMethod": "GET"}

    @property
    def no_method(self) -> dict[str, str]:
        return {**self.method, "httpMethod": "PUT"}

    def arn(self, path: str) -> str:
        return f"arn:aws:apigateway:eu-west-1::/{path}"


def rest_with_everything(client: Any) -> Rest:
    made = client.import_rest_api(body=TEXT.encode(), parameters={"endpointConfigurationTypes": "REGIONAL"})
    api = made["id"]
    items = client.get_resources(restApiId=api)["items"]
    resource = next(item["id"] for item in items if item["path"] == "/pets")
    deployment = client.create_deployment(restApiId=api, stageName="prod")["id"]
    authorizer = client.create_authorizer(restApiId=api, name="session", type="TOKEN", authorizerUri=FUNCTION,
                                          identitySource="method.request.header.Authorization")["id"]  # fmt: skip
    validator = client.create_request_validator(restApiId=api, name="body", validateRequestBody=True)["id"]
    client.put_gateway_response(restApiId=api, responseType="THROTTLED", statusCode="429")
    client.create_model(restApiId=api, name="Pet", contentType="application/json", schema="{}")
    plan = client.create_usage_plan(name="gold", quota={"limit": 5, "period": "DAY"})["id"]
    key = client.create_api_key(name="acme", enabled=True)["id"]
    client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return Rest(client, api, made["rootResourceId"], resource, deployment, authorizer, validator, plan, key)


Try = Callable[[Any], Any]


def replacing(path: str, value: str = "x") -> list[dict[str, str]]:
    return [{"op": "replace", "path": path, "value": value}]


REST_CASES: dict[str, tuple[Try, Try, str]] = {
    "CreateRestApi": (lambda r: r.c.create_rest_api(name="Pets", description="d", tags={"a": "b"}),
                      lambda r: r.c.create_rest_api(name=" "), "BadRequestException"),
    "ImportRestApi": (lambda r: r.c.import_rest_api(body=TEXT.encode()),
                      lambda r: r.c.import_rest_api(body=b"{}"), "BadRequestException"),
    "PutRestApi": (lambda r: r.c.put_rest_api(restApiId=r.api, mode="overwrite", body=TEXT.encode()),
                   lambda r: r.c.put_rest_api(restApiId=NO, body=TEXT.encode()), "NotFoundException"),
    "GetRestApis": (lambda r: r.c.get_rest_apis(limit=1),
                    lambda r: r.c.get_rest_apis(position="%%%"), "BadRequestException"),
    "GetRestApi": (lambda r: r.c.get_rest_api(restApiId=r.api),
                   lambda r: r.c.get_rest_api(restApiId=NO), "NotFoundException"),
    "UpdateRestApi": (lambda r: r.c.update_rest_api(restApiId=r.api, patchOperations=replacing("/name")),
                      lambda r: r.c.update_rest_api(restApiId=r.api, patchOperations=replacing("/id")),
                      "BadRequestException"),
    "DeleteRestApi": (lambda r: r.c.delete_rest_api(restApiId=r.api),
                      lambda r: r.c.delete_rest_api(restApiId=NO), "NotFoundException"),
    "CreateResource": (lambda r: r.c.create_resource(restApiId=r.api, parentId=r.resource, pathPart="{id}"),
                       lambda r: r.c.create_resource(restApiId=r.api, parentId=r.root, pathPart="pets"),
                       "ConflictException"),
    "GetResources": (lambda r: r.c.get_resources(restApiId=r.api, embed=["methods"]),
                     lambda r: r.c.get_resources(restApiId=NO), "NotFoundException"),
    "GetResource": (lambda r: r.c.get_resource(restApiId=r.api, resourceId=r.resource),
                    lambda r: r.c.get_resource(restApiId=r.api, resourceId=NO), "NotFoundException"),
    "DeleteResource": (lambda r: r.c.delete_resource(restApiId=r.api, resourceId=r.resource),
                       lambda r: r.c.delete_resource(restApiId=r.api, resourceId=r.root), "BadRequestException"),
    "PutMethod": (lambda r: r.c.put_method(**r.no_method, authorizationType="NONE"),
                  lambda r: r.c.put_method(**r.method, authorizationType="NONE"), "ConflictException"),
    "GetMethod": (lambda r: r.c.get_method(**r.method), lambda r: r.c.get_method(**r.no_method), "NotFoundException"),
    "UpdateMethod": (lambda r: r.c.update_method(**r.method, patchOperations=replacing("/apiKeyRequired", "true")),
                     lambda r: r.c.update_method(**r.method, patchOperations=replacing("/authorizationType", "CUSTOM")),
                     "BadRequestException"),
    "DeleteMethod": (lambda r: r.c.delete_method(**r.method),
                     lambda r: r.c.delete_method(**r.no_method), "NotFoundException"),
    "PutMethodResponse": (lambda r: r.c.put_method_response(**r.method, statusCode="404"),
                          lambda r: r.c.put_method_response(**r.method, statusCode="200"), "ConflictException"),
    "PutIntegration": (lambda r: r.c.put_integration(**r.method, type="MOCK"),
                       lambda r: r.c.put_integration(**r.method, type="HTTP_PROXY"), "BadRequestException"),
    "GetIntegration": (lambda r: r.c.get_integration(**r.method),
                       lambda r: r.c.get_integration(**r.no_method), "NotFoundException"),
    "UpdateIntegration": (lambda r: r.c.update_integration(**r.method, patchOperations=replacing("/uri", "https://x")),
                          lambda r: r.c.update_integration(**r.method, patchOperations=replacing("/type")),
                          "BadRequestException"),
    "DeleteIntegration": (lambda r: r.c.delete_integration(**r.method),
                          lambda r: r.c.delete_integration(**r.no_method), "NotFoundException"),
    "PutIntegrationResponse": (lambda r: r.c.put_integration_response(**r.method, statusCode="200"),
                               lambda r: r.c.put_integration_response(**r.no_method, statusCode="200"),
                               "NotFoundException"),
    "CreateAuthorizer": (lambda r: r.c.create_authorizer(restApiId=r.api, name="b", type="TOKEN", authorizerUri="a"),
                         lambda r: r.c.create_authorizer(restApiId=r.api, name="b", type="TOKEN"),
                         "BadRequestException"),
    "GetAuthorizer": (lambda r: r.c.get_authorizer(restApiId=r.api, authorizerId=r.authorizer),
                      lambda r: r.c.get_authorizer(restApiId=r.api, authorizerId=NO), "NotFoundException"),
    "GetAuthorizers": (lambda r: r.c.get_authorizers(restApiId=r.api),
                       lambda r: r.c.get_authorizers(restApiId=NO), "NotFoundException"),
    "UpdateAuthorizer": (
        lambda r: r.c.update_authorizer(restApiId=r.api, authorizerId=r.authorizer, patchOperations=replacing("/name")),
        lambda r: r.c.update_authorizer(restApiId=r.api, authorizerId=r.authorizer,
                                        patchOperations=replacing("/authorizerResultTtlInSeconds", "soon")),
        "BadRequestException"),
    "DeleteAuthorizer": (lambda r: r.c.delete_authorizer(restApiId=r.api, authorizerId=r.authorizer),
                         lambda r: r.c.delete_authorizer(restApiId=r.api, authorizerId=NO), "NotFoundException"),
    "CreateModel": (lambda r: r.c.create_model(restApiId=r.api, name="Dog", contentType="application/json"),
                    lambda r: r.c.create_model(restApiId=r.api, name="Pet", contentType="application/json"),
                    "ConflictException"),
    "GetModel": (lambda r: r.c.get_model(restApiId=r.api, modelName="Pet"),
                 lambda r: r.c.get_model(restApiId=r.api, modelName=NO), "NotFoundException"),
    "GetModels": (lambda r: r.c.get_models(restApiId=r.api),
                  lambda r: r.c.get_models(restApiId=NO), "NotFoundException"),
    "CreateRequestValidator": (lambda r: r.c.create_request_validator(restApiId=r.api, name="p"),
                               lambda r: r.c.create_request_validator(restApiId=NO, name="p"), "NotFoundException"),
    "GetRequestValidators": (lambda r: r.c.get_request_validators(restApiId=r.api),
                             lambda r: r.c.get_request_validators(restApiId=NO), "NotFoundException"),
    "UpdateRequestValidator": (
        lambda r: r.c.update_request_validator(restApiId=r.api, requestValidatorId=r.validator,
                                               patchOperations=replacing("/validateRequestBody", "false")),
        lambda r: r.c.update_request_validator(restApiId=r.api, requestValidatorId=NO), "NotFoundException"),
    "PutGatewayResponse": (lambda r: r.c.put_gateway_response(restApiId=r.api, responseType="UNAUTHORIZED"),
                           lambda r: r.c.put_gateway_response(restApiId=r.api, responseType="TEAPOT"),
                           "BadRequestException"),
    "GetGatewayResponse": (lambda r: r.c.get_gateway_response(restApiId=r.api, responseType="THROTTLED"),
                           lambda r: r.c.get_gateway_response(restApiId=NO, responseType="THROTTLED"),
                           "NotFoundException"),
    "GetGatewayResponses": (lambda r: r.c.get_gateway_responses(restApiId=r.api),
                            lambda r: r.c.get_gateway_responses(restApiId=NO), "NotFoundException"),
    "DeleteGatewayResponse": (lambda r: r.c.delete_gateway_response(restApiId=r.api, responseType="THROTTLED"),
                              lambda r: r.c.delete_gateway_response(restApiId=r.api, responseType="UNAUTHORIZED"),
                              "NotFoundException"),
    "CreateDeployment": (lambda r: r.c.create_deployment(restApiId=r.api, stageName="dev", variables={"a": "b"}),
                         lambda r: r.c.create_deployment(restApiId=NO), "NotFoundException"),
    "GetDeployment": (lambda r: r.c.get_deployment(restApiId=r.api, deploymentId=r.deployment),
                      lambda r: r.c.get_deployment(restApiId=r.api, deploymentId=NO), "NotFoundException"),
    "GetDeployments": (lambda r: r.c.get_deployments(restApiId=r.api),
                       lambda r: r.c.get_deployments(restApiId=NO), "NotFoundException"),
    "DeleteDeployment": (
        lambda r: r.c.delete_deployment(restApiId=r.api, deploymentId=r.c.create_deployment(restApiId=r.api)["id"]),
        lambda r: r.c.delete_deployment(restApiId=r.api, deploymentId=r.deployment), "BadRequestException"),
    "CreateStage": (lambda r: r.c.create_stage(restApiId=r.api, stageName="dev", deploymentId=r.deployment),
                    lambda r: r.c.create_stage(restApiId=r.api, stageName="prod", deploymentId=r.deployment),
                    "ConflictException"),
    "GetStage": (lambda r: r.c.get_stage(restApiId=r.api, stageName="prod"),
                 lambda r: r.c.get_stage(restApiId=r.api, stageName=NO), "NotFoundException"),
    "GetStages": (lambda r: r.c.get_stages(restApiId=r.api),
                  lambda r: r.c.get_stages(restApiId=NO), "NotFoundException"),
    "UpdateStage": (
        lambda r: r.c.update_stage(restApiId=r.api, stageName="prod",
                                   patchOperations=replacing("/*/*/throttling/rateLimit", "12.5")),
        lambda r: r.c.update_stage(restApiId=r.api, stageName="prod", patchOperations=replacing("/stageName")),
        "BadRequestException"),
    "DeleteStage": (lambda r: r.c.delete_stage(restApiId=r.api, stageName="prod"),
                    lambda r: r.c.delete_stage(restApiId=r.api, stageName=NO), "NotFoundException"),
    "GetExport": (lambda r: r.c.get_export(restApiId=r.api, stageName="prod", exportType="oas30"),
                  lambda r: r.c.get_export(restApiId=r.api, stageName=NO, exportType="oas30"), "NotFoundException"),
    "CreateUsagePlan": (
        lambda r: r.c.create_usage_plan(name="p", apiStages=[{"apiId": r.api, "stage": "prod"}]),
        lambda r: r.c.create_usage_plan(name="p", apiStages=[{"apiId": r.api, "stage": NO}]), "NotFoundException"),
    "GetUsagePlan": (lambda r: r.c.get_usage_plan(usagePlanId=r.plan),
                     lambda r: r.c.get_usage_plan(usagePlanId=NO), "NotFoundException"),
    "GetUsagePlans": (lambda r: r.c.get_usage_plans(keyId=r.key),
                      lambda r: r.c.get_usage_plans(position="%%%"), "BadRequestException"),
    "UpdateUsagePlan": (
        lambda r: r.c.update_usage_plan(usagePlanId=r.plan, patchOperations=replacing("/quota/limit", "9")),
        lambda r: r.c.update_usage_plan(usagePlanId=NO), "NotFoundException"),
    "DeleteUsagePlan": (lambda r: r.c.delete_usage_plan(usagePlanId=r.plan),
                        lambda r: r.c.delete_usage_plan(usagePlanId=NO), "NotFoundException"),
    "CreateUsagePlanKey": (
        lambda r: r.c.create_usage_plan_key(usagePlanId=r.plan, keyId=r.c.create_api_key()["id"], keyType="API_KEY"),
        lambda r: r.c.create_usage_plan_key(usagePlanId=r.plan, keyId=r.key, keyType="API_KEY"), "ConflictException"),
    "GetUsagePlanKey": (lambda r: r.c.get_usage_plan_key(usagePlanId=r.plan, keyId=r.key),
                        lambda r: r.c.get_usage_plan_key(usagePlanId=r.plan, keyId=NO), "NotFoundException"),
    "GetUsagePlanKeys": (lambda r: r.c.get_usage_plan_keys(usagePlanId=r.plan),
                         lambda r: r.c.get_usage_plan_keys(usagePlanId=NO), "NotFoundException"),
    "DeleteUsagePlanKey": (lambda r: r.c.delete_usage_plan_key(usagePlanId=r.plan, keyId=r.key),
                           lambda r: r.c.delete_usage_plan_key(usagePlanId=r.plan, keyId=NO), "NotFoundException"),
    "GetUsage": (lambda r: r.c.get_usage(usagePlanId=r.plan, startDate="2026-11-01", endDate="2026-11-03"),
                 lambda r: r.c.get_usage(usagePlanId=r.plan, startDate="2026-01-01", endDate="2026-11-03"),
                 "BadRequestException"),
    "UpdateUsage": (
        lambda r: r.c.update_usage(usagePlanId=r.plan, keyId=r.key, patchOperations=replacing("/remaining", "3")),
        lambda r: r.c.update_usage(usagePlanId=r.plan, keyId=r.key), "BadRequestException"),
    "CreateApiKey": (lambda r: r.c.create_api_key(name="n"),
                     lambda r: r.c.create_api_key(value="too-short"), "BadRequestException"),
    "GetApiKey": (lambda r: r.c.get_api_key(apiKey=r.key, includeValue=True),
                  lambda r: r.c.get_api_key(apiKey=NO), "NotFoundException"),
    "GetApiKeys": (lambda r: r.c.get_api_keys(includeValues=True, nameQuery="ac"),
                   lambda r: r.c.get_api_keys(limit=0), "BadRequestException"),
    "UpdateApiKey": (lambda r: r.c.update_api_key(apiKey=r.key, patchOperations=replacing("/enabled", "false")),
                     lambda r: r.c.update_api_key(apiKey=r.key, patchOperations=replacing("/enabled", "perhaps")),
                     "BadRequestException"),
    "DeleteApiKey": (lambda r: r.c.delete_api_key(apiKey=r.key),
                     lambda r: r.c.delete_api_key(apiKey=NO), "NotFoundException"),
    "GetAccount": (lambda r: r.c.get_account(), lambda r: r.c.update_account(patchOperations=replacing("/features")),
                   "BadRequestException"),
    "UpdateAccount": (
        lambda r: r.c.update_account(patchOperations=replacing("/cloudwatchRoleArn", "arn:aws:iam::1:role/x")),
        lambda r: r.c.update_account(patchOperations=replacing("/apiKeyVersion")), "BadRequestException"),
    "GetTags": (lambda r: r.c.get_tags(resourceArn=r.arn(f"restapis/{r.api}")),
                lambda r: r.c.get_tags(resourceArn=r.arn(f"restapis/{NO}")), "NotFoundException"),
    "TagResource": (lambda r: r.c.tag_resource(resourceArn=r.arn(f"restapis/{r.api}/stages/prod"), tags={"a": "b"}),
                    lambda r: r.c.tag_resource(resourceArn="arn:aws:s3:::bucket", tags={"a": "b"}),
                    "BadRequestException"),
    "UntagResource": (lambda r: r.c.untag_resource(resourceArn=r.arn(f"usageplans/{r.plan}"), tagKeys=["a"]),
                      lambda r: r.c.untag_resource(resourceArn=r.arn(f"apikeys/{NO}"), tagKeys=["a"]),
                      "NotFoundException"),
}  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving(emulator.create(StateFile())) as served:
        yield served


def test_every_operation_that_we_answer_has_its_two_cases() -> None:
    assert set(REST_CASES) == set(HANDLERS[REST])


@pytest.mark.parametrize("operation", sorted(REST_CASES))
def test_a_rest_operation_succeeds_and_refuses_as_its_model_says(account: Account, operation: str) -> None:
    succeed, refuse, refusal = REST_CASES[operation]
    world = rest_with_everything(account.client("apigateway"))
    with pytest.raises(ClientError) as raised:
        refuse(world)
    assert code(raised.value) == refusal
    succeed(world)
