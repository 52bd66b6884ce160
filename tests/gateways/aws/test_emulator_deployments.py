"""What is edited is not what is served: deployments, exports, imports and re-imports of both kinds of API."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator import http, rest
from aforo.gateways.aws.emulator.region import Region
from aforo.kit.clock import HandClock
from tests.gateways.aws.served_emulator import Account, code, serving

INTEGRATION = "x-amazon-apigateway-integration"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    app = emulator.create(StateFile())
    emulator.seed(app)
    with serving(app) as served:
        yield served


@pytest.fixture(scope="module")
def v1(account: Account) -> Any:
    return account.client("apigateway")


@pytest.fixture(scope="module")
def v2(account: Account) -> Any:
    return account.client("apigatewayv2")


def export(v1: Any, api: str, stage: str = "prod", extensions: str = "apigateway") -> Document:
    answer = v1.get_export(restApiId=api, stageName=stage, exportType="oas30", parameters={"extensions": extensions})
    document: Document = json.loads(answer["body"].read())
    return document


def export_http(v2: Any, api: str, **more: Any) -> Document:
    answer = v2.export_api(ApiId=api, OutputType="JSON", Specification="OAS30", **more)
    document: Document = json.loads(answer["body"].read())
    return document


def settled(document: Document) -> Document:
    """The export without what AWS changes by itself."""
    info = {name: value for name, value in document["info"].items() if name != "version"}
    return {**document, "info": info, "servers": None}


def called(v1: Any, name: str) -> str:
    return str(next(api["id"] for api in v1.get_rest_apis()["items"] if api["name"] == name))


def document(*paths: str, title: str = "Pets", kind: str = "http_proxy") -> Document:
    operation = {
        "responses": {"200": {"description": "ok"}},
        INTEGRATION: {"type": kind, "httpMethod": "GET", "uri": "https://pets.example.com"},
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "1"},
        "paths": {path: {"get": operation} for path in paths},
    }


def imported(v1: Any, *paths: str) -> str:
    api = str(v1.import_rest_api(body=json.dumps(document(*paths)).encode())["id"])
    v1.create_deployment(restApiId=api, stageName="prod")
    return api


def test_an_export_put_back_and_deployed_is_the_same_export(v1: Any) -> None:
    api = called(v1, "TranslationAPI")
    before = export(v1, api)
    v1.put_rest_api(restApiId=api, mode="overwrite", failOnWarnings=True, body=json.dumps(before).encode())
    v1.create_deployment(restApiId=api, stageName="prod")
    after = export(v1, api)
    assert settled(after) == settled(before)
    assert after["info"]["version"] != before["info"]["version"]


def test_an_edit_is_not_live_before_a_deployment(v1: Any) -> None:
    api = imported(v1, "/pets")
    v1.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(document("/dogs")).encode())
    assert list(export(v1, api)["paths"]) == ["/pets"]
    assert {item["path"] for item in v1.get_resources(restApiId=api)["items"]} == {"/", "/dogs"}
    v1.create_deployment(restApiId=api, stageName="prod")
    assert list(export(v1, api)["paths"]) == ["/dogs"]


def test_a_deployment_reaches_the_stage_that_it_names_alone(v1: Any) -> None:
    api = imported(v1, "/pets")
    v1.put_rest_api(restApiId=api, mode="merge", body=json.dumps(document("/dogs")).encode())
    v1.create_deployment(restApiId=api, stageName="dev")
    assert list(export(v1, api, "prod")["paths"]) == ["/pets"]
    assert list(export(v1, api, "dev")["paths"]) == ["/dogs", "/pets"]


def test_a_stage_can_be_moved_back_to_an_older_deployment(v1: Any) -> None:
    api = imported(v1, "/pets")
    old = v1.get_stage(restApiId=api, stageName="prod")["deploymentId"]
    v1.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(document("/dogs")).encode())
    v1.create_deployment(restApiId=api, stageName="prod")
    move = [{"op": "replace", "path": "/deploymentId", "value": old}]
    v1.update_stage(restApiId=api, stageName="prod", patchOperations=move)
    assert list(export(v1, api)["paths"]) == ["/pets"]


def test_an_overwrite_keeps_id_stage_variables_endpoint_and_resource_ids(v1: Any) -> None:
    api = called(v1, "GeocodingAPI")
    before, resources = v1.get_rest_api(restApiId=api), v1.get_resources(restApiId=api, limit=500)["items"]
    stage = v1.get_stage(restApiId=api, stageName="prod")
    v1.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(export(v1, api)).encode())
    after = v1.get_rest_api(restApiId=api)
    for member in ("id", "endpointConfiguration", "rootResourceId", "tags", "createdDate"):
        assert after[member] == before[member]
    assert v1.get_resources(restApiId=api, limit=500)["items"] == resources
    assert v1.get_stage(restApiId=api, stageName="prod")["variables"] == stage["variables"]


def test_a_merge_keeps_what_the_document_does_not_name(v1: Any) -> None:
    api = imported(v1, "/pets")
    v1.put_rest_api(restApiId=api, mode="merge", body=json.dumps(document("/dogs")).encode())
    assert {item["path"] for item in v1.get_resources(restApiId=api)["items"]} == {"/", "/pets", "/dogs"}


def test_warnings_stop_an_import_that_asks_for_it_and_change_nothing(v1: Any) -> None:
    api = imported(v1, "/pets")
    dangling = document("/dogs")
    dangling["paths"]["/dogs"]["get"]["security"] = [{"nobody": []}]
    body = json.dumps(dangling).encode()
    with pytest.raises(ClientError, match="nobody") as raised:
        v1.put_rest_api(restApiId=api, mode="overwrite", failOnWarnings=True, body=body)
    assert code(raised.value) == "BadRequestException"
    assert {item["path"] for item in v1.get_resources(restApiId=api)["items"]} == {"/", "/pets"}
    assert len(v1.put_rest_api(restApiId=api, mode="overwrite", body=body)["warnings"]) == 1


def test_extensions_appear_as_asked(v1: Any) -> None:
    api = called(v1, "PaymentsAPI")
    plain, integrations, authorizers, everything = (
        json.dumps(export(v1, api, extensions=asked)) for asked in ("", "integrations", "authorizers", "apigateway")
    )
    assert [INTEGRATION in text for text in (plain, integrations, authorizers, everything)] == [
        False,
        True,
        False,
        True,
    ]
    assert ["x-amazon-apigateway-authorizer" in text for text in (plain, integrations, authorizers, everything)] == [
        False, False, True, True,
    ]  # fmt: skip
    both = json.dumps(export(v1, api, extensions="integrations,authorizers"))
    assert INTEGRATION in both
    assert "x-amazon-apigateway-authorizer" in both
    assert "x-amazon-apigateway-gateway-responses" not in both
    assert "x-amazon-apigateway-gateway-responses" in everything


def test_yaml_and_json_exports_say_the_same(v1: Any) -> None:
    api = called(v1, "SearchAPI")
    answer = v1.get_export(restApiId=api, stageName="prod", exportType="oas30", accepts="application/yaml")
    assert answer["contentType"] == "application/yaml"
    assert yaml.safe_load(answer["body"].read()) == export(v1, api, extensions="")


def test_resources_show_the_methods_that_the_export_shows(v1: Any) -> None:
    api = called(v1, "InvoicesAPI")
    items = v1.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
    told = {(item["path"], name.lower()) for item in items for name in item.get("resourceMethods", {})}
    exported = {(path, name) for path, item in export(v1, api)["paths"].items() for name in item}
    assert told == exported
    method = next(item for item in items if item["path"] == "/invoices")["resourceMethods"]["POST"]
    assert method["methodIntegration"]["type"] == "HTTP_PROXY"
    assert method["authorizationType"] == "CUSTOM"
    assert method["apiKeyRequired"] is True


def test_a_method_changed_by_hand_shows_after_the_next_deployment(v1: Any) -> None:
    api = imported(v1, "/pets")
    resource = next(item["id"] for item in v1.get_resources(restApiId=api)["items"] if item["path"] == "/pets")
    patch = [{"op": "replace", "path": "/apiKeyRequired", "value": "true"}]
    v1.update_method(restApiId=api, resourceId=resource, httpMethod="GET", patchOperations=patch)
    assert "security" not in export(v1, api)["paths"]["/pets"]["get"]
    v1.create_deployment(restApiId=api, stageName="prod")
    assert export(v1, api)["paths"]["/pets"]["get"]["security"] == [{"api_key": []}]


@pytest.mark.parametrize("without", ["methods", "integrations"])
def test_an_api_that_cannot_run_cannot_be_deployed(v1: Any, without: str) -> None:
    api = v1.create_rest_api(name="Empty")
    if without == "integrations":
        v1.put_method(restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET", authorizationType="NONE")
    with pytest.raises(ClientError, match=r"methods|integration"):
        v1.create_deployment(restApiId=api["id"], stageName="prod")
    assert v1.get_stages(restApiId=api["id"])["item"] == []


def test_swagger_2_is_refused_in_words(v1: Any) -> None:
    with pytest.raises(ClientError, match=r"3\.0"):
        v1.import_rest_api(body=json.dumps({"swagger": "2.0", "info": {"title": "old"}, "paths": {}}).encode())


def test_an_http_export_reimported_is_the_same_export(v2: Any) -> None:
    api = v2.get_apis()["Items"][0]["ApiId"]
    before = export_http(v2, api, StageName="prod")
    v2.reimport_api(ApiId=api, Body=json.dumps(before), FailOnWarnings=True)
    assert settled(export_http(v2, api, StageName="prod")) == settled(before)


def test_an_http_stage_that_deploys_by_itself_serves_an_edit_and_another_does_not(v2: Any) -> None:
    api = v2.import_api(Body=json.dumps(document("/pets")))["ApiId"]
    v2.create_stage(ApiId=api, StageName="auto", AutoDeploy=True)
    v2.create_stage(ApiId=api, StageName="manual")
    v2.create_deployment(ApiId=api, StageName="manual")
    v2.create_route(ApiId=api, RouteKey="DELETE /pets")
    assert "delete" in export_http(v2, api, StageName="auto")["paths"]["/pets"]
    assert "delete" not in export_http(v2, api, StageName="manual")["paths"]["/pets"]
    assert "delete" in export_http(v2, api)["paths"]["/pets"]
    v2.create_deployment(ApiId=api, StageName="manual")
    assert "delete" in export_http(v2, api, StageName="manual")["paths"]["/pets"]


def test_an_http_export_leaves_extensions_out_when_asked(v2: Any) -> None:
    api = v2.get_apis()["Items"][0]["ApiId"]
    assert "x-amazon" not in json.dumps(export_http(v2, api, StageName="prod", IncludeExtensions=False))
    assert "x-amazon" in json.dumps(export_http(v2, api, StageName="prod"))


def test_an_http_stage_without_a_deployment_has_nothing_to_export(v2: Any) -> None:
    api = v2.import_api(Body=json.dumps(document("/pets")))["ApiId"]
    v2.create_stage(ApiId=api, StageName="bare")
    with pytest.raises(ClientError, match="BadRequestException"):
        export_http(v2, api, StageName="bare")


def test_an_integration_in_use_cannot_be_deleted(v2: Any) -> None:
    api = v2.import_api(Body=json.dumps(document("/pets")))["ApiId"]
    integration = v2.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    with pytest.raises(ClientError, match="referenced"):
        v2.delete_integration(ApiId=api, IntegrationId=integration)


names = st.text("abcdefgh", min_size=1, max_size=6)
models = st.dictionaries(names.map(str.capitalize), st.fixed_dictionaries({"type": st.just("object")}), max_size=3)
parts = st.lists(st.one_of(names, names.map(lambda name: f"{{{name}}}")), min_size=1, max_size=3, unique=True)


@st.composite
def operations(draw: st.DrawFn, models: list[str]) -> Document:
    schema = [{"schema": {"$ref": f"#/components/schemas/{name}"}} for name in models] + [{}]
    operation: Document = {
        "parameters": [
            {"name": name, "in": draw(st.sampled_from(["query", "header"])), "required": draw(st.booleans())}
            for name in draw(st.lists(names, max_size=2, unique=True))
        ],
        "responses": {
            status: {"description": "x", "content": {"application/json": draw(st.sampled_from(schema))}}
            for status in draw(st.sets(st.sampled_from(["200", "201", "400", "404"]), min_size=1))
        },
        "security": draw(st.sampled_from([[], [{"api_key": []}], [{"iam": []}], [{"mine": []}, {"api_key": []}]])),
        INTEGRATION: draw(
            st.sampled_from(
                [
                    {"type": "mock", "requestTemplates": {"application/json": '{"statusCode":200}'}},
                    {"type": "http_proxy", "httpMethod": "ANY", "uri": "https://x.example.com/{p}"},
                    {"type": "http", "httpMethod": "GET", "uri": "https://x", "timeoutInMillis": 3000,
                     "responses": {"default": {"statusCode": "200"}, "4\\d\\d": {"statusCode": "404"}}},
                ]
            )
        ),
    }  # fmt: skip
    if draw(st.booleans()):
        operation["operationId"] = draw(names)
    return operation


@st.composite
def documents(draw: st.DrawFn) -> Document:
    found = draw(models)
    methods = st.sampled_from(["get", "post", "delete", "x-amazon-apigateway-any-method"])
    paths = {"/" + "/".join(draw(parts)) for _ in range(draw(st.integers(1, 4)))}
    operation = operations(sorted(found))
    authorizer = {"type": "request", "authorizerUri": "arn:x", "identitySource": "method.request.header.k"}
    return {
        "openapi": "3.0.1",
        "info": {"title": draw(names), "description": draw(names), "version": "1"},
        "paths": {path: draw(st.dictionaries(methods, operation, min_size=1)) for path in sorted(paths)},
        "components": {
            "schemas": found,
            "securitySchemes": {
                "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "iam": {"type": "apiKey", "name": "Authorization", "in": "header",
                        "x-amazon-apigateway-authtype": "awsSigv4"},
                "mine": {"type": "apiKey", "name": "k", "in": "header", "x-amazon-apigateway-authtype": "custom",
                         "x-amazon-apigateway-authorizer": authorizer},
            },
        },
    }  # fmt: skip


def exported(region: Region, api: str) -> Document:
    params = {"restApiId": api, "stageName": "s", "exportType": "oas30", "parameters": {"extensions": "apigateway"}}
    found: Document = json.loads(rest.HANDLERS["GetExport"](region, params)["body"])
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_whatever_is_exported_imports_to_the_same_export(given_document: Document) -> None:
    region = Region("1", "r", HandClock())
    api = rest.HANDLERS["ImportRestApi"](region, {"body": json.dumps(given_document).encode()})["id"]
    rest.HANDLERS["CreateDeployment"](region, {"restApiId": api, "stageName": "s"})
    first = exported(region, api)
    put = {"restApiId": api, "mode": "overwrite", "failOnWarnings": True, "body": json.dumps(first).encode()}
    rest.HANDLERS["PutRestApi"](region, put)
    rest.HANDLERS["CreateDeployment"](region, {"restApiId": api, "stageName": "s"})
    assert exported(region, api) == first
    assert first["paths"].keys() == given_document["paths"].keys()
    assert {(p, m) for p, item in first["paths"].items() for m in item} == {
        (p, m) for p, item in given_document["paths"].items() for m in item
    }


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_whatever_is_exported_from_an_http_api_imports_to_the_same_export(given_document: Document) -> None:
    region = Region("1", "r", HandClock())
    api = http.HANDLERS["ImportApi"](region, {"Body": json.dumps(given_document)})["ApiId"]
    params = {"ApiId": api, "Specification": "OAS30", "OutputType": "JSON"}
    first = http.HANDLERS["ExportApi"](region, params)["body"]
    http.HANDLERS["ReimportApi"](region, {"ApiId": api, "Body": first.decode(), "FailOnWarnings": True})
    assert http.HANDLERS["ExportApi"](region, params)["body"] == first
