"""Every operation on HTTP APIs that the emulator answers: once with success, once refused, against AWS's model."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.app import HANDLERS
from aforo.gateways.aws.emulator.operations import HTTP
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
Try = Callable[[Any], Any]


@dataclass
class Http:
    """A fresh HTTP API with one of everything, and the client."""

    c: Any
    api: str
    route: str
    integration: str
    authorizer: str
    deployment: str

    @property
    def arn(self) -> str:
        return f"arn:aws:apigateway:eu-west-1::/apis/{self.api}"


def http_with_everything(client: Any) -> Http:
    api = client.import_api(Body=TEXT)["ApiId"]
    client.create_stage(ApiId=api, StageName="prod")
    deployment = client.create_deployment(ApiId=api, StageName="prod")["DeploymentId"]
    route = client.get_routes(ApiId=api)["Items"][0]["RouteId"]
    integration = client.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    authorizer = client.create_authorizer(
        ApiId=api, Name="a", AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": "https://id.example.com", "Audience": ["pets"]},
    )["AuthorizerId"]  # fmt: skip
    return Http(client, api, route, integration, authorizer, deployment)


HTTP_CASES: dict[str, tuple[Try, Try, str]] = {
    "CreateApi": (lambda h: h.c.create_api(Name="x", ProtocolType="HTTP", CorsConfiguration={"MaxAge": 5}),
                  lambda h: h.c.create_api(Name="x", ProtocolType="WEBSOCKET"), "BadRequestException"),
    "ImportApi": (lambda h: h.c.import_api(Body=TEXT), lambda h: h.c.import_api(Body="no: api"), "BadRequestException"),
    "ReimportApi": (lambda h: h.c.reimport_api(ApiId=h.api, Body=TEXT),
                    lambda h: h.c.reimport_api(ApiId=NO, Body=TEXT), "NotFoundException"),
    "ExportApi": (lambda h: h.c.export_api(ApiId=h.api, OutputType="JSON", Specification="OAS30", StageName="prod"),
                  lambda h: h.c.export_api(ApiId=h.api, OutputType="XML", Specification="OAS30"),
                  "BadRequestException"),
    "GetApis": (lambda h: h.c.get_apis(MaxResults="1"),
                lambda h: h.c.get_apis(NextToken="%%%"), "BadRequestException"),
    "GetApi": (lambda h: h.c.get_api(ApiId=h.api), lambda h: h.c.get_api(ApiId=NO), "NotFoundException"),
    "UpdateApi": (lambda h: h.c.update_api(ApiId=h.api, Description="d"),
                  lambda h: h.c.update_api(ApiId=NO, Description="d"), "NotFoundException"),
    "DeleteApi": (lambda h: h.c.delete_api(ApiId=h.api), lambda h: h.c.delete_api(ApiId=NO), "NotFoundException"),
    "DeleteCorsConfiguration": (lambda h: h.c.delete_cors_configuration(ApiId=h.api),
                                lambda h: h.c.delete_cors_configuration(ApiId=NO), "NotFoundException"),
    "CreateRoute": (lambda h: h.c.create_route(ApiId=h.api, RouteKey="$default"),
                    lambda h: h.c.create_route(ApiId=h.api, RouteKey="GET /pets"), "ConflictException"),
    "GetRoute": (lambda h: h.c.get_route(ApiId=h.api, RouteId=h.route),
                 lambda h: h.c.get_route(ApiId=h.api, RouteId=NO), "NotFoundException"),
    "GetRoutes": (lambda h: h.c.get_routes(ApiId=h.api), lambda h: h.c.get_routes(ApiId=NO), "NotFoundException"),
    "UpdateRoute": (
        lambda h: h.c.update_route(ApiId=h.api, RouteId=h.route, AuthorizationType="JWT", AuthorizerId=h.authorizer),
        lambda h: h.c.update_route(ApiId=h.api, RouteId=h.route, AuthorizationType="CUSTOM"), "BadRequestException"),
    "DeleteRoute": (lambda h: h.c.delete_route(ApiId=h.api, RouteId=h.route),
                    lambda h: h.c.delete_route(ApiId=h.api, RouteId=NO), "NotFoundException"),
    "CreateIntegration": (
        lambda h: h.c.create_integration(ApiId=h.api, IntegrationType="HTTP_PROXY", IntegrationUri="https://x",
                                         IntegrationMethod="GET"),
        lambda h: h.c.create_integration(ApiId=h.api, IntegrationType="HTTP_PROXY"), "BadRequestException"),
    "GetIntegration": (lambda h: h.c.get_integration(ApiId=h.api, IntegrationId=h.integration),
                       lambda h: h.c.get_integration(ApiId=h.api, IntegrationId=NO), "NotFoundException"),
    "GetIntegrations": (lambda h: h.c.get_integrations(ApiId=h.api),
                        lambda h: h.c.get_integrations(ApiId=NO), "NotFoundException"),
    "UpdateIntegration": (
        lambda h: h.c.update_integration(ApiId=h.api, IntegrationId=h.integration, TimeoutInMillis=500),
        lambda h: h.c.update_integration(ApiId=h.api, IntegrationId=NO), "NotFoundException"),
    "DeleteIntegration": (
        lambda h: h.c.delete_integration(ApiId=h.api, IntegrationId=h.c.create_integration(
            ApiId=h.api, IntegrationType="AWS_PROXY", IntegrationUri="arn:aws:lambda:x")["IntegrationId"]),
        lambda h: h.c.delete_integration(ApiId=h.api, IntegrationId=NO), "NotFoundException"),
    "CreateAuthorizer": (
        lambda h: h.c.create_authorizer(ApiId=h.api, Name="b", AuthorizerType="REQUEST", AuthorizerUri="arn:x",
                                        IdentitySource=["$request.header.x-api-key"]),
        lambda h: h.c.create_authorizer(ApiId=h.api, Name="b", AuthorizerType="REQUEST", IdentitySource=[]),
        "BadRequestException"),
    "GetAuthorizer": (lambda h: h.c.get_authorizer(ApiId=h.api, AuthorizerId=h.authorizer),
                      lambda h: h.c.get_authorizer(ApiId=h.api, AuthorizerId=NO), "NotFoundException"),
    "GetAuthorizers": (lambda h: h.c.get_authorizers(ApiId=h.api),
                       lambda h: h.c.get_authorizers(ApiId=NO), "NotFoundException"),
    "UpdateAuthorizer": (lambda h: h.c.update_authorizer(ApiId=h.api, AuthorizerId=h.authorizer, Name="c"),
                         lambda h: h.c.update_authorizer(ApiId=h.api, AuthorizerId=NO), "NotFoundException"),
    "DeleteAuthorizer": (lambda h: h.c.delete_authorizer(ApiId=h.api, AuthorizerId=h.authorizer),
                         lambda h: h.c.delete_authorizer(ApiId=h.api, AuthorizerId=NO), "NotFoundException"),
    "CreateDeployment": (lambda h: h.c.create_deployment(ApiId=h.api, Description="d"),
                         lambda h: h.c.create_deployment(ApiId=h.api, StageName=NO), "NotFoundException"),
    "GetDeployment": (lambda h: h.c.get_deployment(ApiId=h.api, DeploymentId=h.deployment),
                      lambda h: h.c.get_deployment(ApiId=h.api, DeploymentId=NO), "NotFoundException"),
    "GetDeployments": (lambda h: h.c.get_deployments(ApiId=h.api),
                       lambda h: h.c.get_deployments(ApiId=NO), "NotFoundException"),
    "DeleteDeployment": (
        lambda h: h.c.delete_deployment(ApiId=h.api, DeploymentId=h.c.create_deployment(ApiId=h.api)["DeploymentId"]),
        lambda h: h.c.delete_deployment(ApiId=h.api, DeploymentId=h.deployment), "BadRequestException"),
    "CreateStage": (lambda h: h.c.create_stage(ApiId=h.api, StageName="$default", AutoDeploy=True),
                    lambda h: h.c.create_stage(ApiId=h.api, StageName="prod"), "ConflictException"),
    "GetStage": (lambda h: h.c.get_stage(ApiId=h.api, StageName="prod"),
                 lambda h: h.c.get_stage(ApiId=h.api, StageName=NO), "NotFoundException"),
    "GetStages": (lambda h: h.c.get_stages(ApiId=h.api), lambda h: h.c.get_stages(ApiId=NO), "NotFoundException"),
    "UpdateStage": (
        lambda h: h.c.update_stage(ApiId=h.api, StageName="prod", DefaultRouteSettings={"ThrottlingBurstLimit": 5}),
        lambda h: h.c.update_stage(ApiId=h.api, StageName="prod", DeploymentId=NO), "NotFoundException"),
    "DeleteStage": (lambda h: h.c.delete_stage(ApiId=h.api, StageName="prod"),
                    lambda h: h.c.delete_stage(ApiId=h.api, StageName=NO), "NotFoundException"),
    "DeleteAccessLogSettings": (lambda h: h.c.delete_access_log_settings(ApiId=h.api, StageName="prod"),
                                lambda h: h.c.delete_access_log_settings(ApiId=h.api, StageName=NO),
                                "NotFoundException"),
    "GetTags": (lambda h: h.c.get_tags(ResourceArn=h.arn),
                lambda h: h.c.get_tags(ResourceArn=h.arn + NO), "NotFoundException"),
    "TagResource": (lambda h: h.c.tag_resource(ResourceArn=h.arn, Tags={"a": "b"}),
                    lambda h: h.c.tag_resource(ResourceArn="arn:aws:s3:::bucket", Tags={}), "BadRequestException"),
    "UntagResource": (lambda h: h.c.untag_resource(ResourceArn=h.arn + "/stages/prod", TagKeys=["a"]),
                      lambda h: h.c.untag_resource(ResourceArn=h.arn + "/stages/x", TagKeys=["a"]),
                      "NotFoundException"),
}  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving(emulator.create(StateFile())) as served:
        yield served


def test_every_operation_that_we_answer_has_its_two_cases() -> None:
    assert set(HTTP_CASES) == set(HANDLERS[HTTP])


@pytest.mark.parametrize("operation", sorted(HTTP_CASES))
def test_an_http_operation_succeeds_and_refuses_as_its_model_says(account: Account, operation: str) -> None:
    succeed, refuse, refusal = HTTP_CASES[operation]
    world = http_with_everything(account.client("apigatewayv2"))
    with pytest.raises(ClientError) as raised:
        refuse(world)
    assert code(raised.value) == refusal
    succeed(world)
