"""REST APIs as wholes: create, list, change, import, overwrite, delete."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.document import read_document
from aforo.gateways.aws.emulator.patch import Paths, boolean, integer, patched
from aforo.gateways.aws.emulator.region import Record, Region, picked
from aforo.gateways.aws.emulator.rest.definition import JSON_MODELS, empty_api, the_api, used_by
from aforo.gateways.aws.emulator.rest.openapi_in import take_in
from aforo.gateways.aws.emulator.wire import bad_request

_GIVEN = (
    "name", "description", "version", "binaryMediaTypes", "minimumCompressionSize", "apiKeySource",
    "endpointConfiguration", "policy", "tags", "disableExecuteApiEndpoint",
)  # fmt: skip
_PATCHABLE: Paths = {
    "/name": str, "/description": str, "/policy": str, "/apiKeySource": str, "/version": str,
    "/disableExecuteApiEndpoint": boolean, "/minimumCompressionSize": integer, "/binaryMediaTypes/*": str,
    "/endpointConfiguration/types/*": str,
}  # fmt: skip


def create_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    if not params["name"].strip():
        raise bad_request("API name must not be blank")
    api = empty_api(region, picked(params, _GIVEN))
    for name, title in JSON_MODELS.items():
        schema = f'{{"$schema":"http://json-schema.org/draft-04/schema#","title":"{title}","type":"object"}}'
        model = {"id": region.new_id(6), "name": name, "contentType": "application/json", "schema": schema}
        api["models"][name] = model
    return _kept(region, api)


def import_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    document = read_document(params["body"])
    api = empty_api(region, {"name": document["info"]["title"]})
    warnings = take_in(region, api, document, overwrite=True)
    _stop_on(warnings, params)
    if (params.get("parameters") or {}).get("endpointConfigurationTypes"):
        api["about"]["endpointConfiguration"]["types"] = params["parameters"]["endpointConfigurationTypes"].split(",")
    return {**_kept(region, api), **({"warnings": warnings} if warnings else {})}


def put_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    """Stages, deployments, id, endpoint and usage plans stay; nothing of this is live before a deployment."""
    api = the_api(region, params)
    document = read_document(params["body"])
    mode = params.get("mode", "merge")
    if mode not in {"merge", "overwrite"}:
        raise bad_request(f"Invalid mode {mode}")
    trial: Record = {**api, "about": {**api["about"]}}
    warnings = take_in(region, trial, document, overwrite=mode == "overwrite")
    _stop_on(warnings, params)
    api.update(trial)
    return {**api["about"], **({"warnings": warnings} if warnings else {})}


def get_rest_apis(region: Region, params: Mapping[str, Any]) -> Record:
    listed = [api["about"] for api in region.kind("restapis").values()]
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


def get_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    about: Record = the_api(region, params)["about"]
    return about


def update_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    about: Record = the_api(region, params)["about"]
    about.setdefault("binaryMediaTypes", [])
    patched(about, params.get("patchOperations", []), _PATCHABLE)
    if not about["binaryMediaTypes"]:
        del about["binaryMediaTypes"]
    return about


def delete_rest_api(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    if used_by(region, api["about"]["id"]):
        key = api["about"]["id"]
        raise bad_request(f"Cannot delete API '{key}': it is associated with usage plans, remove its stages first")
    del region.kind("restapis")[api["about"]["id"]]
    return {}


def _kept(region: Region, api: Record) -> Record:
    region.kind("restapis")[api["about"]["id"]] = api
    about: Record = api["about"]
    return about


def _stop_on(warnings: list[str], params: Mapping[str, Any]) -> None:
    if warnings and params.get("failOnWarnings"):
        raise bad_request("Warnings found during import:\n" + "\n".join(f"\t{warning}" for warning in warnings))


HANDLERS = {
    "CreateRestApi": create_rest_api,
    "ImportRestApi": import_rest_api,
    "PutRestApi": put_rest_api,
    "GetRestApis": get_rest_apis,
    "GetRestApi": get_rest_api,
    "UpdateRestApi": update_rest_api,
    "DeleteRestApi": delete_rest_api,
}
