"""API keys, and the account's settings. A key's value is unique and, on request, readable."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.patch import Paths, boolean, patched
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.wire import bad_request, conflict

_PATCHABLE: Paths = {"/name": str, "/description": str, "/enabled": boolean, "/customerId": str}
_KEY = ("name", "description", "customerId", "tags")
_ACCOUNT = {
    "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
    "features": ["UsagePlans"],
    "apiKeyVersion": "4",
}


def create_api_key(region: Region, params: Mapping[str, Any]) -> Record:
    value = params.get("value") or region.new_id(40)
    if not 20 <= len(value) <= 128:
        raise bad_request("API Key value should be at least 20 characters and at most 128")
    if any(known["value"] == value for known in region.kind("apikeys").values()):
        raise conflict("API Key already exists")
    moment = region.now()
    key = {"id": region.new_id(), "value": value, "enabled": params.get("enabled", False), "stageKeys": [], "tags": {}}
    key.update(picked(params, _KEY), createdDate=moment, lastUpdatedDate=moment)
    region.kind("apikeys")[key["id"]] = key
    return key


def get_api_key(region: Region, params: Mapping[str, Any]) -> Record:
    key = _key(region, params)
    return key if params.get("includeValue") else _without_value(key)


def get_api_keys(region: Region, params: Mapping[str, Any]) -> Record:
    name, customer = params.get("nameQuery", ""), params.get("customerId")
    listed = [
        key if params.get("includeValues") else _without_value(key)
        for key in region.kind("apikeys").values()
        if key.get("name", "").startswith(name) and customer in (None, key.get("customerId"))
    ]
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


def update_api_key(region: Region, params: Mapping[str, Any]) -> Record:
    key = _key(region, params)
    patched(key, params.get("patchOperations", []), _PATCHABLE)
    key["lastUpdatedDate"] = region.now()
    return _without_value(key)


def delete_api_key(region: Region, params: Mapping[str, Any]) -> Record:
    key = _key(region, params)
    del region.kind("apikeys")[key["id"]]
    for keys in region.kind("plankeys").values():
        keys.pop(key["id"], None)
    return {}


def get_account(region: Region, _params: Mapping[str, Any]) -> Record:
    return {**_ACCOUNT, **region.kind("account")}


def update_account(region: Region, params: Mapping[str, Any]) -> Record:
    patched(region.kind("account"), params.get("patchOperations", []), {"/cloudwatchRoleArn": str})
    return get_account(region, params)


def _key(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(region.kind("apikeys"), params["apiKey"], "Invalid API Key identifier specified")


def _without_value(key: Record) -> Record:
    return {name: value for name, value in key.items() if name != "value"}


HANDLERS = {
    "CreateApiKey": create_api_key,
    "GetApiKey": get_api_key,
    "GetApiKeys": get_api_keys,
    "UpdateApiKey": update_api_key,
    "DeleteApiKey": delete_api_key,
    "GetAccount": get_account,
    "UpdateAccount": update_account,
}
