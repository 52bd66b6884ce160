"""Deployments and stages of an HTTP API."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.http.apis import paged
from aforo.gateways.aws.emulator.http.definition import deploy, edited, the_api
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.wire import bad_request, conflict

_STAGE = (
    "AccessLogSettings", "AutoDeploy", "ClientCertificateId", "DefaultRouteSettings", "DeploymentId", "Description",
    "RouteSettings", "StageVariables", "Tags",
)  # fmt: skip
_SHOWN = ("DeploymentId", "DeploymentStatus", "AutoDeployed", "CreatedDate", "Description")


def create_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    if not api["routes"]:
        raise bad_request("At least one route is required before deploying the Api.")
    stage = get_stage(region, params) if params.get("StageName") else None
    record = deploy(region, api, params.get("Description"))
    if stage is not None:
        stage.update(DeploymentId=record["DeploymentId"], LastUpdatedDate=region.now())
    return record


def get_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    return picked(_deployment(the_api(region, params), params["DeploymentId"]), _SHOWN)


def get_deployments(region: Region, params: Mapping[str, Any]) -> Record:
    listed = [picked(deployment, _SHOWN) for deployment in the_api(region, params)["deployments"].values()]
    return paged(region, params, listed)


def delete_deployment(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    key = _deployment(api, params["DeploymentId"])["DeploymentId"]
    if any(stage.get("DeploymentId") == key for stage in api["stages"].values()):
        raise bad_request("Active stages pointing to this deployment must be moved or deleted")
    del api["deployments"][key]
    return {}


def create_stage(region: Region, params: Mapping[str, Any]) -> Record:
    api, name = the_api(region, params), params["StageName"]
    if name in api["stages"]:
        raise conflict("Stage already exists")
    if params.get("DeploymentId"):
        _deployment(api, params["DeploymentId"])
    moment = region.now()
    stage = {
        "StageName": name,
        "AutoDeploy": False,
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {},
        "StageVariables": {},
        "Tags": {},
        **picked(params, _STAGE),
        "CreatedDate": moment,
        "LastUpdatedDate": moment,
    }
    api["stages"][name] = stage
    if stage["AutoDeploy"]:
        edited(region, api)
    return stage


def get_stage(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(the_api(region, params)["stages"], params["StageName"], "Invalid stage identifier specified")


def get_stages(region: Region, params: Mapping[str, Any]) -> Record:
    return paged(region, params, the_api(region, params)["stages"].values())


def update_stage(region: Region, params: Mapping[str, Any]) -> Record:
    api, stage = the_api(region, params), get_stage(region, params)
    if params.get("DeploymentId"):
        if params.get("AutoDeploy", stage["AutoDeploy"]):
            raise bad_request("Deployment ID cannot be set on stages with AutoDeploy enabled")
        _deployment(api, params["DeploymentId"])
    stage.update(picked(params, set(_STAGE) - {"Tags"}), LastUpdatedDate=region.now())
    if params.get("AutoDeploy"):
        edited(region, api)
    return stage


def delete_stage(region: Region, params: Mapping[str, Any]) -> Record:
    stage = get_stage(region, params)
    del the_api(region, params)["stages"][stage["StageName"]]
    return {}


def delete_access_log_settings(region: Region, params: Mapping[str, Any]) -> Record:
    get_stage(region, params).pop("AccessLogSettings", None)
    return {}


def _deployment(api: Record, key: str) -> Record:
    return existing(api["deployments"], key, "Invalid deployment identifier specified")


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
    "DeleteAccessLogSettings": delete_access_log_settings,
}
