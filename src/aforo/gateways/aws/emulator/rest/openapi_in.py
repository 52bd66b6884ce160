"""An OpenAPI document into a REST API's definition: what API Gateway keeps of it, and nothing else.

Kept: paths, methods, parameter names and whether they are required, models by reference, response codes, security,
integrations, validators, gateway responses. Lost, as at AWS: parameter schemas and examples. Prose (summaries,
descriptions of operations and responses) becomes documentation parts at AWS, which this emulator does not hold.
Source: API Gateway's developer guide on importing a REST API and its list of OpenAPI extensions.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from aforo.gateways.aws.emulator.document import AUTH_TYPE, AUTHORIZER, EXTENSION, INTEGRATION, operations, schemes
from aforo.gateways.aws.emulator.region import Record, Region, picked
from aforo.gateways.aws.emulator.rest.definition import PARTS, add_resource, resource_at

_PLACES = {"path": "path", "query": "querystring", "header": "header"}
_INTEGRATION_MEMBERS = (
    "httpMethod", "uri", "credentials", "requestParameters", "requestTemplates", "timeoutInMillis", "cacheNamespace",
    "cacheKeyParameters", "connectionType", "connectionId", "tlsConfig", "contentHandling",
)  # fmt: skip
_TOP = {
    EXTENSION + "api-key-source": "apiKeySource",
    EXTENSION + "binary-media-types": "binaryMediaTypes",
    EXTENSION + "minimum-compression-size": "minimumCompressionSize",
}


def take_in(region: Region, api: Record, document: Record, *, overwrite: bool) -> list[str]:
    """Bring the document into `api` (its parts are replaced, never changed in place) and return the warnings."""
    before = {part: api[part] for part in PARTS}
    _start_from(api, before, overwrite=overwrite)
    _about(api["about"], document, overwrite=overwrite)
    _models(region, api, document)
    _validators(region, api, document, before["validators"])
    _authorizers(region, api, document, before["authorizers"])
    _gateway_responses(api, document)
    for path, method, operation in operations(document):
        resource = _resource(region, api, path, before["resources"])
        resource["methods"][method] = _method(region, api, document, method, operation, resource["id"])
    return sorted(_warnings(api, document))


def _start_from(api: Record, before: Mapping[str, Record], *, overwrite: bool) -> None:
    """An overwrite keeps the root resource alone; a merge keeps copies of everything."""
    for part in PARTS:
        api[part] = {} if overwrite else dict(before[part])
    for key, resource in before["resources"].items():
        if overwrite and resource["path"] == "/":
            api["resources"][key] = {**resource, "methods": {}}
        elif not overwrite:
            api["resources"][key] = {**resource, "methods": dict(resource["methods"])}


def _about(about: Record, document: Record, *, overwrite: bool) -> None:
    info = document["info"]
    if overwrite:
        about["name"] = info["title"]
        for member in ("description", "version"):
            about.pop(member, None)
            about.update(picked(info, [member]))
    for extension, member in _TOP.items():
        if extension in document:
            about[member] = document[extension]
        elif overwrite and member != "apiKeySource":
            about.pop(member, None)
    if EXTENSION + "policy" in document:
        about["policy"] = json.dumps(document[EXTENSION + "policy"])


def _models(region: Region, api: Record, document: Record) -> None:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        known = api["models"].get(name, {})
        api["models"][name] = _model(known.get("id") or region.new_id(6), name, schema)


def _model(model_id: str, name: str, schema: Any) -> Record:
    text = json.dumps(schema, sort_keys=True)
    return {"id": model_id, "name": name, "contentType": "application/json", "schema": text}


def _validators(region: Region, api: Record, document: Record, before: Record) -> None:
    known = {validator["name"]: key for key, validator in before.items()}
    for name, wanted in document.get(EXTENSION + "request-validators", {}).items():
        key = known.get(name) or region.new_id(6)
        api["validators"][key] = {
            "id": key,
            "name": name,
            "validateRequestBody": bool(wanted.get("validateRequestBody")),
            "validateRequestParameters": bool(wanted.get("validateRequestParameters")),
        }


def _authorizers(region: Region, api: Record, document: Record, before: Record) -> None:
    known = {authorizer["name"]: key for key, authorizer in before.items()}
    for name, scheme in schemes(document).items():
        wanted = scheme.get(AUTHORIZER)
        if wanted:
            key = known.get(name) or region.new_id(6)
            api["authorizers"][key] = _authorizer(key, name, scheme, wanted)


def _authorizer(key: str, name: str, scheme: Record, wanted: Record) -> Record:
    kept = picked(
        wanted,
        ("authorizerUri", "authorizerCredentials", "identityValidationExpression", "identitySource", "providerARNs"),
    )
    if wanted.get("type") != "request" and "identitySource" not in kept:
        kept["identitySource"] = f"method.request.header.{scheme.get('name', 'Authorization')}"
    kind = str(wanted.get("type", "token")).upper()
    ttl = wanted.get("authorizerResultTtlInSeconds", 300)
    auth_type = scheme.get(AUTH_TYPE, "custom")
    return {"id": key, "name": name, "type": kind, "authType": auth_type, "authorizerResultTtlInSeconds": ttl, **kept}


def _gateway_responses(api: Record, document: Record) -> None:
    for kind, wanted in document.get(EXTENSION + "gateway-responses", {}).items():
        api["responses"][kind] = {
            "responseType": kind,
            "statusCode": str(wanted["statusCode"]) if "statusCode" in wanted else None,
            "responseParameters": _gateway_parameters(wanted.get("responseParameters", {})),
            "responseTemplates": wanted.get("responseTemplates", {}),
            "defaultResponse": False,
        }


def _gateway_parameters(given: Record) -> Record:
    return {f"gatewayresponse.{name.removeprefix('gatewayresponse.')}": value for name, value in given.items()}


def _resource(region: Region, api: Record, path: str, before: Record) -> Record:
    found = resource_at(api, path)
    if found is not None:
        return found
    above, _, part = path.rstrip("/").rpartition("/")
    kept = next((key for key, resource in before.items() if resource["path"] == path), None)
    return add_resource(region, api, _resource(region, api, above or "/", before), part, kept)


def _method(region: Region, api: Record, document: Record, method: str, operation: Record, resource_id: str) -> Record:
    parameters = {
        f"method.request.{_PLACES[given['in']]}.{given['name']}": bool(given.get("required"))
        for given in operation["parameters"]
        if given.get("in") in _PLACES
    }
    record: Record = {"httpMethod": method, "apiKeyRequired": False, "authorizationType": "NONE"}
    record.update(_security(api, document, operation))
    validator = operation.get(EXTENSION + "request-validator", document.get(EXTENSION + "request-validator"))
    record["requestValidatorId"] = next((k for k, v in api["validators"].items() if v["name"] == validator), None)
    record["operationName"] = operation.get("operationId")
    record["requestParameters"] = parameters
    record["requestModels"] = _content(region, api, operation.get("requestBody", {}))
    record["methodResponses"] = {
        str(code): _response(region, api, str(code), response)
        for code, response in operation.get("responses", {}).items()
    }
    if INTEGRATION in operation:
        record["methodIntegration"] = _integration(operation[INTEGRATION], resource_id)
    return {name: value for name, value in record.items() if value not in (None, {})}


def _security(api: Record, document: Record, operation: Record) -> Record:
    found: Record = {}
    authorizers = {authorizer["name"]: authorizer for authorizer in api["authorizers"].values()}
    for requirement in operation.get("security", document.get("security")) or []:
        for name, scopes in requirement.items():
            found.update(_requirement(schemes(document).get(name, {}), authorizers.get(name), scopes))
    if str(operation.get(EXTENSION + "auth", {}).get("type", "")).upper() == "AWS_IAM":
        found["authorizationType"] = "AWS_IAM"
    return found


def _requirement(scheme: Record, authorizer: Record | None, scopes: list[str]) -> Record:
    if authorizer is not None:
        kind = "COGNITO_USER_POOLS" if authorizer["type"] == "COGNITO_USER_POOLS" else "CUSTOM"
        asked = {"authorizationScopes": scopes} if scopes else {}
        return {"authorizationType": kind, "authorizerId": authorizer["id"], **asked}
    if scheme.get(AUTH_TYPE) == "awsSigv4":
        return {"authorizationType": "AWS_IAM"}
    is_key = scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key"
    return {"apiKeyRequired": True} if is_key else {}


def _response(region: Region, api: Record, code: str, response: Record) -> Record:
    headers = {f"method.response.header.{name}": False for name in response.get("headers", {})}
    record = {"statusCode": code, "responseParameters": headers, "responseModels": _content(region, api, response)}
    return {name: value for name, value in record.items() if value}


def _content(region: Region, api: Record, holder: Record) -> dict[str, str]:
    """Media type to model name; a schema written in place becomes a model of its own, as at AWS."""
    models: dict[str, str] = {}
    for media_type, content in holder.get("content", {}).items():
        schema = content.get("schema")
        if schema is None:
            continue
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if not name:
            name = "MODEL" + hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:6]
            api["models"].setdefault(name, _model(region.new_id(6), name, schema))
        models[media_type] = name
    return models


def _integration(given: Record, resource_id: str) -> Record:
    record: Record = {
        "type": str(given.get("type", "")).upper(),
        "passthroughBehavior": str(given.get("passthroughBehavior", "when_no_match")).upper(),
        "timeoutInMillis": 29000,
        "cacheNamespace": resource_id,
        "cacheKeyParameters": [],
        **picked(given, _INTEGRATION_MEMBERS),
    }
    record["integrationResponses"] = {
        str(response["statusCode"]): _integration_response(pattern, response)
        for pattern, response in given.get("responses", {}).items()
    }
    return {name: value for name, value in record.items() if value != {}}


def _integration_response(pattern: str, given: Record) -> Record:
    record = picked(given, ("responseParameters", "responseTemplates", "contentHandling"))
    record["statusCode"] = str(given["statusCode"])
    if pattern != "default":
        record["selectionPattern"] = pattern
    return record


def _warnings(api: Record, document: Record) -> Iterator[str]:
    declared = schemes(document)
    for path, method, operation in operations(document):
        for requirement in operation.get("security", []):
            for name in requirement.keys() - declared.keys():
                yield f"Unable to find security scheme '{name}' for {method} {path}. Ignoring."
        resource = resource_at(api, path) or {"methods": {}}
        for model in _models_of(resource["methods"].get(method, {})) - api["models"].keys():
            yield f"Invalid model reference '{model}' for {method} {path}. Ignoring."


def _models_of(method: Record) -> set[str]:
    named = set(method.get("requestModels", {}).values())
    for response in method.get("methodResponses", {}).values():
        named |= set(response.get("responseModels", {}).values())
    return named
