"""Fields that stand for others: rewritten when they come in, and some of them answered again as twins."""

import re
from typing import Any

from .. import lua
from ..answers import schema_violation
from ..schemas import Schema

_RENAMED = {
    "endpoint": "traces_endpoint",
    "cookie_lifetime": "rolling_timeout",
    "cookie_idletime": "idling_timeout",
    "cookie_samesite": "cookie_same_site",
    "cookie_httponly": "cookie_http_only",
    "cookie_persistent": "remember",
    "cookie_discard": "stale_ttl",
}
"""Shorthands of opentelemetry and session whose schema does not say for what they stand; others are dropped."""

_TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][\w+.-]*):)?(?://(?:[^@/?#]*@)?(?P<host>[^:/?#]*)(?::(?P<port>[^/?#]*))?)?(?P<path>[^?#]*)"
)
_USUAL_PORTS = {"http": 80, "https": 443}


def expanded(schema: Schema, given: dict[str, Any]) -> dict[str, Any]:
    """`given` without shorthands; one of the wrong type stays where it is, so that it is refused by its own name."""
    kept = dict(given)
    for entry in schema.get("shorthand_fields", []):
        for name, node in entry.items():
            if name in kept and _fits(node, kept[name]):
                _move(kept, name, _stands_for(name, node))
    for entry in schema["fields"]:
        for name, node in entry.items():
            if node["type"] == "record" and "fields" in node and isinstance(kept.get(name), dict):
                kept[name] = expanded(node, kept[name])
    return kept


def _move(kept: dict[str, Any], name: str, path: list[str]) -> None:
    """A shorthand fills what is unsaid or null; refused when it contradicts what is said, unnoticed when it is null."""
    value, said = kept.pop(name), _get(kept, path)
    if value is not None and said is not None and path and said != value:
        why = f"{name} = {lua.plain(value)} vs {'.'.join(path)} = {lua.plain(said)}"
        both = "both deprecated and new field are used but their values mismatch"
        raise schema_violation({name: f"{both}: {why}"})
    if path and said is None and (value is not None or not _is_said(kept, path)):
        _set(kept, path, value)


def with_twins(schema: Schema, stored: dict[str, Any]) -> dict[str, Any]:
    """What is answered for `stored`: deprecated fields with a stated replacement are shown beside it."""
    shown = dict(stored)
    for entry in schema["fields"]:
        for name, node in entry.items():
            if node["type"] == "record" and "fields" in node and isinstance(shown.get(name), dict):
                shown[name] = with_twins(node, shown[name])
    for entry in schema.get("shorthand_fields", []):
        for name, node in entry.items():
            if "replaced_with" in node.get("deprecation", {}):
                shown[name] = _get(shown, _stands_for(name, node))
    return shown


def from_url(given: dict[str, Any]) -> dict[str, Any]:
    """A service's `url` taken apart; parts that it lacks stay unsaid, its query is lost."""
    if not isinstance(given.get("url"), str):
        return given
    found = _URL.match(given["url"])
    parts: dict[str, Any] = {} if found is None else found.groupdict()
    said = {"protocol": parts.get("scheme"), "host": parts.get("host"), "port": _port(parts), "path": parts.get("path")}
    rest = {name: value for name, value in given.items() if name != "url"}
    return {**rest, **{name: value for name, value in said.items() if value}}


def _port(parts: dict[str, Any]) -> int | str | None:
    port: str | None = parts.get("port")
    if port is None:
        return _USUAL_PORTS.get(parts.get("scheme") or "")
    return int(port) if port.isdecimal() else port


def _fits(node: Schema, value: object) -> bool:
    wrong_bool = isinstance(value, bool) and node["type"] != "boolean"
    return value is None or (isinstance(value, _TYPES[node["type"]]) and not wrong_bool)


def _stands_for(name: str, node: Schema) -> list[str]:
    replaced: list[dict[str, list[str]]] = node.get("deprecation", {}).get("replaced_with", [])
    if replaced:
        return replaced[0]["path"]
    return [_RENAMED[name]] if name in _RENAMED else []


def _set(into: dict[str, Any], path: list[str], value: object) -> None:
    """Set the member at the path; where something else than a record is in its way, that will be refused."""
    for name in path[:-1]:
        above = into.get(name)
        if above is not None and not isinstance(above, dict):
            return
        into[name] = dict(above or {})
        into = into[name]
    into[path[-1]] = value


def _is_said(kept: dict[str, Any], path: list[str]) -> bool:
    above = _get(kept, path[:-1])
    return isinstance(above, dict) and path[-1] in above


def _get(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
