"""What is sent: the plan's changes laid over what stands at the gateway now, touching nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Action, Entity, Step
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.kit.jsontree import ABSENT, Absent, Json, at, put, same

_READ_ONLY: Final = frozenset({"provisioningState", "isOnline", "isCurrent", "apiVersionSet", "format"})


def laid_over(fresh: Mapping[str, Json], step: Step) -> dict[str, Any]:
    """The fields after this step: all recorded ones for a creation, else `fresh` with only the step's changes."""
    target = step.target.fields if step.target else {}
    if step.action is Action.CREATE:
        return {**fresh, **target}
    tree = dict(fresh)
    changed = {pointer: value for pointer, value in step.changed.items() if pointer not in _masked(step)}
    for pointer, value in changed.items():
        put(tree, pointer, value)
    for pointer, value in changed.items():
        if isinstance(value, Absent):
            _prune(tree, target, pointer)
    return tree


def still_to_do(step: Step, fresh: Mapping[str, Json]) -> bool:
    """Whether an update has anything left to write; raises GatewayChanged if the object is not what the plan saw."""
    left = False
    for pointer, wanted in step.changed.items():
        if pointer in _masked(step):
            continue
        now = at(fresh, pointer)
        if _alike(now, wanted):
            continue
        if step.live is not None and not _alike(now, at(step.live.fields, pointer)):
            raise GatewayChanged(
                f"{step.kind} {step.key} has changed in Azure since the plan, at {pointer}. It was not written.",
                status=412,
                next_step="Look at the difference again, then restore.",
            )
        left = True
    return left


def settable(properties: Mapping[str, Any], fields: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A whole body for a PUT: Azure's members as they are, with our fields over them.

    Members that were among our fields `before` and are no longer are left out, which clears them.
    """
    cleared = before.keys() - fields.keys()
    kept = {name: value for name, value in properties.items() if name not in _READ_ONLY | cleared}
    return {**kept, **fields}


def document(fields: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A whole OpenAPI document again: the exporter's own parts come from the API's settings."""
    info = {"title": str(settings.get("displayName") or "API"), "version": str(settings.get("apiVersion") or "1.0")}
    if settings.get("description"):
        info["description"] = str(settings["description"])
    return {"openapi": "3.0.1", "info": info, "paths": {}, **fields}


def _masked(step: Step) -> frozenset[str]:
    sides: tuple[Entity | None, ...] = (step.target, step.live)
    return frozenset().union(*(side.masked for side in sides if side))


def _alike(left: Json | Absent, right: Json | Absent) -> bool:
    return (_is_nothing(left) and _is_nothing(right)) or same(left, right)


def _is_nothing(value: Json | Absent) -> bool:
    return value is None or isinstance(value, Absent)


def _prune(tree: dict[str, Json], target: Mapping[str, Json], pointer: str) -> None:
    """Objects that are empty now, and that the record does not have, go too."""
    parent = pointer.rpartition("/")[0]
    while parent and at(tree, parent) == {} and isinstance(at(target, parent), Absent):
        put(tree, parent, ABSENT)
        parent = parent.rpartition("/")[0]
