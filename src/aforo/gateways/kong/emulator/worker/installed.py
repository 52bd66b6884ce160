"""Plugins in a folder: their code, and their schemas as Kong would tell them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..schemas import ENTITIES, Schema
from .values import python

PHASES = ("access", "header_filter", "body_filter", "log")


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin that the node has. `phases` are those of a request in which it has code."""

    name: str
    root: Path
    schema: Schema
    version: str
    priority: float
    phases: frozenset[str] = field(default_factory=frozenset)


def found(folder: Path) -> Iterator[str]:
    """Names of the plugins in the folder."""
    for handler in sorted((folder / "kong" / "plugins").glob("*/handler.lua")):
        if (handler.parent / "schema.lua").exists():
            yield handler.parent.name


def state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Differs whenever the code does."""
    files = sorted((folder / "kong" / "plugins").rglob("*.lua"))
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file in files if (stat := file.stat()))


def read(api: Any, folder: Path, name: str) -> Installed:
    """Load the plugin in a Lua state. Raises what Lua says is wrong with it."""
    handler, schema = api.handler(str(folder), name), python(api.schema(str(folder), name), api.null)
    if not isinstance(schema, dict) or not schema.get("fields"):
        raise ValueError(f"plugin {name}: its schema has no fields")
    if handler["PRIORITY"] is None or handler["VERSION"] is None:
        raise ValueError(f"plugin {name}: its handler has no PRIORITY or no VERSION")
    phases = frozenset(phase for phase in PHASES if handler[phase] is not None)
    return Installed(name, folder, told_of(schema), str(handler["VERSION"]), handler["PRIORITY"], phases)


def told_of(schema: dict[str, Any]) -> Schema:
    """With the fields of every plugin that it does not overrule, and without what is only code."""
    own = {name: node for entry in schema["fields"] for name, node in entry.items()}
    known = [name for entry in ENTITIES["plugins"]["fields"] for name in entry]
    fields = [{name: _without_code(node)} for name, node in own.items() if name in known]
    return {"fields": fields, "entity_checks": schema.get("entity_checks") or []}


def _without_code(node: Any) -> Any:
    """An empty table could be either in Lua; of a list or set it is one."""
    if isinstance(node, dict):
        if node.get("type") in ("array", "set") and node.get("default") == {}:
            node = {**node, "default": []}
        return {key: _without_code(value) for key, value in node.items() if key != "custom_validator"}
    return [_without_code(one) for one in node] if isinstance(node, list) else node
