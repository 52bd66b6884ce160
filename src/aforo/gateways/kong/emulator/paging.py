"""Pages of a list: their size, where the next one begins, and which tags are asked for."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from .answers import invalid_offset, invalid_option, invalid_size
from .store import Row

LARGEST = 1000
_MOST_TAGS = 5
Wanted = Callable[[Row], bool]
Page = dict[str, Any]


def size_of(query: Mapping[str, str], default: int) -> int:
    if "size" not in query:
        return default
    try:
        size = float(query["size"])
    except ValueError:
        raise invalid_size("size must be a number") from None
    if not (size.is_integer() and 1 <= size <= LARGEST):
        raise invalid_size(f"size must be an integer between 1 and {LARGEST}")
    return int(size)


def offset_of(query: Mapping[str, str]) -> str | None:
    """The key after which the page begins."""
    offset = query.get("offset")
    if offset is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(offset + "=" * (-len(offset) % 4))
    except (binascii.Error, ValueError):
        raise invalid_offset(offset, "base64") from None
    try:
        value = json.loads(raw)
    except ValueError:
        raise invalid_offset(offset, "json") from None
    if not (isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)):
        raise invalid_offset(offset, "json")
    return value[0]


def _offset(key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([key]).encode()).decode().rstrip("=")


def tags_of(query: Mapping[str, str]) -> Wanted:
    """`a,b` asks for rows with both tags, `a/b` for rows with either."""
    tags = query.get("tags")
    if tags is None:
        return lambda row: True  # noqa: ARG005  every row is wanted
    if not tags:
        raise invalid_option("tags", "cannot be null")
    either, both = tags.split("/"), tags.split(",")
    if len(either) > 1 < len(both) or not all([*either, *both]) or len(either) + len(both) > _MOST_TAGS + 1:
        raise invalid_option("tags", "invalid filter syntax")
    if len(either) > 1:
        return lambda row: not set(either).isdisjoint(row["tags"] or ())
    return lambda row: set(both) <= set(row["tags"] or ())


def page(rows: Iterable[Any], size: int, path: str, query: Mapping[str, str], key: Callable[[Any], str]) -> Page:
    """One page of rows that begin after the asked offset; `key` of its last row is the next offset."""
    found = list(islice(rows, size + 1))
    if len(found) <= size:
        return {"data": found, "next": None}
    offset = _offset(key(found[size - 1]))
    kept = "".join(f"&{name}={quote(query[name], safe=',/')}" for name in ("tags", "size") if name in query)
    return {"data": found[:size], "next": f"{path}?offset={offset}{kept}", "offset": offset}
