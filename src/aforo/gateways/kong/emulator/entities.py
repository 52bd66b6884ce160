"""Creating, replacing, changing, deleting and showing entities, as the Admin API does."""

import secrets
import string
import uuid
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from math import ceil
from typing import Any

from .answers import (
    UNEXPECTED,
    Refused,
    foreign_key_missing,
    foreign_key_unresolved,
    invalid_option,
    no_such_entity,
    primary_key_taken,
    schema_violation,
    still_referenced,
)
from .checking import UUID, expanded, field_code, filled, from_url, route_violations, violations, with_twins
from .kinds import KINDS, Kind
from .schemas import ENTITIES, PLUGINS, Schema
from .store import Row, Store

Parent = tuple[str, str]
"""A foreign key: its member and the id that it names."""

LONGEST_TTL_SECONDS = 100_000_000
_LETTERS = string.ascii_letters + string.digits


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_key() -> str:
    """32 letters and digits, as Kong makes keys."""
    return "".join(secrets.choice(_LETTERS) for _ in range(32))


class Entities:
    """The entities in a store, under the rules of their schemas and of the plugins that the node has."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], float],
        plugins: Mapping[str, Schema] | None = None,
        draw_id: Callable[[], str] = new_uuid,
        draw_key: Callable[[], str] = new_key,
    ) -> None:
        self.store = store
        self._given = {**PLUGINS, **(plugins or {})}
        self._with_code: Mapping[str, Schema] = {}
        self.plugins: dict[str, Schema] = self._given
        self._now = now
        self._draw_id = draw_id
        self._draw_key = draw_key
        self._composed: dict[str, Schema] = {}
        self._shown: dict[str, tuple[Row, dict[str, Any]]] = {}

    def install(self, plugins: Mapping[str, Schema]) -> None:
        """Have these plugins besides those that the node came with, and no others."""
        self._with_code = plugins
        self.plugins = {**self._given, **plugins}
        self._composed.clear()
        self._shown.clear()

    def learn(self, name: str, schema: Schema) -> None:
        """Know one more plugin, by its schema alone."""
        self._given[name] = schema
        self.install(self._with_code)

    def forget(self, name: str) -> None:
        self._given.pop(name, None)
        self.install(self._with_code)

    def schema(self, kind: Kind, plugin: object = None) -> Schema:
        """The schema of a kind; of a plugin, the entity's with the plugin's own fields and rules in it."""
        if kind.name != "plugins" or not isinstance(plugin, str) or not plugin:
            return kind.schema
        if plugin not in self.plugins:
            hint = "not enabled; add it to the 'plugins' configuration property"
            raise schema_violation({"name": f"plugin '{plugin}' {hint}"})
        if plugin not in self._composed:
            self._composed[plugin] = _composed(self.plugins[plugin])
        return self._composed[plugin]

    def find(self, kind: Kind, ref: str, parent: Parent | None = None) -> Row | None:
        """The entity with this id or handle, below the parent if one is given."""
        row = self.store.get(kind, ref) if UUID.match(ref) else None
        row = row or self.store.by_handle(kind, ref, parent)
        return row if row is None or parent is None or _is_below(row, parent) else None

    def create(self, kind: Kind, given: dict[str, Any], parent: Parent | None = None) -> Row:
        row = self._checked(kind, _below(given, parent))
        if self.store.get(kind, row["id"]) is not None:
            raise primary_key_taken(row["id"])
        return self._stored(kind, row)

    def replace(self, kind: Kind, ref: str, given: dict[str, Any], parent: Parent | None = None) -> Row:
        """Create or replace the entity at `ref`; what the path says wins over the body."""
        existing = self.find(kind, ref, parent)
        by_id = existing is None and UUID.match(ref)
        named = {} if UUID.match(ref) else {kind.handle: ref}
        known = {"id": ref} if by_id else {} if existing is None else {"id": existing["id"]}
        return self._stored(kind, self._checked(kind, {**_below(given, parent), **named, **known}))

    def change(self, kind: Kind, row: Row, given: dict[str, Any]) -> Row:
        """Merge: records by member, everything else whole; null clears."""
        schema = self.schema(kind, given.get("name", row.get("name")))
        base = {name: value for name, value in row.items() if name != "expires_at"}
        moved = {"updated_at": self._drawn("updated_at", kind)} if "updated_at" in row else {}
        merged = {**_merged(schema, base, _rewritten(kind, schema, given)), **moved, "id": row["id"]}
        changed = self._checked(kind, merged)
        if "expires_at" in row and "ttl" not in given:
            changed["expires_at"] = row["expires_at"]
        return self._stored(kind, changed)

    def remove(self, kind: Kind, row: Row) -> None:
        """Delete with everything that cascades; refused while something else refers to it."""
        dependants = [
            (child, member, dependant)
            for child in KINDS.values()
            for member, parents in child.parents.items()
            if parents == kind.name
            for dependant in list(self.store.children(child, member, row["id"]))
        ]
        for child, member, _ in dependants:
            if not child.cascades(member):
                raise still_referenced(kind.name, child.name)
        for child, _, dependant in dependants:
            self.remove(child, dependant)
        self.store.remove(kind, row["id"])
        self._shown.pop(row["id"], None)

    def missing(self, kind: Kind, ref: str) -> Refused:
        return no_such_entity({"id" if UUID.match(ref) else kind.handle: ref})

    def show(self, kind: Kind, row: Row) -> dict[str, Any]:
        """What is answered for a row: with deprecated twins and the seconds left."""
        cached = self._shown.get(row["id"])
        if cached is None or cached[0] is not row:
            shown = with_twins(self.schema(kind, row["name"] if kind.name == "plugins" else None), row)
            shown.pop("expires_at", None)
            cached = row, {"ttl": None, **shown} if kind.has_ttl else shown
            self._shown[row["id"]] = cached
        if "expires_at" in row:
            return {**cached[1], "ttl": max(0, ceil(row["expires_at"] - self._now()) - 1)}
        return cached[1]

    def check(self, kind: Kind, given: dict[str, Any]) -> None:
        """Raise what a POST of these fields would be refused with, apart from clashes with other entities."""
        self._checked(kind, given)

    def _stored(self, kind: Kind, row: Row) -> Row:
        """The row as it is kept and answered: with its members in no telling order."""
        self.store.refuse_taken(kind, row)
        self._refuse_dangling(kind, row)
        self.store.put(kind, stored := _shuffled(row))
        return stored

    def _checked(self, kind: Kind, given: dict[str, Any]) -> Row:
        expiry = self._expiry(given) if kind.has_ttl else {}
        name = given.get("name") if kind.name == "plugins" else None
        plugin = name if isinstance(name, str) else None
        schema = self.schema(kind, plugin)
        sent = _rewritten(
            kind, schema, {name: value for name, value in given.items() if name != "ttl" or not kind.has_ttl}
        )
        row = filled(schema, self._resolved(kind, sent), lambda name: self._drawn(name, kind))
        errors = violations(schema, row, field_code(kind.name, plugin))
        if kind.name == "routes":
            errors = route_violations(row, errors)
        if errors:
            raise schema_violation(errors)
        return {**row, **expiry}

    def _expiry(self, given: dict[str, Any]) -> dict[str, float]:
        ttl = given.get("ttl")
        if ttl is None or ttl == 0:
            return {}
        if not isinstance(ttl, (int, float)):
            raise Refused(UNEXPECTED)
        if not 0 <= ttl <= LONGEST_TTL_SECONDS or ttl != int(ttl):
            raise invalid_option("ttl", f"must be an integer between 0 and {LONGEST_TTL_SECONDS}")
        return {"expires_at": self._now() + ttl}

    def _drawn(self, name: str, kind: Kind) -> Any:
        if name == "id":
            return self._draw_id()
        if name in ("created_at", "updated_at"):
            return round(self._now(), 3) if kind.name == "targets" else int(self._now())
        return self._draw_key()

    def _resolved(self, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
        """References by name become references by id."""
        resolved = dict(given)
        for member, parents in kind.parents.items():
            handle = KINDS[parents].handle
            value = given.get(member)
            if isinstance(value, dict) and "id" not in value and isinstance(value.get(handle), str):
                row = self.store.by_handle(KINDS[parents], value[handle])
                if row is None:
                    raise foreign_key_unresolved(member, parents, handle, value[handle])
                resolved[member] = {"id": row["id"]}
            elif isinstance(value, dict) and "id" in value:
                resolved[member] = {"id": value["id"]}
        return resolved

    def _refuse_dangling(self, kind: Kind, row: Row) -> None:
        for member, node in kind.nodes.items():
            if node["type"] == "foreign" and row[member] is not None:
                parents, row_id = node["reference"], row[member]["id"]
                if parents not in KINDS or self.store.get(KINDS[parents], row_id) is None:
                    raise foreign_key_missing(member, parents, row_id)


def _without_ttl(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "ttl"}


def _composed(plugin: Schema) -> Schema:
    own = {name: node for entry in plugin["fields"] for name, node in entry.items()}
    fields = [{name: own.get(name, node)} for entry in ENTITIES["plugins"]["fields"] for name, node in entry.items()]
    return {"fields": fields, "entity_checks": plugin.get("entity_checks", [])}


def _rewritten(kind: Kind, schema: Schema, given: dict[str, Any]) -> dict[str, Any]:
    return expanded(schema, from_url(given) if kind.name == "services" else given)


def _merged(schema: Schema, base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: node for entry in schema["fields"] for name, node in entry.items()}
    merged = dict(base)
    for name, value in given.items():
        node, old = known.get(name, {}), base.get(name)
        deeper = node.get("type") == "record" and isinstance(value, dict) and isinstance(old, dict)
        merged[name] = _merged(node, old, value) if deeper and old is not None else value
    return merged


def _below(given: dict[str, Any], parent: Parent | None) -> dict[str, Any]:
    return given if parent is None else {**given, parent[0]: {"id": parent[1]}}


def _is_below(row: Row, parent: Parent) -> bool:
    return row[parent[0]] is not None and bool(row[parent[0]]["id"] == parent[1])


def _shuffled(row: Row) -> Row:
    return {name: _shuffled_value(row[name]) for name in sorted(row, key=_place)}


def _shuffled_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _shuffled(value)
    return [_shuffled_value(member) for member in value] if isinstance(value, list) else value


@cache
def _place(name: str) -> int:
    """Where a member stands in an answer: always the same place, but not the one in which it was sent."""
    return zlib.crc32(name.encode())
