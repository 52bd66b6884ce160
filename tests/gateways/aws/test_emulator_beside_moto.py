"""Why we answer by ourselves: plain moto, asked the same, still answers otherwise than AWS.

When one of these fails, moto has learnt something, and our own answer may be asked whether it is still needed.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.gateways.aws.served_emulator import BOTO

DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "version": "1", "description": "moto needs one"},
    "paths": {
        "/pets": {
            "get": {
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "HTTP_PROXY",
                    "httpMethod": "GET",
                    "uri": "https://pets.example.com",
                },
            }
        }
    },
}


@pytest.fixture(autouse=True)
def moto() -> Iterator[None]:
    with mock_aws():
        yield


def client(service: str) -> Any:
    make: Any = BOTO.client
    return make(service, "eu-west-1")


def test_moto_lets_anybody_assume_any_role() -> None:
    never = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    role = client("iam").create_role(RoleName="shut", AssumeRolePolicyDocument=json.dumps({"Statement": [never]}))
    assert client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="me")["Credentials"]


def test_moto_takes_any_key() -> None:
    make: Any = BOTO.client
    assert make("sts", "eu-west-1", None, True, None, None, "AKIANOBODY", "wrong").get_caller_identity()["Account"]


def test_moto_exports_no_openapi_3() -> None:
    v1 = client("apigateway")
    api = v1.import_rest_api(body=json.dumps(DOCUMENT).encode())["id"]
    v1.create_deployment(restApiId=api, stageName="prod")
    told = json.loads(v1.get_export(restApiId=api, stageName="prod", exportType="oas30")["body"].read())
    assert "openapi" not in told


def test_moto_attaches_a_stage_that_is_not_there_and_deletes_a_plan_with_stages() -> None:
    v1 = client("apigateway")
    api = v1.create_rest_api(name="Pets")["id"]
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api, "stage": "none"}])["id"]
    v1.delete_usage_plan(usagePlanId=plan)
    assert v1.get_usage_plans()["items"] == []


def test_moto_cannot_find_the_tags_of_a_rest_api() -> None:
    v1 = client("apigateway")
    api = v1.create_rest_api(name="Pets", tags={"team": "pets"})["id"]
    with pytest.raises(ClientError, match="NotFoundException"):
        v1.get_tags(resourceArn=f"arn:aws:apigateway:eu-west-1::/restapis/{api}")


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("apigateway", "update_method", {"restApiId": "a", "resourceId": "b", "httpMethod": "GET"}),
        ("apigateway", "get_usage", {"usagePlanId": "a", "startDate": "2026-11-01", "endDate": "2026-11-02"}),
        ("apigatewayv2", "export_api", {"ApiId": "a", "OutputType": "JSON", "Specification": "OAS30"}),
        ("apigatewayv2", "import_api", {"Body": json.dumps(DOCUMENT)}),
        ("apigatewayv2", "update_stage", {"ApiId": "a", "StageName": "prod"}),
        ("apigatewayv2", "create_deployment", {"ApiId": "a"}),
    ],
)
def test_moto_lacks_an_operation(service: str, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises((ClientError, NotImplementedError), match=r"not been implemented|Not yet implemented"):
        getattr(client(service), operation)(**params)
