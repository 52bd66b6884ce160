"""A deployed REST API as an OpenAPI document, as GetExport writes it. Pure.

`extensions` names what to add: `integrations`, `authorizers`, or `apigateway` for all of AWS's extensions.
Source: API Gateway's developer guide on exporting a REST API.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from aforo.gateways.aws.emulator.document import AUTH_TYPE, AUTHORIZER, EXTENSION, INTEGRATION, method_name, server
from aforo.gateways.aws.emulator.region import Record, picked

_PLACES = {"path": "path", "querystring": "query", "header": "header"}
_DEFAULTS = {"timeoutInMillis": 29000, "cacheKeyParameters": [], "connectionType": "INTERNET"}
_INTEGRATION_MEMBERS = (
    "httpMethod", "uri", "credentials", "requestParameters", "requestTemplates", "timeoutInMillis",
    "cacheKeyParameters", "connectionType", "connectionId", "tlsConfig", "contentHandling",
)  # fmt: skip


def render(deployed: Record, api_id: str, region: str, stage: str, moment: int, extensions: Collection[str]) -> Record:
    """The document; its version is the deployment's moment, which is why nobody should compare it."""
    about = deployed["about"]
    everything = "apigateway" in extensions
    document: Record = {
        "openapi": "3.0.1",
        "info": {
            "title": about["name"],
            **picked(about, ["description"]),
            "version": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "servers": server(api_id, region, f"/{stage}"),
        "paths": _paths(deployed, with_integrations=everything or "integrations" in extensions, everything=everything),
        "components": _components(deployed, with_authorizers=everything or "authorizers" in extensions),
    }
    if everything:
        document.update(_extensions(deployed))
    return document


def _paths(deployed: Record, *, with_integrations: bool, everything: bool) -> Record:
    paths: Record = {}
    for resource in sorted(deployed["resources"].values(), key=lambda resource: str(resource["path"])):
        for name, method in sorted(resource["methods"].items()):
            operation = _operation(deployed, method)
            if with_integrations and "methodIntegration" in method:
                operation[INTEGRATION] = _integration(method["methodIntegration"])
            if everything and "requestValidatorId" in method:
                validator = deployed["validators"].get(method["requestValidatorId"], {})
                operation.update({EXTENSION + "request-validator": validator.get("name")})
            paths.setdefault(resource["path"], {})[method_name(name)] = operation
    return paths


def _operation(deployed: Record, method: Record) -> Record:
    operation: Record = {}
    if "operationName" in method:
        operation["operationId"] = method["operationName"]
    parameters = [_parameter(name, required) for name, required in sorted(method.get("requestParameters", {}).items())]
    if parameters:
        operation["parameters"] = parameters
    if method.get("requestModels"):
        operation["requestBody"] = {"content": _content(method["requestModels"]), "required": True}
    operation["responses"] = {code: _response(code, given) for code, given in method.get("methodResponses", {}).items()}
    security = _security(deployed, method)
    if security:
        operation["security"] = security
    return operation


def _parameter(spelled: str, required: bool) -> Record:
    _, _, place, name = spelled.split(".", 3)
    parameter: Record = {"name": name, "in": _PLACES[place], "schema": {"type": "string"}}
    return {**parameter, "required": True} if required or place == "path" else parameter


def _content(models: dict[str, str]) -> Record:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}} for kind, name in sorted(models.items())}


def _response(code: str, given: Record) -> Record:
    named = [name.rpartition("header.")[2] for name in given.get("responseParameters", {})]
    headers = {name: {"schema": {"type": "string"}} for name in named}
    response: Record = {"description": f"{code} response"}
    if headers:
        response["headers"] = dict(sorted(headers.items()))
    response["content"] = _content(given.get("responseModels", {}))
    return response


def _security(deployed: Record, method: Record) -> list[Record]:
    security: list[Record] = []
    authorizer = deployed["authorizers"].get(method.get("authorizerId", ""))
    if authorizer is not None:
        security.append({authorizer["name"]: method.get("authorizationScopes", [])})
    if method["authorizationType"] == "AWS_IAM":
        security.append({"sigv4": []})
    if method["apiKeyRequired"]:
        security.append({"api_key": []})
    return security


def _integration(given: Record) -> Record:
    kept = picked(given, _INTEGRATION_MEMBERS)
    told = {name: value for name, value in kept.items() if value != _DEFAULTS.get(name)}
    responses = {
        response.get("selectionPattern", "default"): picked(
            response, ("statusCode", "responseParameters", "responseTemplates", "contentHandling")
        )
        for response in given.get("integrationResponses", {}).values()
    }
    told["passthroughBehavior"] = given["passthroughBehavior"].lower()
    told["type"] = given["type"].lower()
    return {**told, **({"responses": responses} if responses else {})}


def _components(deployed: Record, *, with_authorizers: bool) -> Record:
    methods = [method for resource in deployed["resources"].values() for method in resource["methods"].values()]
    schemes = {a["name"]: _scheme(a, with_authorizers=with_authorizers) for a in deployed["authorizers"].values()}
    if any(method["apiKeyRequired"] for method in methods):
        schemes["api_key"] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
    if any(method["authorizationType"] == "AWS_IAM" for method in methods):
        schemes["sigv4"] = {"type": "apiKey", "name": "Authorization", "in": "header", AUTH_TYPE: "awsSigv4"}
    schemas = {name: json.loads(model["schema"]) for name, model in sorted(deployed["models"].items())}
    found: Record = {}
    if schemas:
        found["schemas"] = schemas
    if schemes:
        found["securitySchemes"] = dict(sorted(schemes.items()))
    return found


def _scheme(authorizer: Record, *, with_authorizers: bool) -> Record:
    source = str(authorizer.get("identitySource", "")).split(",", maxsplit=1)[0]
    name = source.rpartition(".")[2] or "Unused"
    scheme: Record = {"type": "apiKey", "name": name, "in": "header", AUTH_TYPE: authorizer.get("authType", "custom")}
    if with_authorizers:
        members = (
            "authorizerUri", "authorizerCredentials", "authorizerResultTtlInSeconds", "identityValidationExpression",
            "providerARNs",
        )  # fmt: skip
        scheme[AUTHORIZER] = {**picked(authorizer, members), "type": authorizer["type"].lower()}
        if authorizer["type"] == "REQUEST":
            scheme[AUTHORIZER].update(picked(authorizer, ["identitySource"]))
    return scheme


def _extensions(deployed: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if deployed["responses"]:
        found[EXTENSION + "gateway-responses"] = {
            kind: picked(response, ("statusCode", "responseParameters", "responseTemplates"))
            for kind, response in sorted(deployed["responses"].items())
        }
    if deployed["validators"]:
        found[EXTENSION + "request-validators"] = {
            validator["name"]: picked(validator, ("validateRequestBody", "validateRequestParameters"))
            for validator in deployed["validators"].values()
        }
    return {**found, **_settings(deployed["about"])}


def _settings(about: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if about.get("apiKeySource", "HEADER") != "HEADER":
        found[EXTENSION + "api-key-source"] = about["apiKeySource"]
    if about.get("binaryMediaTypes"):
        found[EXTENSION + "binary-media-types"] = about["binaryMediaTypes"]
    if about.get("minimumCompressionSize") is not None:
        found[EXTENSION + "minimum-compression-size"] = about["minimumCompressionSize"]
    if about.get("policy"):
        found[EXTENSION + "policy"] = json.loads(about["policy"])
    return found
