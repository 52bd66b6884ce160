"""An API in parts that can be named and compared: what stands in it, beside what a stage serves.

AWS exports only what is deployed of a REST API. What it is now is told by lists of its resources, authorizers, models,
validators and gateway responses, so that both are brought into one form here. Not compared, as no answer tells it in
both forms: documentation parts, cache namespaces, and what no method uses.
Source: the API Gateway reference for Method, Integration and Authorizer; its list of OpenAPI extensions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.aws.mapping.document import ANY_METHOD
from aforo.gateways.aws.mapping.ours import AUTHORIZER, is_our_response, without_artifact
from aforo.gateways.aws.mapping.rules import API, DOCUMENT, canonical_form
from aforo.gateways.aws.mapping.rules.document import EXTENSION, TOLD_AS_SETTINGS
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.gateways.aws.mapping.rules.settings import without_nothing
from aforo.gateways.aws.mapping.trees import Tree, nodes, without
from aforo.kit.jsontree import Json, same

Parts = Mapping[str, Json]
"""Name for people, such as `GET /pets`, `authorizer jwt`, `setting policy` → what is compared."""

_VERBS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_PLACES: Final = {"path": "path", "querystring": "query", "header": "header"}
_INTEGRATION: Final = ("type", "httpMethod", "uri", "credentials", "requestParameters", "requestTemplates",
                       "passthroughBehavior", "timeoutInMillis", "connectionType", "connectionId", "tlsConfig",
                       "contentHandling", "cacheKeyParameters")  # fmt: skip
_RESPONSE: Final = ("statusCode", "responseParameters", "responseTemplates", "contentHandling")
_AUTHORIZER: Final = ("type", "authorizerUri", "authorizerCredentials", "authorizerResultTtlInSeconds",
                      "identitySource", "identityValidationExpression", "providerARNs")  # fmt: skip
_VALIDATOR: Final = ("validateRequestBody", "validateRequestParameters")
_SETTINGS: Final = ("policy", "apiKeySource", "binaryMediaTypes", "minimumCompressionSize", "corsConfiguration")
_DEFAULTS: Final[Tree] = {"timeoutInMillis": 29000, "connectionType": "INTERNET", "authorizerResultTtlInSeconds": 300,
                          "passthroughBehavior": "when_no_match"}  # fmt: skip
_IAM: Final = "sigv4"
_KEY: Final = "api_key"


@dataclass(frozen=True, slots=True)
class Listed:
    """A REST API's editable definition, as its lists tell it; resources with their methods embedded."""

    resources: Sequence[Mapping[str, Any]]
    authorizers: Sequence[Mapping[str, Any]]
    models: Sequence[Mapping[str, Any]]
    validators: Sequence[Mapping[str, Any]]
    responses: Sequence[Mapping[str, Any]]


def unlike(here: Parts, *known: Parts) -> list[str]:
    """The parts of `here`, missing ones included, that are as in none of the others."""
    names = {name for parts in (here, *known) for name in parts}
    return sorted(name for name in names if not any(same(here.get(name), parts.get(name)) for parts in known))


def rest_parts(document: Mapping[str, Any]) -> dict[str, Json]:
    """Of a REST API's document; what Aforo's artifact added is left out, here and in the lists."""
    document = without_artifact(dict(document))
    validators = document.get(f"{EXTENSION}request-validators") or {}
    components = document.get("components") or {}
    schemes, schemas = components.get("securitySchemes") or {}, components.get("schemas") or {}
    methods = {name: _operation_part(operation, validators, schemes) for name, operation in _operations(document)}
    used = _used(methods)
    return {
        **methods,
        **{f"authorizer {name}": _scheme_part(schemes[name]) for name in used["security"] & schemes.keys()},
        **{f"model {name}": _schema_part(schemas[name]) for name in used["models"] & schemas.keys()},
        **{
            f"gateway response {kind}": _picked(told, _RESPONSE)
            for kind, told in (document.get(f"{EXTENSION}gateway-responses") or {}).items()
        },
    }  # fmt: skip


def listed_parts(listed: Listed) -> dict[str, Json]:
    """The same of what its lists tell."""
    authorizers = {str(one["id"]): str(one["name"]) for one in listed.authorizers}
    validators = {str(one["id"]): _picked(one, _VALIDATOR) for one in listed.validators}
    authorizers = {key: name for key, name in authorizers.items() if name != AUTHORIZER}
    methods = {
        f"{verb} {resource['path']}": _method_part(method, authorizers, validators)
        for resource in listed.resources
        for verb, method in (resource.get("resourceMethods") or {}).items()
    }
    used = _used(methods)
    return {
        **methods,
        **{f"authorizer {one['name']}": _authorizer_part(one) for one in listed.authorizers
           if one["name"] in used["security"]},
        **{f"model {one['name']}": _schema_part(_parsed(one.get("schema"))) for one in listed.models
           if one["name"] in used["models"]},
        **{f"gateway response {one['responseType']}": _picked(one, _RESPONSE) for one in listed.responses
           if not one.get("defaultResponse") and not is_our_response(one)},
    }  # fmt: skip


def http_parts(document: Mapping[str, Any], own: Own) -> dict[str, Json]:
    """Of an HTTP API's document, which AWS writes of the API and of a stage in the same way."""
    plain = canonical_form(DOCUMENT, document, own)
    schemes = (plain.get("components") or {}).get("securitySchemes") or {}
    return {**dict(_operations(plain)), **{f"authorizer {name}": scheme for name, scheme in schemes.items()}}


def setting_parts(api: Mapping[str, Any], own: Own) -> dict[str, Json]:
    """Of an API's settings: those that a deployment makes live and that an export tells too."""
    told = canonical_form(API, api, own)
    return {f"setting {name}": told[name] for name in _SETTINGS if name in told and told[name] != "HEADER"}


def exported_settings(document: Mapping[str, Any], own: Own) -> dict[str, Json]:
    """The same of an export as AWS gave it."""
    return setting_parts({name: document.get(TOLD_AS_SETTINGS[name]) for name in _SETTINGS}, own)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in (document.get("paths") or {}).items():
        shared = item.get("parameters") or []
        for member in (*_VERBS, ANY_METHOD):
            if member in item:
                verb = "ANY" if member == ANY_METHOD else member.upper()
                told = dict(item[member])
                yield f"{verb} {path}", {**told, "parameters": [*shared, *(told.get("parameters") or [])]}


def _operation_part(operation: Mapping[str, Any], validators: Mapping[str, Any], schemes: Mapping[str, Any]) -> Tree:
    security: Tree = {}
    for requirement in operation.get("security") or []:
        for name, scopes in requirement.items():
            security[_scheme_name(name, schemes.get(name) or {})] = _scopes(scopes)
    return _plain({
        "operationName": operation.get("operationId"),
        "security": security,
        "parameters": {f"{one.get('in')} {one.get('name')}": one.get("in") == "path" or bool(one.get("required"))
                       for one in operation["parameters"]},
        "body": _models(operation.get("requestBody") or {}),
        "responses": {
            code: {"headers": sorted(told.get("headers") or {}), "models": _models(told)}
            for code, told in (operation.get("responses") or {}).items()
        },
        "validator": _picked(validators.get(str(operation.get(f"{EXTENSION}request-validator"))) or {}, _VALIDATOR),
        "integration": _integration(operation.get(f"{EXTENSION}integration") or {}),
    }, deep={"responses"})  # fmt: skip


def _method_part(method: Mapping[str, Any], authorizers: Mapping[str, str], validators: Mapping[str, Tree]) -> Tree:
    security: Tree = {}
    if method.get("authorizerId") in authorizers:
        security[authorizers[method["authorizerId"]]] = _scopes(method.get("authorizationScopes"))
    if method.get("authorizationType") == "AWS_IAM":
        security[_IAM] = _scopes(None)
    if method.get("apiKeyRequired"):
        security[_KEY] = _scopes(None)
    integration = method.get("methodIntegration") or {}
    by_pattern = {
        told.get("selectionPattern") or "default": told
        for told in (integration.get("integrationResponses") or {}).values()
    }
    return _plain({
        "operationName": method.get("operationName"),
        "security": security,
        "parameters": dict(_request_parameter(name, is_required)
                           for name, is_required in (method.get("requestParameters") or {}).items()),
        "body": dict(method.get("requestModels") or {}),
        "responses": {
            code: {"headers": sorted(name.rpartition("header.")[2] for name in told.get("responseParameters") or {}),
                   "models": dict(told.get("responseModels") or {})}
            for code, told in (method.get("methodResponses") or {}).items()
        },
        "validator": validators.get(method.get("requestValidatorId", ""), {}),
        "integration": _integration({**integration, "responses": by_pattern}),
    }, deep={"responses"})  # fmt: skip


def _request_parameter(spelled: str, is_required: bool) -> tuple[str, bool]:
    """`method.request.querystring.page` as the document tells it."""
    _, _, place, name = spelled.split(".", 3)
    return f"{_PLACES.get(place, place)} {name}", place == "path" or is_required


def _scheme_name(name: str, scheme: Mapping[str, Any]) -> str:
    """An authorizer's by its own name; IAM and API keys by one, since a document may call them otherwise."""
    if scheme.get(f"{EXTENSION}authtype") == "awsSigv4":
        return _IAM
    is_key = f"{EXTENSION}authorizer" not in scheme and str(scheme.get("name", "")).lower() == "x-api-key"
    return _KEY if is_key else name


def _scopes(scopes: Sequence[str] | None) -> Json:
    """Never empty, so that a requirement without scopes is still one."""
    return sorted(scopes or []) or "any"


def _models(holder: Mapping[str, Any]) -> Tree:
    return {
        kind: str(((told or {}).get("schema") or {}).get("$ref", "")).rpartition("/")[2]
        for kind, told in (holder.get("content") or {}).items()
    }


def _integration(told: Mapping[str, Any]) -> Tree:
    found = _picked(told, _INTEGRATION)
    for name in ("type", "passthroughBehavior"):
        if name in found:
            found[name] = str(found[name]).lower()
    responses = {pattern: _picked(one, _RESPONSE) for pattern, one in (told.get("responses") or {}).items()}
    return {**_without_defaults(found), **({"responses": responses} if responses else {})}


def _scheme_part(scheme: Mapping[str, Any]) -> Tree:
    told = dict(scheme.get(f"{EXTENSION}authorizer") or {})
    if told and "identitySource" not in told:
        told["identitySource"] = f"method.request.header.{scheme.get('name')}"
    return _authorizer_part(told)


def _authorizer_part(told: Mapping[str, Any]) -> Tree:
    found = _picked(told, _AUTHORIZER)
    return _without_defaults({**found, "type": str(found["type"]).lower()} if "type" in found else found)


def _schema_part(schema: Json) -> Json:
    """References by the model's name alone: they are addresses in a list, places in a document."""

    def plain(node: Tree) -> Tree:
        target = node.get("$ref")
        named = {"$ref": target.rpartition("/")[2]} if isinstance(target, str) else {}
        return {**without(node, {"$schema"}), **named}

    return nodes(schema, plain)


def _parsed(schema: object) -> Json:
    try:
        parsed: Json = json.loads(str(schema))
    except ValueError:
        return str(schema)
    return parsed


def _used(methods: Mapping[str, Tree]) -> dict[str, set[str]]:
    """The authorizers and models that methods name."""
    holders = [
        models
        for method in methods.values()
        for models in (
            method.get("body", {}),
            *(told.get("models", {}) for told in method.get("responses", {}).values()),
        )
    ]
    return {
        "security": {name for method in methods.values() for name in method.get("security", {})} - {_IAM, _KEY},
        "models": {name for models in holders for name in models.values()},
    }  # fmt: skip


def _picked(told: Mapping[str, Any], names: Sequence[str]) -> Tree:
    """The members that say something; numbers and texts of one status are the same."""
    found = without_nothing({name: told.get(name) for name in names})
    return {name: str(value) if name == "statusCode" else value for name, value in found.items()}


def _without_defaults(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if value != _DEFAULTS.get(name)}


def _plain(tree: Tree, *, deep: set[str]) -> Tree:
    """Without what is empty; an empty response is still one."""
    kept = {name: tree[name] for name in deep if tree[name]}
    return {**without_nothing(without(tree, deep)), **kept}
