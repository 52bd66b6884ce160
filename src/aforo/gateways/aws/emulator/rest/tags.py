"""Tags of REST APIs, stages, usage plans and API keys, addressed by ARN."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import bad_request, not_found

_KINDS = {"restapis": "restapis", "usageplans": "usageplans", "apikeys": "apikeys"}


def get_tags(region: Region, params: Mapping[str, Any]) -> Record:
    return {"tags": _tagged(region, params["resourceArn"]).get("tags", {})}


def tag_resource(region: Region, params: Mapping[str, Any]) -> Record:
    _tagged(region, params["resourceArn"]).setdefault("tags", {}).update(params["tags"])
    return {}


def untag_resource(region: Region, params: Mapping[str, Any]) -> Record:
    tags = _tagged(region, params["resourceArn"]).setdefault("tags", {})
    for key in params["tagKeys"]:
        tags.pop(key, None)
    return {}


def _tagged(region: Region, arn: str) -> Record:
    """The object behind arn:aws:apigateway:REGION::/restapis/ID[/stages/NAME], /usageplans/ID or /apikeys/ID."""
    prefix = f"arn:aws:apigateway:{region.name}::/"
    path = arn.removeprefix(prefix).split("/")
    if path == [arn] or path[0] not in _KINDS or len(path) not in {2, 4}:
        raise bad_request(f"Invalid resource ARN: {arn}")
    record = region.kind(path[0]).get(path[1])
    if record is not None and len(path) == 4:
        record = record["stages"].get(path[3])
    elif record is not None and path[0] == "restapis":
        record = record["about"]
    if record is None:
        raise not_found(f"Resource not found: {arn}")
    return record


HANDLERS = {"GetTags": get_tags, "TagResource": tag_resource, "UntagResource": untag_resource}
