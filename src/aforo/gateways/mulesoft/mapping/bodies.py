"""Entities → what is sent to Anypoint. Pure.

Nobody knows what Anypoint does with members that a nested object leaves out, so nested objects are said whole: those
that are there now with ours laid over them. Flat members are said only where they differ.
"""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Step
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.mulesoft.mapping.marks import MONETIZED
from aforo.gateways.mulesoft.mapping.rules import ENDPOINT, SETTABLE, TIER
from aforo.kit.jsontree import ABSENT, Absent, Json, at, put

Tree = dict[str, Any]

NESTED: Final = ("endpoint", "configurationData", "tlsContext")
_APART: Final = ("tags", "disabled", "routing", "groupId", "assetId", "technology")
"""Not sent by a PATCH: written by calls of their own, or never changed while an object lives."""


def patch(step: Step, fresh: Mapping[str, Any]) -> Tree:
    """The body of a PATCH of an instance, policy or upstream, over a fresh read of it in Anypoint's own shape."""
    changed = {pointer: value for pointer, value in step.changed.items() if not _is_masked(step, pointer)}
    body: Tree = {}
    for pointer, value in changed.items():
        member = pointer.split("/")[1]
        if member in NESTED and member not in body:
            body[member] = _base(step, member, fresh)
        if member not in _APART:
            put(body, pointer, _cleared(step, pointer) if isinstance(value, Absent) else value)
    return body


def _base(step: Step, member: str, fresh: Mapping[str, Any]) -> Tree:
    now = fresh.get(member)
    if member == "configurationData":
        if step.live and any(pointer.startswith("/configurationData") for pointer in step.live.masked):
            raise _would_send_the_mask(step)
        now = fresh.get("configuration") if now is None else now
    if not isinstance(now, Mapping):
        return {}
    return {name: now[name] for name in ENDPOINT if name in now} if member == "endpoint" else dict(now)


def _would_send_the_mask(step: Step) -> GatewayError:
    return GatewayError(
        f"{step.kind} {step.key} cannot be restored: its configuration is written whole, and holds a value that "
        "Anypoint masks, which would be lost.",
        next_step="Set the fields by hand in API Manager, or tell Aforo to ignore them.",
    )


def _cleared(step: Step, pointer: str) -> Json | Absent:
    """Back to the server's default, else null; inside a policy's configuration, by leaving the member out."""
    if pointer.startswith("/configurationData/"):
        return ABSENT
    default = at(step.live.defaults, pointer) if step.live else ABSENT
    return None if isinstance(default, Absent) else default


def _is_masked(step: Step, pointer: str) -> bool:
    return any(entity is not None and pointer in entity.masked for entity in (step.target, step.live))


def tier_body(fresh: Mapping[str, Any], changed: Mapping[str, Json | Absent]) -> Tree:
    """PUT replaces a tier whole: what is there now with ours laid over it."""
    body: Tree = {name: fresh[name] for name in SETTABLE[TIER] if fresh.get(name) is not None}
    for pointer, value in changed.items():
        put(body, pointer, value)
    return {"limits": [], "autoApprove": False, **body}


def new_tier(target: Entity) -> Tree:
    return tier_body({}, {f"/{name}": value for name, value in target.fields.items()})


def new_policy(target: Entity) -> Tree:
    """What was asked for; what Anypoint masked was never told to us and cannot be sent."""
    wished = target.wished()
    kept = {name: wished[name] for name in SETTABLE["policy"] if name in wished and name != "disabled"}
    return {"configurationData": {}, "pointcutData": None, **kept}


def new_upstream(target: Entity) -> Tree:
    return {name: target.fields[name] for name in ("label", "uri", "tlsContext") if name in target.fields}


def new_api(target: Entity) -> Tree:
    """An instance of the recorded version. Description, tags and routes are set afterwards."""
    fields = target.wished()
    endpoint = {"uri": None, "proxyUri": None, "isCloudHub": None, **_mapping(fields.get("endpoint"))}
    body: Tree = {
        "spec": {
            "groupId": fields.get("groupId"),
            "assetId": fields.get("assetId"),
            "version": fields.get("assetVersion"),
        },
        "endpoint": endpoint,
    }
    return body | {name: fields[name] for name in ("instanceLabel", "technology", "providerId") if name in fields}


def _mapping(value: Json) -> Tree:
    return dict(value) if isinstance(value, Mapping) else {}


def routes(told: Json | Absent, ids: Mapping[str, str]) -> list[Tree]:
    """Routes with upstreams named by id again. Raises GatewayError for one that is not there."""
    return [_route(dict(route), ids) for route in told if isinstance(route, Mapping)] if isinstance(told, list) else []


def _route(route: Tree, ids: Mapping[str, str]) -> Tree:
    upstreams = []
    for upstream in route.get("upstreams") or ():
        key = str(upstream["upstream"])
        if key not in ids:
            raise GatewayError(
                f"The routes cannot be restored: they lead to upstream {key}, which is not there.",
                next_step="Restore the upstream as well, or tell Aforo to ignore the routes.",
            )
        upstreams.append({"id": ids[key], **{name: upstream[name] for name in ("weight",) if name in upstream}})
    return {**route, "upstreams": upstreams}


def differing_tags(now: Json | Absent, wanted: Json | Absent) -> tuple[list[str], list[str]]:
    """Tags to add and tags to take away; the one that says that Aforo sells the instance is none of them."""
    has = {str(tag) for tag in now} - {MONETIZED} if isinstance(now, list) else set()
    wants = {str(tag) for tag in wanted} if isinstance(wanted, list) else set()
    return sorted(wants - has), sorted(has - wants)


def all_changed(target: Entity, live: Entity) -> dict[str, Json | Absent]:
    """Every top-level member in which a live object differs from the record, for one that came up meanwhile."""
    names = {*target.fields, *live.fields}
    return {
        f"/{name}": at(target.fields, f"/{name}")
        for name in sorted(names)
        if target.fields.get(name) != live.fields.get(name)
    }
