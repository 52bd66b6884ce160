"""What a client asks: path, query, and a body as JSON or as a form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from .answers import UNEXPECTED, UNREADABLE, Refused, unsupported_media_type
from .schemas import Schema

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_INDEX = re.compile(r"(.*)\[\d*\]\Z")


@dataclass(frozen=True, slots=True)
class Request:
    """A call below the Admin API's root; `path` is as sent, `query` has one value a name, header names are small."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw_query: str = ""

    @property
    def segments(self) -> list[str]:
        """The decoded parts of the path; as in Kong, a plus sign is a space."""
        return [unquote_plus(part) for part in self.path.split("/") if part]

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_query(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))


def read_fields(request: Request, schema: Schema) -> dict[str, Any]:
    """The fields sent; those of a form are brought to the types of the schema."""
    if request.media_type == _FORM:
        return typed(schema, _nested(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)))
    if request.media_type not in ("", _JSON):
        raise unsupported_media_type()
    return _json_object(request.body) if request.body.strip() else {}


def _json_object(body: bytes) -> dict[str, Any]:
    """A JSON object; Kong stumbles over any other JSON value but the empty array, which Lua cannot tell from `{}`."""
    try:
        value = json.loads(body)
    except ValueError:
        raise Refused(UNREADABLE) from None
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise Refused(UNEXPECTED)
    return value


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a.b=1` is a member of a member, `a[]=1`, `a[1]=1` and a repeated `a=1` are lists."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        listed = _INDEX.match(name)
        *parents, last = (listed[1] if listed else name).split(".")
        into = fields
        for parent in parents:
            if not isinstance(into.get(parent), dict):
                into[parent] = {}
            into = into[parent]
        if listed or last in into:
            into[last] = [*_listed(into.get(last)), value]
        else:
            into[last] = value
    return fields


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def typed(schema: Schema, fields: dict[str, Any]) -> dict[str, Any]:
    known = {name: node for entry in schema["fields"] for name, node in entry.items()}
    return {name: _typed(known[name], value) if name in known else value for name, value in fields.items()}


def _typed(node: Schema, value: Any) -> Any:
    kind = node["type"]
    if value == "":
        return None
    if kind in ("array", "set"):
        return [_typed(node["elements"], member) for member in _listed(value)]
    if kind == "record" and isinstance(value, dict) and "fields" in node:
        return typed(node, value)
    if kind == "map" and isinstance(value, dict):
        return {key: _typed(node["values"], member) for key, member in value.items()}
    return _scalar(kind, value) if isinstance(value, str) else value


def _scalar(kind: str, value: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if kind in ("integer", "number"):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else number
    return value
