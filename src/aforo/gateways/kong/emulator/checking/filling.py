"""Adds what was left out: defaults, empty required records, and null for everything else."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ..schemas import Schema

Draw = Callable[[str], Any]
"""Makes the value of a field that the server sets, given the field's name."""


def filled(schema: Schema, given: dict[str, Any], draw: Draw) -> dict[str, Any]:
    """`given` with every field of the schema; members that the schema does not know stay, to be refused later."""
    known = {name: _field(name, node, given, draw) for entry in schema["fields"] for name, node in entry.items()}
    return {**known, **{name: value for name, value in given.items() if name not in known}}


def _field(name: str, node: Schema, given: dict[str, Any], draw: Draw) -> Any:
    if name in given:
        return _value(node, given[name], draw)
    if node.get("auto"):
        return draw(name)
    if "default" in node:
        default = node["default"]
        return _value(node, deepcopy(default) if isinstance(default, (dict, list)) else default, draw)
    return _value(node, {}, draw) if node["type"] == "record" and node.get("required") else None


def _value(node: Schema, value: Any, draw: Draw) -> Any:
    kind = node["type"]
    if kind == "record" and isinstance(value, dict) and "fields" in node:
        return filled(node, value, draw)
    if kind in ("array", "set") and isinstance(value, list):
        members = [_value(node["elements"], member, draw) for member in value]
        return _distinct(members) if kind == "set" else members
    if kind == "map" and isinstance(value, dict):
        return {key: _value(node["values"], member, draw) for key, member in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _distinct(members: list[Any]) -> list[Any]:
    return [member for index, member in enumerate(members) if member not in members[:index]]
