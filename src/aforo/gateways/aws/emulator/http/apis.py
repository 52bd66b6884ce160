"""HTTP APIs as wholes: create, list, change, import, re-import, export, delete."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.document import read_document, write_document
from aforo.gateways.aws.emulator.http.definition import PARTS, edited, empty_api, snapshot, the_api
from aforo.gateways.aws.emulator.http.openapi import render, take_in
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.wire import bad_request

_GIVEN = (
    "Name", "Description", "Version", "CorsConfiguration", "DisableExecuteApiEndpoint", "Tags",
    "RouteSelectionExpression", "IpAddressType",
)  # fmt: skip


def create_api(region: Region, params: Mapping[str, Any]) -> Record:
    if params["ProtocolType"] != "HTTP":
        raise bad_request("Invalid protocol specified: this emulator knows HTTP")
    return _kept(region, empty_api(region, picked(params, _GIVEN)))


def import_api(region: Region, params: Mapping[str, Any]) -> Record:
    document = read_document(params["Body"])
    api = empty_api(region, {"Name": document["info"]["title"]})
    warnings = _taken(region, api, document, params)
    return {**_kept(region, api), **warnings}


def reimport_api(region: Region, params: Mapping[str, Any]) -> Record:
    """The document replaces routes, integrations and authorizers; id and stages stay."""
    api = the_api(region, params)
    trial: Record = {**api, "about": {**api["about"]}, **{part: {} for part in PARTS}}
    warnings = _taken(region, trial, read_document(params["Body"]), params)
    api.update(trial)
    edited(region, api)
    return {**api["about"], **warnings}


def export_api(region: Region, params: Mapping[str, Any]) -> Record:
    """What a stage serves; without a stage what the API is now."""
    api = the_api(region, params)
    if params["Specification"] != "OAS30":
        raise bad_request("Invalid export type specified. Only OAS30 is allowed")
    if params["OutputType"] not in {"JSON", "YAML"}:
        raise bad_request("Invalid outputType specified. Must be JSON or YAML")
    deployed, stage, moment = _exported(region, api, params.get("StageName"))
    document = render(deployed, api["about"]["ApiId"], region.name, stage, moment,
                      with_extensions=params.get("IncludeExtensions", True))  # fmt: skip
    return {"body": write_document(document, params["OutputType"])}


def get_apis(region: Region, params: Mapping[str, Any]) -> Record:
    listed = [api["about"] for api in region.kind("httpapis").values()]
    return paged(region, params, listed)


def get_api(region: Region, params: Mapping[str, Any]) -> Record:
    about: Record = the_api(region, params)["about"]
    return about


def update_api(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    api["about"].update(picked(params, set(_GIVEN) - {"Tags"}))
    edited(region, api)
    about: Record = api["about"]
    return about


def delete_api(region: Region, params: Mapping[str, Any]) -> Record:
    del region.kind("httpapis")[the_api(region, params)["about"]["ApiId"]]
    return {}


def delete_cors_configuration(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    api["about"].pop("CorsConfiguration", None)
    edited(region, api)
    return {}


def paged(region: Region, params: Mapping[str, Any], records: Any) -> Record:
    """One page; MaxResults is a text in this API."""
    asked = params.get("MaxResults")
    if asked is not None and not str(asked).isdigit():
        raise bad_request("Invalid maxResults")
    items, token = region.page(records, int(asked) if asked else None, params.get("NextToken"))
    return {"Items": items, "NextToken": token}


def _taken(region: Region, api: Record, document: Record, params: Mapping[str, Any]) -> Record:
    warnings = take_in(region, api, document)
    if warnings and params.get("FailOnWarnings"):
        raise bad_request("Warnings found during import:\n" + "\n".join(f"\t{warning}" for warning in warnings))
    return {"Warnings": warnings} if warnings else {}


def _exported(region: Region, api: Record, stage_name: str | None) -> tuple[Record, str, int]:
    if stage_name is None:
        return snapshot(api), "", region.now()
    stage = existing(api["stages"], stage_name, "Invalid stage identifier specified")
    if "DeploymentId" not in stage:
        raise bad_request(f"Stage {stage_name} has no deployment")
    deployment = api["deployments"][stage["DeploymentId"]]
    base_path = "" if stage_name == "$default" else f"/{stage_name}"
    return deployment["snapshot"], base_path, deployment["CreatedDate"]


def _kept(region: Region, api: Record) -> Record:
    region.kind("httpapis")[api["about"]["ApiId"]] = api
    about: Record = api["about"]
    return about


HANDLERS = {
    "CreateApi": create_api,
    "ImportApi": import_api,
    "ReimportApi": reimport_api,
    "ExportApi": export_api,
    "GetApis": get_apis,
    "GetApi": get_api,
    "UpdateApi": update_api,
    "DeleteApi": delete_api,
    "DeleteCorsConfiguration": delete_cors_configuration,
}
