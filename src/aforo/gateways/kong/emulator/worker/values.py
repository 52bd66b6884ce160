"""Values on their way into a Lua state and out of it. Text is bytes in latin-1 there."""

import os
import re
from collections.abc import Mapping
from typing import Any

from lupa.luajit21 import lua_type

_VAULT = re.compile(r"\{vault://env/([^}]+)\}")


def lua_text(text: str) -> str:
    """UTF-8 bytes, one a character."""
    return text.encode().decode("latin-1")


def raw(text: str) -> bytes:
    return text.encode("latin-1")


def raw_text(body: bytes) -> str:
    return body.decode("latin-1")


def for_lua(value: Any) -> Any:
    """Plain data as `table_from` takes it: nulls gone, text as bytes."""
    if isinstance(value, Mapping):
        return {lua_text(str(key)): for_lua(member) for key, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [for_lua(member) for member in value]
    return lua_text(value) if isinstance(value, str) else value


def with_references(value: Any) -> Any:
    """What a plugin gets for its configuration: references into the vault `env` resolved."""
    if isinstance(value, Mapping):
        return {key: with_references(member) for key, member in value.items()}
    if isinstance(value, list):
        return [with_references(member) for member in value]
    reference = _VAULT.fullmatch(value) if isinstance(value, str) else None
    return os.environ.get(reference[1].upper().replace("-", "_"), "") if reference else value


def python(value: Any, null: Any) -> Any:
    """A Lua value as plain data: a table with the keys 1…n is a list."""
    if value is None or value == null:
        return None
    if isinstance(value, str):
        return raw(value).decode("utf-8", "replace")
    if lua_type(value) != "table":
        return value if isinstance(value, (bool, int, float)) else None
    items = {key: member for key, member in value.items() if lua_type(member) != "function"}
    if items and set(items) == set(range(1, len(items) + 1)):
        return [python(items[index], null) for index in range(1, len(items) + 1)]
    return {str(key): python(member, null) for key, member in items.items()}
