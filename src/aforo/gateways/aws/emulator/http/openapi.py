"""OpenAPI into an HTTP API's definition and back. HTTP APIs keep routes, integrations, authorizers and CORS only.

Lost on import, as at AWS: schemas, parameters other than those in the path, response descriptions, API keys.
Source: API Gateway's developer guide on OpenAPI definitions for HTTP APIs.
"""

from datetime import UTC, datetime
from typing import Any

from aforo.gateways.aws.emulator.document import (
    AUTHORIZER,
    EXTENSION,
    INTEGRATION,
    method_name,
    operations,
    path_parameters,
    schemes,
    server,
)
from aforo.gateways.aws.emulator.region import Record, Region, picked

_INTEGRATION = {
    "type": "IntegrationType", "httpMethod": "IntegrationMethod", "uri": "IntegrationUri",
    "payloadFormatVersion": "PayloadFormatVersion", "connectionType": "ConnectionType", "connectionId": "ConnectionId",
    "credentials": "CredentialsArn", "timeoutInMillis": "TimeoutInMillis", "requestParameters": "RequestParameters",
    "integrationSubtype": "IntegrationSubtype", "tlsConfig": "TlsConfig", "description": "Description",
}  # fmt: skip
_CORS = {
    "allowOrigins": "AllowOrigins", "allowMethods": "AllowMethods", "allowHeaders": "AllowHeaders",
    "exposeHeaders": "ExposeHeaders", "maxAge": "MaxAge", "allowCredentials": "AllowCredentials",
}  # fmt: skip
_PLAIN = ("AuthorizerUri", "AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds", "EnableSimpleResponses")


def take_in(region: Region, api: Record, document: Record) -> list[str]:
    """Bring the document into an API without routes; returns the warnings."""
    about, info = api["about"], document["info"]
    about["Name"] = info["title"]
    for member, given in (("Description", "description"), ("Version", "version")):
        about.pop(member, None)
        if info.get(given):
            about[member] = str(info[given])
    about.pop("CorsConfiguration", None)
    if EXTENSION + "cors" in document:
        about["CorsConfiguration"] = {_CORS[k]: v for k, v in document[EXTENSION + "cors"].items() if k in _CORS}
    _authorizers(region, api, document)
    warnings = []
    for path, method, operation in operations(document):
        if INTEGRATION not in operation:
            warnings.append(f"Unable to create integration for route '{method} {path}'. Ignoring.")
        _route(region, api, document, _route_key(path, method, operation), operation)
    return warnings


def render(deployed: Record, api_id: str, region: str, base_path: str, moment: int, *, with_extensions: bool) -> Record:
    """The document as ExportApi writes it; its version is a moment, which is why nobody should compare it."""
    about = deployed["about"]
    document: Record = {
        "openapi": "3.0.1",
        "info": {
            "title": about["Name"],
            **({"description": about["Description"]} if about.get("Description") else {}),
            "version": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SUTC"),
        },
        "servers": server(api_id, region, base_path),
        "paths": {},
    }
    for route in sorted(deployed["routes"].values(), key=lambda route: str(route["RouteKey"])):
        path, method, operation = _operation(deployed, route, with_extensions=with_extensions)
        document["paths"].setdefault(path, {})[method_name(method)] = operation
    found = {a["Name"]: _scheme(a, with_extensions=with_extensions) for a in deployed["authorizers"].values()}
    if found:
        document["components"] = {"securitySchemes": dict(sorted(found.items()))}
    if with_extensions:
        document.update(_extensions(about))
    return document


def _authorizers(region: Region, api: Record, document: Record) -> None:
    for name, scheme in schemes(document).items():
        wanted = scheme.get(AUTHORIZER)
        if wanted is None:
            continue
        record: Record = {"AuthorizerId": region.new_id(6), "Name": name, "AuthorizerType": wanted["type"].upper()}
        source = wanted.get("identitySource")
        record["IdentitySource"] = source.split(",") if isinstance(source, str) else source
        if "jwtConfiguration" in wanted:
            jwt = wanted["jwtConfiguration"]
            record["JwtConfiguration"] = {"Issuer": jwt.get("issuer"), "Audience": jwt.get("audience", [])}
        record["AuthorizerUri"] = wanted.get("authorizerUri")
        record["AuthorizerPayloadFormatVersion"] = wanted.get("authorizerPayloadFormatVersion")
        record["AuthorizerResultTtlInSeconds"] = wanted.get("authorizerResultTtlInSeconds")
        record["EnableSimpleResponses"] = wanted.get("enableSimpleResponses")
        api["authorizers"][record["AuthorizerId"]] = {k: v for k, v in record.items() if v is not None}


def _route_key(path: str, method: str, operation: Record) -> str:
    is_default = path == "/$default" or operation.get("isDefaultRoute")
    return "$default" if is_default else f"{method} {path}"


def _route(region: Region, api: Record, document: Record, route_key: str, operation: Record) -> None:
    route: Record = {
        "RouteId": region.new_id(7),
        "RouteKey": route_key,
        "ApiKeyRequired": False,
        "AuthorizationType": "NONE",
        **({"OperationName": operation["operationId"]} if "operationId" in operation else {}),
    }
    by_name = {authorizer["Name"]: authorizer for authorizer in api["authorizers"].values()}
    for requirement in operation.get("security", document.get("security")) or []:
        for name, scopes in requirement.items():
            if name in by_name:
                kind = "JWT" if by_name[name]["AuthorizerType"] == "JWT" else "CUSTOM"
                route.update(AuthorizationType=kind, AuthorizerId=by_name[name]["AuthorizerId"])
                route.update({"AuthorizationScopes": scopes} if scopes else {})
    if INTEGRATION in operation:
        route["Target"] = "integrations/" + _integration(region, api, operation[INTEGRATION])
    api["routes"][route["RouteId"]] = route


def _integration(region: Region, api: Record, given: Record) -> str:
    """The id of a new integration, or of the one that is the same already."""
    record = {_INTEGRATION[name]: value for name, value in given.items() if name in _INTEGRATION}
    record["IntegrationType"] = str(record.get("IntegrationType", "")).upper()
    record = {"ConnectionType": "INTERNET", "PayloadFormatVersion": "1.0", "TimeoutInMillis": 30000, **record}
    for key, known in api["integrations"].items():
        if {**record, "IntegrationId": key} == known:
            return str(key)
    record["IntegrationId"] = region.new_id(7)
    api["integrations"][record["IntegrationId"]] = record
    return str(record["IntegrationId"])


def _operation(deployed: Record, route: Record, *, with_extensions: bool) -> tuple[str, str, Record]:
    is_default = route["RouteKey"] == "$default"
    method, _, path = ("ANY /$default" if is_default else route["RouteKey"]).partition(" ")
    operation: Record = {"operationId": route["OperationName"]} if "OperationName" in route else {}
    parameters = [_path_parameter(name) for name in path_parameters(path)]
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = {"default": {"description": f"Default response for {method} {path}"}}
    authorizer = deployed["authorizers"].get(route.get("AuthorizerId", ""))
    if authorizer is not None:
        operation["security"] = [{authorizer["Name"]: route.get("AuthorizationScopes", [])}]
    integration = deployed["integrations"].get(route.get("Target", "").rpartition("/")[2])
    if with_extensions and integration is not None:
        told = {name: integration[member] for name, member in _INTEGRATION.items() if member in integration}
        operation[INTEGRATION] = {**told, "type": told["type"].lower()}
    if is_default:
        operation["isDefaultRoute"] = True
    return path, method, operation


def _path_parameter(name: str) -> Record:
    words = f"Generated path parameter for {name}"
    return {"name": name, "in": "path", "description": words, "required": True, "schema": {"type": "string"}}


def _scheme(authorizer: Record, *, with_extensions: bool) -> Record:
    is_jwt = authorizer["AuthorizerType"] == "JWT"
    source = (authorizer.get("IdentitySource") or ["$request.header.Authorization"])[0].rpartition(".")[2]
    scheme: Record = {"type": "oauth2"} if is_jwt else {"type": "apiKey", "name": source, "in": "header"}
    return {**scheme, AUTHORIZER: _authorizer(authorizer)} if with_extensions else scheme


def _authorizer(authorizer: Record) -> dict[str, Any]:
    told: dict[str, Any] = {"type": authorizer["AuthorizerType"].lower()}
    if "IdentitySource" in authorizer:
        told["identitySource"] = ",".join(authorizer["IdentitySource"])
    if "JwtConfiguration" in authorizer:
        jwt = authorizer["JwtConfiguration"]
        told["jwtConfiguration"] = {"issuer": jwt.get("Issuer"), "audience": jwt.get("Audience", [])}
    plain = picked(authorizer, _PLAIN)
    return {**told, **{name[0].lower() + name[1:]: value for name, value in plain.items()}}


def _extensions(about: Record) -> Record:
    found: Record = {EXTENSION + "importexport-version": "1.0"}
    if about.get("CorsConfiguration"):
        given = about["CorsConfiguration"]
        found[EXTENSION + "cors"] = {name: given[member] for name, member in _CORS.items() if member in given}
    return found
