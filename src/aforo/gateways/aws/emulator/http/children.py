"""Routes, integrations and authorizers of an HTTP API: five operations each, by the same rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aforo.gateways.aws.emulator.http.apis import paged
from aforo.gateways.aws.emulator.http.definition import edited, the_api
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.wire import bad_request, conflict

Check = Callable[[Record, Record], None]


def _check_route(api: Record, route: Record) -> None:
    if route["RouteKey"] != "$default" and len(route["RouteKey"].split(" ")) != 2:
        raise bad_request("The provided route key is not formatted properly for HTTP protocol. Format should be "
                          '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"')  # fmt: skip
    for other in api["routes"].values():
        if other["RouteKey"] == route["RouteKey"] and other["RouteId"] != route["RouteId"]:
            raise conflict(f"Route with key {route['RouteKey']} already exists for this API")
    target = route.get("Target", "").removeprefix("integrations/")
    if target and target not in api["integrations"]:
        raise bad_request(f"Invalid integration id specified: {target}")
    if route["AuthorizationType"] in {"JWT", "CUSTOM"} and route.get("AuthorizerId") not in api["authorizers"]:
        raise bad_request("An AuthorizerId is required for authorization types JWT and CUSTOM")


def _check_integration(_api: Record, integration: Record) -> None:
    if integration["IntegrationType"] in {"HTTP_PROXY", "AWS_PROXY"} and not (
        integration.get("IntegrationUri") or integration.get("IntegrationSubtype")
    ):
        raise bad_request("Invalid integration uri specified")


def _check_authorizer(api: Record, authorizer: Record) -> None:
    if authorizer["AuthorizerType"] == "REQUEST" and not authorizer.get("AuthorizerUri"):
        raise bad_request("AuthorizerUri must not be null for REQUEST authorizers")
    for other in api["authorizers"].values():
        if other["Name"] == authorizer["Name"] and other["AuthorizerId"] != authorizer["AuthorizerId"]:
            raise bad_request("Authorizer name must be unique")


@dataclass(frozen=True, slots=True)
class Child:
    """One kind of child: its word in operation names, its collection, its members and its rule."""

    word: str
    collection: str
    members: tuple[str, ...]
    stock: Mapping[str, Any]
    check: Check

    @property
    def key(self) -> str:
        return f"{self.word}Id"

    def create(self, region: Region, params: Mapping[str, Any]) -> Record:
        api = the_api(region, params)
        record = {**self.stock, **picked(params, self.members), self.key: region.new_id(7)}
        self.check(api, record)
        api[self.collection][record[self.key]] = record
        edited(region, api)
        return record

    def get(self, region: Region, params: Mapping[str, Any]) -> Record:
        records = the_api(region, params)[self.collection]
        return existing(records, params[self.key], f"Invalid {self.word} identifier specified")

    def get_all(self, region: Region, params: Mapping[str, Any]) -> Record:
        return paged(region, params, the_api(region, params)[self.collection].values())

    def update(self, region: Region, params: Mapping[str, Any]) -> Record:
        api, record = the_api(region, params), self.get(region, params)
        trial = {**record, **picked(params, self.members)}
        if trial.get("AuthorizationType") == "NONE":
            trial.pop("AuthorizerId", None)
        self.check(api, trial)
        record.clear()
        record.update(trial)
        edited(region, api)
        return record

    def delete(self, region: Region, params: Mapping[str, Any]) -> Record:
        api, record = the_api(region, params), self.get(region, params)
        used = [route["RouteKey"] for route in api["routes"].values() if record[self.key] in _references(route)]
        if used and self.collection != "routes":
            raise conflict(f"Cannot delete {self.word} '{record[self.key]}', it is referenced by route '{used[0]}'")
        del api[self.collection][record[self.key]]
        edited(region, api)
        return {}

    def handlers(self) -> dict[str, Callable[[Region, Mapping[str, Any]], Record]]:
        word = self.word
        return {
            f"Create{word}": self.create,
            f"Get{word}": self.get,
            f"Get{word}s": self.get_all,
            f"Update{word}": self.update,
            f"Delete{word}": self.delete,
        }


def _references(route: Record) -> set[str]:
    return {route.get("AuthorizerId", ""), route.get("Target", "").removeprefix("integrations/")}


ROUTE = Child(
    "Route",
    "routes",
    (
        "RouteKey", "Target", "AuthorizationType", "AuthorizerId", "AuthorizationScopes", "OperationName",
        "ApiKeyRequired",
    ),
    {"ApiKeyRequired": False, "AuthorizationType": "NONE"},
    _check_route,
)  # fmt: skip
INTEGRATION = Child(
    "Integration",
    "integrations",
    (
        "IntegrationType", "IntegrationMethod", "IntegrationUri", "PayloadFormatVersion", "ConnectionType",
        "ConnectionId", "CredentialsArn", "TimeoutInMillis", "RequestParameters", "ResponseParameters", "TlsConfig",
        "Description", "IntegrationSubtype",
    ),
    {"ConnectionType": "INTERNET", "PayloadFormatVersion": "1.0", "TimeoutInMillis": 30000},
    _check_integration,
)  # fmt: skip
AUTHORIZER = Child(
    "Authorizer",
    "authorizers",
    (
        "Name", "AuthorizerType", "AuthorizerUri", "AuthorizerPayloadFormatVersion", "AuthorizerCredentialsArn",
        "AuthorizerResultTtlInSeconds", "EnableSimpleResponses", "IdentitySource", "JwtConfiguration",
        "IdentityValidationExpression",
    ),
    {},
    _check_authorizer,
)  # fmt: skip

HANDLERS = {**ROUTE.handlers(), **INTEGRATION.handlers(), **AUTHORIZER.handlers()}
