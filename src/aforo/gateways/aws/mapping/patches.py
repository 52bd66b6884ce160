"""Differences as AWS's patch operations; only what differs is sent.

A patch is {op, path, value}, its value always text. Paths are AWS's own dialect: a slash within a part is ~1.
Source: "Patch operations" of the API Gateway reference, for RestApi, Stage and UsagePlan.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aforo.gateways.aws.mapping.overlay import differing
from aforo.gateways.aws.mapping.products import METHOD_DEFAULTS
from aforo.kit.jsontree import ABSENT, Absent, Json, at, escape

Patch = dict[str, str]

_METHOD_SETTINGS: Final = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
    "cachingEnabled": "caching/enabled",
    "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cacheDataEncrypted": "caching/dataEncrypted",
    "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
    "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
}
_WHEN_CLEARED: Final = {"/apiKeySource": "HEADER", "/disableExecuteApiEndpoint": "false", "/description": "",
                        "/tracingEnabled": "false", "/cacheClusterEnabled": "false"}  # fmt: skip
NEEDS_DEPLOYMENT: Final = frozenset(
    {"policy", "apiKeySource", "binaryMediaTypes", "minimumCompressionSize", "disableExecuteApiEndpoint"}
)
"""Settings of a REST API that take effect only with the next deployment."""


def rest_api_patches(now: Mapping[str, Json], then: Mapping[str, Json]) -> list[Patch]:
    """UpdateRestApi. Tags go their own way, see `tag_changes`."""
    return list(_rest_api(now, then))


def stage_patches(now: Mapping[str, Json], then: Mapping[str, Json]) -> list[Patch]:
    """UpdateStage of a REST API."""
    patches = [_simple(pointer, new) for pointer, _, new in _changes(now, then, {"tags", "methodSettings"})]
    return [*patches, *_method_settings(_part(now, "methodSettings"), _part(then, "methodSettings"))]


def usage_plan_patches(now: Mapping[str, Json], then: Mapping[str, Json], stage: str) -> list[Patch]:
    """UpdateUsagePlan, all in one call, since AWS allows one in twenty seconds. `stage` is `<api id>:<stage>`."""
    wholes = [whole for whole in ("throttle", "quota") if whole in now and whole not in then]
    patches: list[Patch] = [{"op": "remove", "path": f"/{whole}"} for whole in wholes]
    gone = {name for name in ("throttle", "quota") if name not in then}
    changes = _changes(now, then, {"tags", "methodThrottle", *gone})
    patches += [_simple(pointer, new) for pointer, _, new in changes]
    return [*patches, *_method_throttle(_part(now, "methodThrottle"), _part(then, "methodThrottle"), stage)]


def tag_changes(now: Mapping[str, Json], then: Mapping[str, Json]) -> tuple[dict[str, str], list[str]]:
    """(to set, to remove)."""
    ours, theirs = _part(now, "tags"), _part(then, "tags")
    put = {name: str(value) for name, value in theirs.items() if ours.get(name) != value}
    return put, sorted(set(ours) - set(theirs))


def changed_members(now: Mapping[str, Json], then: Mapping[str, Json]) -> dict[str, Any]:
    """An HTTP API's or stage's top-level members that differ, whole as they are to be; ABSENT to clear one."""
    names = {pointer.split("/")[1] for pointer, _, _ in differing(now, then)} - {"tags"}
    return {name: then.get(name, ABSENT) for name in sorted(names)}


def _rest_api(now: Mapping[str, Json], then: Mapping[str, Json]) -> Iterator[Patch]:
    policy = False
    for pointer, old, new in _changes(now, then, {"tags"}):
        if pointer == "/policy" or pointer.startswith("/policy/"):
            policy = True
        elif pointer == "/binaryMediaTypes":
            yield from _set_changes(old, new, lambda one: {"path": f"/binaryMediaTypes/{escape(one)}"})
        elif pointer == "/endpointConfiguration/vpcEndpointIds":
            yield from _set_changes(
                old, new, lambda one: {"path": "/endpointConfiguration/vpcEndpointIds", "value": one}
            )
        elif pointer == "/endpointConfiguration/types":
            yield from _endpoint_type(old, new)
        else:
            yield _simple(pointer, new)
    if policy:
        wish = then.get("policy")
        yield {"op": "replace", "path": "/policy", "value": "" if wish is None else json.dumps(wish)}


def _endpoint_type(old: Json | Absent, new: Json | Absent) -> Iterator[Patch]:
    """An API has one endpoint type; its path names the one that it has now."""
    before, after = _texts(old), _texts(new)
    if before and after:
        yield {"op": "replace", "path": f"/endpointConfiguration/types/{before[0]}", "value": after[0]}


def _set_changes(old: Json | Absent, new: Json | Absent, address: Any) -> Iterator[Patch]:
    before, after = set(_texts(old)), set(_texts(new))
    for one in sorted(after - before):
        yield {"op": "add", **address(one)}
    for one in sorted(before - after):
        yield {"op": "remove", **address(one)}


def _method_settings(now: Mapping[str, Json], then: Mapping[str, Json]) -> Iterator[Patch]:
    for method in sorted({*now, *then}):
        if method not in then:
            yield {"op": "remove", "path": f"/{method}"}
            continue
        for pointer, _, new in differing(now.get(method, {}), then[method]):
            name = pointer.removeprefix("/")
            value = at(METHOD_DEFAULTS, pointer) if isinstance(new, Absent) else new
            if name in _METHOD_SETTINGS and not isinstance(value, Absent):
                yield {"op": "replace", "path": f"/{method}/{_METHOD_SETTINGS[name]}", "value": text(value)}


def _method_throttle(now: Mapping[str, Json], then: Mapping[str, Json], stage: str) -> Iterator[Patch]:
    for method in sorted({*now, *then}):
        place = f"/apiStages/{stage}/throttle/{escape(method)}"
        if method not in then:
            yield {"op": "remove", "path": place}
            continue
        for pointer, _, new in differing(now.get(method, {}), then[method]):
            if isinstance(new, Absent):
                yield {"op": "remove", "path": place + pointer}
            else:
                yield {"op": "replace", "path": place + pointer, "value": text(new)}


def _simple(pointer: str, new: Json | Absent) -> Patch:
    if not isinstance(new, Absent):
        return {"op": "replace", "path": pointer, "value": text(new)}
    if pointer in _WHEN_CLEARED:
        return {"op": "replace", "path": pointer, "value": _WHEN_CLEARED[pointer]}
    return {"op": "remove", "path": pointer}


def _changes(
    now: Mapping[str, Json], then: Mapping[str, Json], apart: set[str]
) -> list[tuple[str, Json | Absent, Json | Absent]]:
    """Differing leaves outside the members told; of a member that is wholly gone, its leaves."""
    return [row for row in differing(now, then) if row[0].split("/")[1] not in apart]


def _part(tree: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = tree.get(name)
    return part if isinstance(part, Mapping) else {}


def _texts(value: Json | Absent) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def text(value: Json) -> str:
    """A value as a patch writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
