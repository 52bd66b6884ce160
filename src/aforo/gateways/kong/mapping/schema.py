"""What a gateway tells of its own entities and plugins through GET /schemas/…: defaults, sets, twins, secrets.

Nothing about a single plugin is written down here, so one that nobody has seen is understood as well as a bundled one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

Row: TypeAlias = dict[str, Any]
"""One object as Kong's JSON has it."""

Path: TypeAlias = tuple[str, ...]
"""The way to a member; EACH stands for every element of a list and every value of a map."""

EACH: Final = "*"

_SECRET_NAME: Final = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|secret_v\d+|token|api_?key|private_key|access_key|hmac_key|authorization)$"
)


@dataclass(frozen=True, slots=True)
class Schema:
    """One entity's or plugin's schema, reduced to what comparison needs.

    defaults   what the server fills in, in the shape of an answer, nulls left out
    elements   the same for records inside lists and maps, which have no fixed place
    volatile   members of the entity itself that the server makes up: id, times
    secrets    strings that the gateway would encrypt or let come from a vault, or that are named like a password
    """

    known: bool = True
    members: frozenset[str] = frozenset()
    defaults: Row = field(default_factory=dict)
    elements: tuple[tuple[Path, Row], ...] = ()
    volatile: frozenset[str] = frozenset({"id", "created_at", "updated_at", "ws_id", "cache_key"})
    sets: tuple[Path, ...] = ()
    lists: tuple[Path, ...] = ()
    maps: tuple[Path, ...] = ()
    twins: tuple[Path, ...] = ()
    secrets: tuple[Path, ...] = ()

    def with_defaults(self, defaults: Row) -> "Schema":
        return replace(self, defaults=defaults)


UNKNOWN: Final = Schema(
    known=False, sets=(("tags",), ("methods",), ("protocols",), ("snis",), ("sources",), ("destinations",))
)
"""Where no schema can be had (a kong.yml; entities on Konnect): no defaults, and the sets that every Kong has."""


def entity_schema(told: Mapping[str, Any]) -> Schema:
    """From the answer to GET /schemas/{services|routes|plugins|upstreams|targets}."""
    return _schema(list(_members(told)))


def plugin_schema(told: Mapping[str, Any], plugins: Schema) -> Schema:
    """From GET /schemas/plugins/{name}, which is silent on what all plugins share: that comes from `plugins`."""
    own = _schema(list(_members(told)))
    return Schema(
        members=own.members | plugins.members,
        defaults={**plugins.defaults, **own.defaults},
        elements=own.elements,
        volatile=own.volatile | plugins.volatile,
        sets=(*own.sets, *(path for path in plugins.sets if path not in own.sets)),
        lists=own.lists,
        maps=own.maps,
        twins=own.twins,
        secrets=own.secrets,
    )


def _schema(members: list[tuple[str, Mapping[str, Any]]]) -> Schema:
    found = _Finds()
    _visit(members, (), found)
    made_up = {name for name, told in members if told.get("auto")}
    return Schema(
        members=frozenset(name for name, _ in members),
        defaults=_filled(members),
        elements=tuple(found.elements),
        volatile=UNKNOWN.volatile | made_up,
        sets=tuple(found.sets),
        lists=tuple(found.lists),
        maps=tuple(found.maps),
        twins=tuple(found.twins),
        secrets=tuple(found.secrets),
    )


@dataclass(slots=True)
class _Finds:
    elements: list[tuple[Path, Row]] = field(default_factory=list)
    sets: list[Path] = field(default_factory=list)
    lists: list[Path] = field(default_factory=list)
    maps: list[Path] = field(default_factory=list)
    twins: list[Path] = field(default_factory=list)
    secrets: list[Path] = field(default_factory=list)


def _visit(members: Sequence[tuple[str, Mapping[str, Any]]], path: Path, found: _Finds) -> None:
    for name, told in members:
        _visit_one(name, told, (*path, name), found)


def _visit_one(name: str, told: Mapping[str, Any], path: Path, found: _Finds) -> None:
    kind = told.get("type")
    if kind == "record":
        _visit_record(told, path, found)
    elif kind in ("set", "array"):
        (found.sets if kind == "set" else found.lists).append(path)
        _visit_element(told.get("elements"), path, found)
    elif kind == "map":
        found.maps.append(path)
        _visit_element(told.get("values"), path, found)
    if _is_secret(name, told):
        found.secrets.append(path)


def _visit_record(told: Mapping[str, Any], path: Path, found: _Finds) -> None:
    members = list(_members(told))
    _visit(members, path, found)
    names = {name for name, _ in members}
    found.twins.extend((*path, name) for name, _ in _members(told, "shorthand_fields") if name not in names)


def _visit_element(told: object, path: Path, found: _Finds) -> None:
    """Records in a list are compared as parts of the list, so only their own facts are noted, under EACH."""
    if not isinstance(told, Mapping):
        return
    inside = (*path, EACH)
    if told.get("type") == "record" and (defaults := _filled(list(_members(told)))):
        found.elements.append((inside, defaults))
    _visit_one("", told, inside, found)


def _is_secret(name: str, told: Mapping[str, Any]) -> bool:
    if told.get("encrypted") or told.get("referenceable"):
        return True
    return told.get("type") == "string" and named_like_a_secret(name)


def named_like_a_secret(name: str) -> bool:
    """Whether a member of this name holds a password or key, such as `client_secret` or `X-Api-Key`."""
    return _SECRET_NAME.search(name.lower().replace("-", "_")) is not None


def _filled(members: Sequence[tuple[str, Mapping[str, Any]]], given: Mapping[str, Any] | None = None) -> Row:
    """What Kong makes of a record of which only `given` was sent; optional records as if they had been sent empty."""
    full: Row = {}
    for name, told in members:
        value = (given or {}).get(name, told.get("default"))
        if told.get("type") == "record" and not told.get("abstract"):
            value = _filled(list(_members(told)), value) or None
        if value is not None:
            full[name] = value
    return full


def _members(told: Mapping[str, Any], part: str = "fields") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Kong writes a record's members as a list of one-member objects."""
    parts = told.get(part)
    for one in parts if isinstance(parts, list) else ():
        if isinstance(one, Mapping):
            yield from ((name, value) for name, value in one.items() if isinstance(value, Mapping))
