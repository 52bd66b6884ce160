"""A REST API's editable definition: resources with methods, authorizers, models, validators, gateway responses."""

import copy
from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region, existing

PARTS = ("resources", "authorizers", "models", "validators", "responses")
"""What a deployment takes a snapshot of."""

SNAPSHOT = (
    "name", "description", "version", "apiKeySource", "binaryMediaTypes", "minimumCompressionSize", "policy",
)  # fmt: skip
"""What it takes of the API itself."""

JSON_MODELS = {"Empty": "Empty Schema", "Error": "Error Schema"}


def empty_api(region: Region, about: Record) -> Record:
    """A new API with its root resource; not yet in the region."""
    root = region.new_id()
    about = {
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
        "disableExecuteApiEndpoint": False,
        "tags": {},
        **about,
        "id": region.new_id(),
        "createdDate": region.now(),
        "rootResourceId": root,
    }
    api: Record = {"about": about, "deployments": {}, "stages": {}, **{part: {} for part in PARTS}}
    api["resources"][root] = {"id": root, "path": "/", "methods": {}}
    return api


def the_api(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(region.kind("restapis"), params["restApiId"], "Invalid API identifier specified")


def snapshot(api: Record) -> Record:
    """What a deployment keeps: later edits do not reach it."""
    about = {name: api["about"].get(name) for name in SNAPSHOT}
    return copy.deepcopy({"about": about, **{part: api[part] for part in PARTS}})


def add_resource(region: Region, api: Record, parent: Record, path_part: str, kept_id: str | None = None) -> Record:
    path = parent["path"].rstrip("/") + "/" + path_part
    record: Record = {"parentId": parent["id"], "pathPart": path_part, "path": path, "methods": {}}
    record["id"] = kept_id or region.new_id(6)
    api["resources"][record["id"]] = record
    return record


def resource_at(api: Record, path: str) -> Record | None:
    return next((record for record in api["resources"].values() if record["path"] == path), None)


def used_by(region: Region, api_id: str) -> list[Record]:
    """The usage plans that name the API."""
    plans = region.kind("usageplans").values()
    return [plan for plan in plans if any(stage["apiId"] == api_id for stage in plan["apiStages"])]
