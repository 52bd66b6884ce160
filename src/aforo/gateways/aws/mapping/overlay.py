"""Lay a plan's changes over what stands at the gateway now, touching nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from aforo.gateway_sdk.contract import Action, Step
from aforo.kit.jsontree import ABSENT, Absent, Json, escape, same


def wanted(now: Mapping[str, Json], step: Step) -> dict[str, Any]:
    """The fields after this step: the recorded ones for a creation, else `now` with only the step's changes."""
    target = step.target.fields if step.target else {}
    if step.action is Action.CREATE:
        return dict(target)
    prefixes = {"/".join(pointer.split("/")[:n]) for pointer in step.changed for n in range(1, pointer.count("/") + 2)}
    laid = _laid(now, target, "", step.changed, prefixes)
    return dict(laid) if isinstance(laid, Mapping) else {}


def differing(
    now: Json | Absent, then: Json | Absent, pointer: str = ""
) -> Iterator[tuple[str, Json | Absent, Json | Absent]]:
    """Each place at which two trees differ, with both values; lists are one value."""
    ours, theirs = _members(now), _members(then)
    if ours is not None and theirs is not None:
        for name in sorted({*ours, *theirs}):
            yield from differing(ours.get(name, ABSENT), theirs.get(name, ABSENT), f"{pointer}/{escape(name)}")
    elif not same(now, then):
        yield pointer, now, then


def _laid(
    now: Json | Absent, target: Json | Absent, pointer: str, changed: Mapping[str, Json | Absent], prefixes: set[str]
) -> Json | Absent:
    if pointer in changed:
        return changed[pointer]
    if pointer not in prefixes and pointer:
        return now
    if not isinstance(now, Mapping):
        return target  # all of it was missing, its empty objects too, which no pointer names
    theirs = target if isinstance(target, Mapping) else {}
    merged: dict[str, Json] = {}
    for name in [*now, *(name for name in theirs if name not in now)]:
        there = f"{pointer}/{escape(name)}"
        value = _laid(now.get(name, ABSENT), theirs.get(name, ABSENT), there, changed, prefixes)
        if not isinstance(value, Absent):
            merged[name] = value
    return merged if merged or not isinstance(target, Absent) or not pointer else ABSENT


def _members(value: Json | Absent) -> Mapping[str, Json] | None:
    if isinstance(value, Mapping):
        return value
    return {} if isinstance(value, Absent) else None
