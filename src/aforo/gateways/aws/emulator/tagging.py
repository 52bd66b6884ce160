"""GetResources of the tagging service, for what lies here and not in moto: tagged APIs, stages, plans and keys."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import Answer, Call

TARGET = "ResourceGroupsTaggingAPI_20170126.GetResources"


def with_ours(answer: Answer, call: Call, region: Region) -> Answer:
    """moto's answer with our objects before its own; all on one page."""
    told = json.loads(answer.body)
    asked = json.loads(call.body or b"{}")
    told["ResourceTagMappingList"] = [*found(region, asked), *told["ResourceTagMappingList"]]
    return Answer(answer.status, json.dumps(told).encode(), answer.headers)


def found(region: Region, asked: Mapping[str, Any]) -> Iterator[Record]:
    """Objects with tags that meet all tag filters and any of the type filters."""
    for path, tags in _tagged(region):
        kind = "apigateway:" + "/".join(path.split("/")[::2])
        if tags and _is_wanted(asked, kind, tags):
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            yield {"ResourceARN": f"arn:aws:apigateway:{region.name}::/{path}", "Tags": pairs}


def _is_wanted(asked: Mapping[str, Any], kind: str, tags: Mapping[str, str]) -> bool:
    kinds = asked.get("ResourceTypeFilters", [])
    if kinds and not any(kind == wanted or wanted == "apigateway" for wanted in kinds):
        return False
    return all(
        rule["Key"] in tags and (not rule.get("Values") or tags[rule["Key"]] in rule["Values"])
        for rule in asked.get("TagFilters", [])
    )


def _tagged(region: Region) -> Iterator[tuple[str, dict[str, str]]]:
    """(path, tags) of everything that can carry tags."""
    for kind, path, tags in (("restapis", "restapis", "tags"), ("httpapis", "apis", "Tags")):
        for key, api in region.kind(kind).items():
            yield f"{path}/{key}", api["about"].get(tags, {})
            for name, stage in api["stages"].items():
                yield f"{path}/{key}/stages/{name}", stage.get(tags, {})
    for kind in ("usageplans", "apikeys"):
        for key, record in region.kind(kind).items():
            yield f"{kind}/{key}", record.get("tags", {})
