"""Authorizers, models, request validators and gateway responses of a REST API."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.patch import Paths, boolean, integer, patched
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.rest.definition import the_api
from aforo.gateways.aws.emulator.wire import bad_request, conflict, not_found

_AUTHORIZER = (
    "name", "type", "providerARNs", "authType", "authorizerUri", "authorizerCredentials", "identitySource",
    "identityValidationExpression",
)  # fmt: skip
_AUTHORIZER_PATCHABLE: Paths = {
    "/name": str, "/type": str, "/authorizerUri": str, "/authorizerCredentials": str, "/identitySource": str,
    "/identityValidationExpression": str, "/authorizerResultTtlInSeconds": integer, "/authType": str,
}  # fmt: skip
_RESPONSE = ("responseType", "statusCode", "responseParameters", "responseTemplates")
_STOCK_RESPONSES = {
    "ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500", "BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": None,
    "DEFAULT_5XX": None, "EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "504", "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403", "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413", "RESOURCE_NOT_FOUND": "404", "THROTTLED": "429",
    "UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}  # fmt: skip


def create_authorizer(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    if params["type"] in {"TOKEN", "REQUEST"} and not params.get("authorizerUri"):
        raise bad_request("Invalid Authorizer URI: an authorizer of this type needs one")
    if any(known["name"] == params["name"] for known in api["authorizers"].values()):
        raise conflict("Authorizer name already exists")
    record = picked(params, _AUTHORIZER)
    record["id"] = region.new_id(6)
    record.setdefault("authType", "cognito_user_pools" if params["type"] == "COGNITO_USER_POOLS" else "custom")
    record["authorizerResultTtlInSeconds"] = params.get("authorizerResultTtlInSeconds", 300)
    api["authorizers"][record["id"]] = record
    return record


def get_authorizer(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(
        the_api(region, params)["authorizers"], params["authorizerId"], "Invalid Authorizer identifier specified"
    )


def get_authorizers(region: Region, params: Mapping[str, Any]) -> Record:
    return _paged(region, params, the_api(region, params)["authorizers"].values())


def update_authorizer(region: Region, params: Mapping[str, Any]) -> Record:
    authorizer = get_authorizer(region, params)
    patched(authorizer, params.get("patchOperations", []), _AUTHORIZER_PATCHABLE)
    return authorizer


def delete_authorizer(region: Region, params: Mapping[str, Any]) -> Record:
    api, authorizer = the_api(region, params), get_authorizer(region, params)
    for resource in api["resources"].values():
        if any(method.get("authorizerId") == authorizer["id"] for method in resource["methods"].values()):
            raise conflict(f"Cannot delete authorizer '{authorizer['name']}', is referenced in {resource['path']}")
    del api["authorizers"][authorizer["id"]]
    return {}


def create_model(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    if params["name"] in api["models"]:
        raise conflict("Model name already exists for this REST API")
    record = {"id": region.new_id(6), **picked(params, ("name", "description", "schema", "contentType"))}
    api["models"][record["name"]] = record
    return record


def get_model(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(the_api(region, params)["models"], params["modelName"], "Invalid Model name specified")


def get_models(region: Region, params: Mapping[str, Any]) -> Record:
    return _paged(region, params, the_api(region, params)["models"].values())


def create_request_validator(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    record = {
        "id": region.new_id(6),
        "validateRequestBody": False,
        "validateRequestParameters": False,
        **picked(params, ("name", "validateRequestBody", "validateRequestParameters")),
    }
    api["validators"][record["id"]] = record
    return record


def get_request_validators(region: Region, params: Mapping[str, Any]) -> Record:
    return _paged(region, params, the_api(region, params)["validators"].values())


def update_request_validator(region: Region, params: Mapping[str, Any]) -> Record:
    validators = the_api(region, params)["validators"]
    record = existing(validators, params["requestValidatorId"], "Invalid Request Validator identifier specified")
    allowed: Paths = {"/name": str, "/validateRequestBody": boolean, "/validateRequestParameters": boolean}
    patched(record, params.get("patchOperations", []), allowed)
    return record


def put_gateway_response(region: Region, params: Mapping[str, Any]) -> Record:
    record = {"defaultResponse": False, **picked(params, _RESPONSE)}
    the_api(region, params)["responses"][_response_type(params)] = record
    return record


def get_gateway_response(region: Region, params: Mapping[str, Any]) -> Record:
    return _gateway_response(the_api(region, params), _response_type(params))


def get_gateway_responses(region: Region, params: Mapping[str, Any]) -> Record:
    """All of them: AWS lists its stock answers too, marked as default. Its pages are larger than 25 here."""
    api = the_api(region, params)
    told = [_gateway_response(api, kind) for kind in _STOCK_RESPONSES]
    items, position = region.page(told, params.get("limit") or 500, params.get("position"))
    return {"items": items, "position": position}


def delete_gateway_response(region: Region, params: Mapping[str, Any]) -> Record:
    api, kind = the_api(region, params), _response_type(params)
    if kind not in api["responses"]:
        raise not_found("Gateway response type not defined on api")
    del api["responses"][kind]
    return {}


def _response_type(params: Mapping[str, Any]) -> str:
    kind: str = params["responseType"]
    if kind not in _STOCK_RESPONSES:
        raise bad_request(f"Invalid gateway response type: {kind}")
    return kind


def _gateway_response(api: Record, kind: str) -> Record:
    stock = {
        "responseType": kind,
        "statusCode": _STOCK_RESPONSES[kind],
        "responseParameters": {},
        "responseTemplates": {"application/json": '{"message":$context.error.messageString}'},
        "defaultResponse": True,
    }
    return picked(api["responses"].get(kind, stock), (*_RESPONSE, "defaultResponse"))


def _paged(region: Region, params: Mapping[str, Any], records: Any) -> Record:
    items, position = region.page(records, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


HANDLERS = {
    "CreateAuthorizer": create_authorizer,
    "GetAuthorizer": get_authorizer,
    "GetAuthorizers": get_authorizers,
    "UpdateAuthorizer": update_authorizer,
    "DeleteAuthorizer": delete_authorizer,
    "CreateModel": create_model,
    "GetModel": get_model,
    "GetModels": get_models,
    "CreateRequestValidator": create_request_validator,
    "GetRequestValidators": get_request_validators,
    "UpdateRequestValidator": update_request_validator,
    "PutGatewayResponse": put_gateway_response,
    "GetGatewayResponse": get_gateway_response,
    "GetGatewayResponses": get_gateway_responses,
    "DeleteGatewayResponse": delete_gateway_response,
}
