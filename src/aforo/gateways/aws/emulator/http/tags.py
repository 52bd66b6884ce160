"""Tags of HTTP APIs and their stages, addressed by ARN."""

from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import bad_request, not_found


def get_tags(region: Region, params: Mapping[str, Any]) -> Record:
    return {"Tags": _tagged(region, params["ResourceArn"])["Tags"]}


def tag_resource(region: Region, params: Mapping[str, Any]) -> Record:
    _tagged(region, params["ResourceArn"])["Tags"].update(params.get("Tags", {}))
    return {}


def untag_resource(region: Region, params: Mapping[str, Any]) -> Record:
    tags = _tagged(region, params["ResourceArn"])["Tags"]
    for key in params["TagKeys"]:
        tags.pop(key, None)
    return {}


def _tagged(region: Region, arn: str) -> Record:
    """The object behind arn:aws:apigateway:REGION::/apis/ID or /apis/ID/stages/NAME."""
    prefix = f"arn:aws:apigateway:{region.name}::/apis/"
    api_id, *rest = arn.removeprefix(prefix).split("/")
    if not arn.startswith(prefix) or (rest and (rest[0] != "stages" or len(rest) != 2)):
        raise bad_request(f"Invalid resource ARN: {arn}")
    api = region.kind("httpapis").get(api_id)
    record: Record | None = api and (api["stages"].get(rest[1]) if rest else api["about"])
    if record is None:
        raise not_found(f"Resource not found: {arn}")
    return record


HANDLERS = {"GetTags": get_tags, "TagResource": tag_resource, "UntagResource": untag_resource}
