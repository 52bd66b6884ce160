"""A realistic account: REST and HTTP APIs of a small software house, with stages, usage plans, keys and two roles."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from aforo.gateways.aws.emulator.app import HANDLERS, AwsEmulator
from aforo.gateways.aws.emulator.document import AUTH_TYPE, AUTHORIZER, EXTENSION, INTEGRATION
from aforo.gateways.aws.emulator.identity import AFORO_ARN
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT, journal_entry
from aforo.gateways.aws.emulator.operations import HTTP, REST
from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import Call
from aforo.kit.clock import HandClock

ROLE_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/AforoAccess"
EXTERNAL_ID = "7a9f0c52-6d3e-4c1b-9a58-3f2b6e1d4c70"
FUNCTION_ROLE_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/aforo-functions"
"""By which Lambda may run functions."""
OPEN_ROLE_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/AforoAccessOpen"
"""A role whose trust policy forgot the ExternalId: a connection test must refuse it."""


@dataclass(frozen=True, slots=True)
class Api:
    title: str
    version: str
    summary: str
    nouns: tuple[str, ...]
    kind: str = REST
    stages: tuple[str, ...] = ("prod",)


_APIS = (
    Api("TranslationAPI", "2.1.0", "Translate text between 34 languages", ("translations", "languages"),
        stages=("prod", "dev")),
    Api("GeocodingAPI", "1.4.2", "Addresses to coordinates and back", ("addresses", "places")),
    Api("PaymentsAPI", "3.0.0", "Charges, refunds and payouts", ("charges", "refunds", "payouts"),
        stages=("prod", "dev")),
    Api("WeatherAPI", "1.0.0", "Forecasts and history by place", ("forecasts", "stations"), HTTP),
    Api("InvoicesAPI", "2.0.1", "Create, send and reconcile invoices", ("invoices", "customers")),
    Api("ImageResizeAPI", "1.2.0", "Resize and convert pictures", ("images",), HTTP),
    Api("FraudScoreAPI", "4.1.0", "A risk score for each order", ("scores", "rules")),
    Api("NotificationsAPI", "1.7.0", "E-mail, text messages and push", ("messages", "templates"), HTTP),
    Api("SearchAPI", "2.3.0", "Full-text search over catalogues", ("queries", "indexes")),
    Api("ShippingRatesAPI", "1.1.0", "Prices and delivery times of 40 carriers", ("quotes", "carriers")),
)  # fmt: skip
"""Twelve stages in all: two of the APIs have two."""

_PLANS = (("bronze", 1_000, 5.0, 10), ("silver", 50_000, 25.0, 50), ("gold", 1_000_000, 100.0, 200))


def sow(emulator: AwsEmulator, region_name: str, size: int) -> None:
    """Add `size` API stages, three usage plans over the REST ones, six keys, and both roles."""
    region = replace(emulator.region(CUSTOMER_ACCOUNT, region_name), clock=HandClock())
    stages: list[Record] = []
    left = size
    for api in _apis():
        if left <= 0:
            break
        stages += _build(region, api, api.stages[:left])
        left -= len(api.stages[:left])
    _sell(region, stages)
    role = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/apigateway-logs"
    _do(region, REST, "UpdateAccount", patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    emulator.data["journal"].extend(_roles(region_name))


def _apis() -> Iterator[Api]:
    """The ten above, then the same ones under numbered names without end."""
    yield from _APIS
    number = 2
    while True:
        for api in _APIS:
            title = f"{api.title.removesuffix('API')}{number}API"
            yield Api(title, api.version, api.summary, api.nouns, api.kind, api.stages)
        number += 1


def _build(region: Region, api: Api, stages: tuple[str, ...]) -> list[Record]:
    """One API, deployed to its stages; answers the stages that a usage plan can hold."""
    document = (_rest_document if api.kind == REST else _http_document)(region.name, api)
    body = json.dumps(document).encode()
    if api.kind == HTTP:
        made = _do(region, HTTP, "ImportApi", Body=body.decode())
        _do(region, HTTP, "TagResource", ResourceArn=_arn(region, f"apis/{made['ApiId']}"), Tags={"team": api.nouns[0]})
        for stage in stages:
            _do(region, HTTP, "CreateStage", ApiId=made["ApiId"], StageName=stage, AutoDeploy=True)
        return []
    made = _do(region, REST, "ImportRestApi", body=body, parameters={"endpointConfigurationTypes": "REGIONAL"})
    _do(region, REST, "TagResource", resourceArn=_arn(region, f"restapis/{made['id']}"), tags={"team": api.nouns[0]})
    for stage in stages:
        variables = {"backend": f"{stage}.internal.example.com"}
        words = f"{api.version} to {stage}"
        _do(region, REST, "CreateDeployment", restApiId=made["id"], stageName=stage, description=words,
            variables=variables)  # fmt: skip
    return [{"apiId": made["id"], "stage": stage} for stage in stages]


def _sell(region: Region, stages: list[Record]) -> None:
    for number, (name, limit, rate, burst) in enumerate(_PLANS):
        attached = [dict(stage) for place, stage in enumerate(stages) if place % len(_PLANS) == number]
        plan = _do(region, REST, "CreateUsagePlan", name=name, description=f"{limit:,} calls a month",
                   quota={"limit": limit, "period": "MONTH", "offset": 0},
                   throttle={"rateLimit": rate, "burstLimit": burst}, apiStages=attached)  # fmt: skip
        for customer in ("acme", "globex"):
            key = _do(region, REST, "CreateApiKey", name=f"{customer}-{name}", enabled=True)
            _do(region, REST, "CreateUsagePlanKey", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")


def _do(region: Region, api: str, operation: str, **params: Any) -> Record:
    return HANDLERS[api][operation](region, params)


def _arn(region: Region, path: str) -> str:
    return f"arn:aws:apigateway:{region.name}::/{path}"


def _rest_document(region: str, api: Api) -> Record:
    paths: Record = {}
    for noun in api.nouns:
        uri = f"https://${{stageVariables.backend}}/{noun}"
        model = noun.capitalize().removesuffix("s")
        paths[f"/{noun}"] = {
            "get": _operation(f"list{noun.capitalize()}", [_query("limit"), _query("after")], model, uri, "GET"),
            "post": {
                **_operation(f"create{model}", [], model, uri, "POST"),
                "requestBody": {"content": _content(model), "required": True},
                EXTENSION + "request-validator": "body",
            },
        }
        paths[f"/{noun}/{{id}}"] = {"get": _operation(f"get{model}", [_in_path("id")], model, uri + "/{id}", "GET")}
    return {
        "openapi": "3.0.1",
        "info": {"title": api.title, "description": api.summary, "version": api.version},
        "paths": paths,
        "components": {
            "schemas": {noun.capitalize().removesuffix("s"): _schema(noun) for noun in api.nouns},
            "securitySchemes": {
                "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "session": _authorizer(region),
            },
        },
        EXTENSION + "request-validators": {"body": {"validateRequestBody": True, "validateRequestParameters": False}},
        EXTENSION + "gateway-responses": {
            "QUOTA_EXCEEDED": {"statusCode": "429", "responseTemplates": {"application/json": '{"error":"quota"}'}}
        },
    }


def _operation(name: str, parameters: list[Record], model: str, uri: str, method: str) -> Record:
    in_path = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
    named = {f"integration.request.path.{given}": f"method.request.path.{given}" for given in in_path}
    return {
        "operationId": name,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Success", "content": _content(model)},
            "404": {"description": "Not found"},
        },
        "security": [{"api_key": []}] if method == "GET" else [{"session": [], "api_key": []}],
        INTEGRATION: {
            "type": "http_proxy",
            "httpMethod": method,
            "uri": uri,
            "passthroughBehavior": "when_no_match",
            **({"requestParameters": named} if named else {}),
            "responses": {"default": {"statusCode": "200"}},
        },
    }


def _authorizer(region: str) -> Record:
    function = f"arn:aws:lambda:{region}:{CUSTOMER_ACCOUNT}:function:session-check"
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
    inner = {"type": "token", "authorizerUri": uri, "authorizerResultTtlInSeconds": 300}
    return {"type": "apiKey", "name": "Authorization", "in": "header", AUTH_TYPE: "custom", AUTHORIZER: inner}


def _http_document(region: str, api: Api) -> Record:
    paths: Record = {}
    for noun in api.nouns:
        for method, path in (("get", f"/{noun}"), ("post", f"/{noun}"), ("get", f"/{noun}/{{id}}")):
            function = f"arn:aws:lambda:{region}:{CUSTOMER_ACCOUNT}:function:{noun}-{method}"
            integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": function, "payloadFormatVersion": "2.0"}
            operation = {"responses": {"default": {"description": "Success"}}, INTEGRATION: integration}
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.0.1",
        "info": {"title": api.title, "description": api.summary, "version": api.version},
        "paths": paths,
        EXTENSION + "cors": {
            "allowOrigins": ["https://www.example.com"],
            "allowMethods": ["GET", "POST"],
            "maxAge": 600,
        },
    }


def _query(name: str) -> Record:
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def _in_path(name: str) -> Record:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _content(model: str) -> Record:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}


def _schema(noun: str) -> Record:
    properties = {"id": {"type": "string"}, "createdAt": {"type": "string"}, "units": {"type": "integer"}}
    return {"type": "object", "title": noun, "required": ["id"], "properties": properties}


def _roles(region: str) -> Iterator[Record]:
    """Both roles as calls for moto to replay: made by the account's owner, so they may do all in API Gateway."""
    allow: Record = {"Effect": "Allow", "Principal": {"AWS": AFORO_ARN}, "Action": "sts:AssumeRole"}
    guarded = {**allow, "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}
    rights = _policy({"Effect": "Allow", "Action": ["apigateway:*", "tag:GetResources"], "Resource": "*"})
    for arn, statement in ((ROLE_ARN, guarded), (OPEN_ROLE_ARN, allow)):
        name = arn.rpartition("/")[2]
        yield _iam(region, "CreateRole", RoleName=name, AssumeRolePolicyDocument=_policy(statement))
        yield _iam(region, "PutRolePolicy", RoleName=name, PolicyName="gateway", PolicyDocument=rights)
    runs: Record = {**allow, "Principal": {"Service": "lambda.amazonaws.com"}}
    name = FUNCTION_ROLE_ARN.rpartition("/")[2]
    yield _iam(region, "CreateRole", RoleName=name, AssumeRolePolicyDocument=_policy(runs))


def _policy(statement: Record) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _iam(region: str, action: str, **params: str) -> Record:
    body = urlencode({"Action": action, "Version": "2010-05-08", **params}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return journal_entry(Call("POST", "/", "", headers, body), region, "iam")
