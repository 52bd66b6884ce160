"""Methods of a resource, with their integration and responses."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.patch import Paths, boolean, integer, patched
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.rest.definition import the_api
from aforo.gateways.aws.emulator.rest.resources import the_resource
from aforo.gateways.aws.emulator.wire import bad_request, conflict, not_found

_METHOD = (
    "authorizationType", "authorizerId", "operationName", "requestParameters", "requestModels", "requestValidatorId",
    "authorizationScopes",
)  # fmt: skip
_INTEGRATION = (
    "type", "uri", "connectionType", "connectionId", "credentials", "requestParameters", "requestTemplates",
    "passthroughBehavior", "cacheNamespace", "cacheKeyParameters", "contentHandling", "timeoutInMillis", "tlsConfig",
)  # fmt: skip
_PATCHABLE: Paths = {
    "/authorizationType": str, "/authorizerId": str, "/apiKeyRequired": boolean, "/operationName": str,
    "/requestValidatorId": str, "/requestParameters/*": boolean, "/requestModels/*": str, "/authorizationScopes/*": str,
}  # fmt: skip
_INTEGRATION_PATCHABLE: Paths = {
    "/uri": str, "/httpMethod": str, "/credentials": str, "/passthroughBehavior": str, "/timeoutInMillis": integer,
    "/connectionId": str, "/connectionType": str, "/contentHandling": str, "/cacheNamespace": str,
    "/requestParameters/*": str, "/requestTemplates/*": str, "/cacheKeyParameters/*": str,
}  # fmt: skip
_AUTHORIZED = {"NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"}
_WITHOUT_URI = {"MOCK"}


def put_method(region: Region, params: Mapping[str, Any]) -> Record:
    resource = the_resource(region, params)
    if params["httpMethod"] in resource["methods"]:
        raise conflict("Method already exists for this resource")
    method = {
        "httpMethod": params["httpMethod"],
        "apiKeyRequired": params.get("apiKeyRequired", False),
        **picked(params, _METHOD),
    }
    _check(the_api(region, params), method)
    resource["methods"][params["httpMethod"]] = method
    return method


def get_method(region: Region, params: Mapping[str, Any]) -> Record:
    methods = the_resource(region, params)["methods"]
    return existing(methods, params["httpMethod"], "Invalid Method identifier specified")


def update_method(region: Region, params: Mapping[str, Any]) -> Record:
    method = get_method(region, params)
    trial = {**method, "authorizationScopes": list(method.get("authorizationScopes", []))}
    for part in ("requestParameters", "requestModels"):
        trial[part] = dict(method.get(part, {}))
    patched(trial, params.get("patchOperations", []), _PATCHABLE)
    if trial["authorizationType"] in {"NONE", "AWS_IAM"}:
        trial.pop("authorizerId", None)
    _check(the_api(region, params), trial)
    method.clear()
    method.update({name: value for name, value in trial.items() if value not in ([], {})})
    return method


def delete_method(region: Region, params: Mapping[str, Any]) -> Record:
    get_method(region, params)
    del the_resource(region, params)["methods"][params["httpMethod"]]
    return {}


def put_method_response(region: Region, params: Mapping[str, Any]) -> Record:
    responses = get_method(region, params).setdefault("methodResponses", {})
    if params["statusCode"] in responses:
        raise conflict("Response already exists for this resource")
    record = picked(params, ("statusCode", "responseParameters", "responseModels"))
    responses[params["statusCode"]] = record
    return record


def put_integration(region: Region, params: Mapping[str, Any]) -> Record:
    method = get_method(region, params)
    if params["type"] not in _WITHOUT_URI and not params.get("uri"):
        raise bad_request("Integrations of type " + f"'{params['type']}' currently require a uri")
    record = {
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
        "cacheNamespace": params["resourceId"],
        "cacheKeyParameters": [],
        **picked(params, _INTEGRATION),
    }
    if params.get("integrationHttpMethod"):
        record["httpMethod"] = params["integrationHttpMethod"]
    method["methodIntegration"] = record
    return record


def get_integration(region: Region, params: Mapping[str, Any]) -> Record:
    found: Record | None = get_method(region, params).get("methodIntegration")
    if found is None:
        raise not_found("Invalid Integration identifier specified")
    return found


def update_integration(region: Region, params: Mapping[str, Any]) -> Record:
    integration = get_integration(region, params)
    patched(integration, params.get("patchOperations", []), _INTEGRATION_PATCHABLE)
    return integration


def delete_integration(region: Region, params: Mapping[str, Any]) -> Record:
    get_integration(region, params)
    del get_method(region, params)["methodIntegration"]
    return {}


def put_integration_response(region: Region, params: Mapping[str, Any]) -> Record:
    members = ("statusCode", "selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
    record = picked(params, members)
    get_integration(region, params).setdefault("integrationResponses", {})[params["statusCode"]] = record
    return record


def _check(api: Record, method: Record) -> None:
    if method["authorizationType"] not in _AUTHORIZED:
        raise bad_request("Invalid authorization type specified. Valid options are " + ", ".join(sorted(_AUTHORIZED)))
    named = method.get("authorizerId")
    if method["authorizationType"] in {"CUSTOM", "COGNITO_USER_POOLS"} and named not in api["authorizers"]:
        raise bad_request("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
                          "COGNITO_USER_POOLS requires a valid authorizer.")  # fmt: skip


HANDLERS = {
    "PutMethod": put_method,
    "GetMethod": get_method,
    "UpdateMethod": update_method,
    "DeleteMethod": delete_method,
    "PutMethodResponse": put_method_response,
    "PutIntegration": put_integration,
    "GetIntegration": get_integration,
    "UpdateIntegration": update_integration,
    "DeleteIntegration": delete_integration,
    "PutIntegrationResponse": put_integration_response,
}
