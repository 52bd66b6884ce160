"""Deployments and stages of a REST API, and the export of what a stage serves."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.document import write_document
from aforo.gateways.aws.emulator.patch import Convert, Paths, boolean, integer, number, patched
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.rest.definition import snapshot, the_api, used_by
from aforo.gateways.aws.emulator.rest.openapi_out import render
from aforo.gateways.aws.emulator.wire import bad_request, conflict

_STAGE = ("description", "variables", "cacheClusterEnabled", "cacheClusterSize", "tracingEnabled", "tags",
          "documentationVersion")  # fmt: skip
_SETTINGS: Mapping[str, tuple[str, Convert]] = {
    "metrics/enabled": ("metricsEnabled", boolean), "logging/loglevel": ("loggingLevel", str),
    "logging/dataTrace": ("dataTraceEnabled", boolean), "throttling/burstLimit": ("throttlingBurstLimit", integer),
    "throttling/rateLimit": ("throttlingRateLimit", number), "caching/enabled": ("cachingEnabled", boolean),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", integer), "caching/dataEncrypted": ("cacheDataEncrypted", boolean),
}  # fmt: skip
_STOCK_SETTINGS: Record = {
    "metricsEnabled": False, "loggingLevel": "OFF", "dataTraceEnabled": False, "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0, "cachingEnabled": False, "cacheTtlInSeconds": 300, "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}  # fmt: skip
_PATCHABLE: Paths = {
    "/description": str, "/deploymentId": str, "/variables/*": str, "/accessLogSettings/destinationArn": str,
    "/accessLogSettings/format": str, "/accessLogSettings": str, "/tracingEnabled": boolean,
    "/cacheClusterEnabled": boolean, "/cacheClusterSize": str, "/clientCertificateId": str,
}  # fmt: skip
_PATCHABLE_SETTINGS = "/{resourcePath}/{httpMethod}/" + "|".join(sorted(_SETTINGS))


def create_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    """Nothing is live before this; a stage that is not there yet is made."""
    api = the_api(region, params)
    _check_deployable(api)
    record = {"id": region.new_id(6), "createdDate": region.now(), **picked(params, ["description"])}
    api["deployments"][record["id"]] = {**record, "snapshot": snapshot(api)}
    name = params.get("stageName")
    if name in api["stages"]:
        api["stages"][name].update(deploymentId=record["id"], lastUpdatedDate=region.now())
    elif name:
        _add_stage(region, api, name, record["id"], params)
    return record


def get_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    return _shown(_deployment(the_api(region, params), params["deploymentId"]))


def get_deployments(region: Region, params: Mapping[str, Any]) -> Record:
    listed = [_shown(deployment) for deployment in the_api(region, params)["deployments"].values()]
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


def delete_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    _deployment(api, params["deploymentId"])
    if any(stage["deploymentId"] == params["deploymentId"] for stage in api["stages"].values()):
        raise bad_request("Active stages pointing to this deployment must be moved or deleted")
    del api["deployments"][params["deploymentId"]]
    return {}


def create_stage(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    if params["stageName"] in api["stages"]:
        raise conflict("Stage already exists")
    _deployment(api, params["deploymentId"])
    return _add_stage(region, api, params["stageName"], params["deploymentId"], params)


def get_stage(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(the_api(region, params)["stages"], params["stageName"], "Invalid stage identifier specified")


def get_stages(region: Region, params: Mapping[str, Any]) -> Record:
    """All at once: this list has no pages."""
    wanted = params.get("deploymentId")
    stages = the_api(region, params)["stages"].values()
    return {"item": [stage for stage in stages if wanted in (None, stage["deploymentId"])]}


def update_stage(region: Region, params: Mapping[str, Any]) -> Record:
    api, stage = the_api(region, params), get_stage(region, params)
    plain: list[Mapping[str, str]] = []
    settings: list[Mapping[str, str]] = []
    for operation in params.get("patchOperations", []):
        (settings if _setting(operation.get("path", "")) else plain).append(operation)
        if operation.get("path") == "/deploymentId":
            _deployment(api, operation.get("value", ""))
        if operation.get("path", "").startswith("/accessLogSettings/") and operation.get("op") != "remove":
            _may_log(region)
    patched(stage, plain, {**_PATCHABLE, _PATCHABLE_SETTINGS: str})
    if not stage.get("accessLogSettings", {"": ""}):
        del stage["accessLogSettings"]
    for operation in settings:
        _set(stage, operation)
    stage["lastUpdatedDate"] = region.now()
    return stage


def delete_stage(region: Region, params: Mapping[str, Any]) -> Record:
    api, stage = the_api(region, params), get_stage(region, params)
    mark = {"apiId": api["about"]["id"], "stage": stage["stageName"]}
    for plan in used_by(region, api["about"]["id"]):
        if any(mark.items() <= attached.items() for attached in plan["apiStages"]):
            raise bad_request(f"Cannot delete stage '{stage['stageName']}': it is in usage plan {plan['id']}")
    del api["stages"][stage["stageName"]]
    return {}


def get_export(region: Region, params: Mapping[str, Any]) -> Record:
    """The deployed API as OpenAPI 3.0; edits since the stage's deployment do not show."""
    api, stage = the_api(region, params), get_stage(region, params)
    if params["exportType"] != "oas30":
        raise bad_request("Invalid export type specified: this emulator knows oas30")
    accepts = params.get("accepts", "application/json")
    media_type = "application/yaml" if "yaml" in accepts else "application/json"
    extensions = params.get("parameters", {}).get("extensions", "").split(",")
    deployment = _deployment(api, stage["deploymentId"])
    document = render(
        deployment["snapshot"],
        api["about"]["id"],
        region.name,
        stage["stageName"],
        deployment["createdDate"],
        extensions,
    )
    filename = f"{api['about']['name']}-{stage['stageName']}-oas30.{media_type.rpartition('/')[2]}"
    return {
        "contentType": media_type,
        "contentDisposition": f'attachment; filename="{filename}"',
        "body": write_document(document, media_type),
    }


def _check_deployable(api: Record) -> None:
    methods = [method for resource in api["resources"].values() for method in resource["methods"].values()]
    if not methods:
        raise bad_request("The REST API doesn't contain any methods")
    if any("methodIntegration" not in method for method in methods):
        raise bad_request("No integration defined for method")


def _add_stage(region: Region, api: Record, name: str, deployment_id: str, params: Mapping[str, Any]) -> Record:
    moment = region.now()
    stage = {
        "stageName": name,
        "deploymentId": deployment_id,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        **picked(params, set(_STAGE) - {"description"} if "stageDescription" in params else _STAGE),
        "createdDate": moment,
        "lastUpdatedDate": moment,
    }
    if "stageDescription" in params:
        stage["description"] = params["stageDescription"]
    api["stages"][name] = stage
    return stage


def _may_log(region: Region) -> None:
    if not region.kind("account").get("cloudwatchRoleArn"):
        raise bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging")


def _deployment(api: Record, key: str) -> Record:
    return existing(api["deployments"], key, "Invalid deployment identifier specified")


def _shown(deployment: Record) -> Record:
    return picked(deployment, ("id", "description", "createdDate"))


def _setting(path: str) -> tuple[str, str] | None:
    """(resource path/METHOD, setting) of a path such as /~1pets/GET/throttling/rateLimit or /*/*/logging/loglevel."""
    route, *named = path.rsplit("/", 2)
    setting = "/".join(named)
    return (route.replace("~1", "/").lstrip("/"), setting) if setting in _SETTINGS else None


def _set(stage: Record, operation: Mapping[str, str]) -> None:
    route, setting = _setting(operation["path"]) or ("", "")
    member, convert = _SETTINGS[setting]
    if operation["op"] == "remove":
        stage["methodSettings"].pop(route, None)
        return
    settings = stage["methodSettings"].setdefault(route, dict(_STOCK_SETTINGS))
    settings[member] = convert(operation.get("value", ""))


HANDLERS = {
    "CreateDeployment": create_deployment,
    "GetDeployment": get_deployment,
    "GetDeployments": get_deployments,
    "DeleteDeployment": delete_deployment,
    "CreateStage": create_stage,
    "GetStage": get_stage,
    "GetStages": get_stages,
    "UpdateStage": update_stage,
    "DeleteStage": delete_stage,
    "GetExport": get_export,
}
