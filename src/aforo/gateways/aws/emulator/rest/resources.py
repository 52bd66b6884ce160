"""Resources of a REST API: its tree of paths."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.rest.definition import add_resource, resource_at, the_api
from aforo.gateways.aws.emulator.wire import bad_request, conflict

_SHOWN = ("id", "parentId", "pathPart", "path")


def create_resource(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    parent = existing(api["resources"], params["parentId"], "Invalid Resource identifier specified")
    part = params["pathPart"]
    if not part or "/" in part:
        raise bad_request("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable")
    if resource_at(api, parent["path"].rstrip("/") + "/" + part):
        raise conflict(f"Another resource with the same parent already has this name: {part}")
    return shown(add_resource(region, api, parent, part), embed=False)


def get_resources(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    embed = "methods" in params.get("embed", [])
    listed = sorted(api["resources"].values(), key=lambda resource: str(resource["path"]))
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": [shown(resource, embed=embed) for resource in items], "position": position}


def get_resource(region: Region, params: Mapping[str, Any]) -> Record:
    return shown(the_resource(region, params), embed="methods" in params.get("embed", []))


def delete_resource(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    doomed = the_resource(region, params)
    if doomed["path"] == "/":
        raise bad_request("Cannot delete the root resource")
    below = doomed["path"] + "/"
    for key, resource in list(api["resources"].items()):
        if key == doomed["id"] or resource["path"].startswith(below):
            del api["resources"][key]
    return {}


def the_resource(region: Region, params: Mapping[str, Any]) -> Record:
    api = the_api(region, params)
    return existing(api["resources"], params["resourceId"], "Invalid Resource identifier specified")


def shown(resource: Record, *, embed: bool) -> Record:
    """The resource as a list shows it: methods by name alone unless embedded."""
    told = picked(resource, _SHOWN)
    if resource["methods"]:
        told["resourceMethods"] = {name: method if embed else {} for name, method in resource["methods"].items()}
    return told


HANDLERS = {
    "CreateResource": create_resource,
    "GetResources": get_resources,
    "GetResource": get_resource,
    "DeleteResource": delete_resource,
}
