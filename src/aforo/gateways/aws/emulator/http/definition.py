"""An HTTP API's editable definition, and how an edit reaches the stages that deploy by themselves."""

import copy
from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region, existing

PARTS = ("routes", "integrations", "authorizers")
"""What a deployment takes a snapshot of, beside the API's CORS settings."""


def empty_api(region: Region, about: Record) -> Record:
    """A new HTTP API; not yet in the region."""
    api_id = region.new_id()
    about = {
        "ProtocolType": "HTTP",
        "RouteSelectionExpression": "$request.method $request.path",
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        "Tags": {},
        **about,
        "ApiId": api_id,
        "ApiEndpoint": f"https://{api_id}.execute-api.{region.name}.amazonaws.com",
        "CreatedDate": region.now(),
    }
    return {"about": about, "deployments": {}, "stages": {}, **{part: {} for part in PARTS}}


def the_api(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(region.kind("httpapis"), params["ApiId"], "Invalid API identifier specified " + params["ApiId"])


def snapshot(api: Record) -> Record:
    about = {name: api["about"].get(name) for name in ("Name", "Description", "CorsConfiguration")}
    return copy.deepcopy({"about": about, **{part: api[part] for part in PARTS}})


def deploy(region: Region, api: Record, description: str | None = None, *, by_itself: bool = False) -> Record:
    """A new deployment of what the API is now; no stage points to it yet."""
    record = {
        "DeploymentId": region.new_id(6),
        "DeploymentStatus": "DEPLOYED",
        "AutoDeployed": by_itself,
        "CreatedDate": region.now(),
        **({"Description": description} if description else {}),
    }
    api["deployments"][record["DeploymentId"]] = {**record, "snapshot": snapshot(api)}
    return record


def edited(region: Region, api: Record) -> None:
    """After an edit: stages that deploy by themselves now serve it, others do not."""
    for stage in api["stages"].values():
        if stage.get("AutoDeploy") and api["routes"]:
            deployment = deploy(region, api, "Automatic deployment triggered by changes to the Api configuration",
                                by_itself=True)  # fmt: skip
            key = deployment["DeploymentId"]
            words = f"Successfully deployed stage with deployment ID '{key}'"
            stage.update(DeploymentId=key, LastUpdatedDate=region.now(), LastDeploymentStatusMessage=words)
