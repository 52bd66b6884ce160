"""Kong's JSON → entities, by named rules that can be listed, read and taken away one at a time.

No rule is needed for numbers: 1 and 1.0 are already one value wherever trees are compared (`kit.jsontree`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aforo.gateway_sdk.contract import Entity
from aforo.gateways.kong.mapping.schema import EACH, UNKNOWN, Path, Row, Schema, named_like_a_secret
from aforo.kit.jsontree import canonical, escape, leaves

MARK: Final = "aforo"
MONETIZED: Final = "aforo-monetized"
"""The tag on what Aforo itself has made, or lists in a file that a sync applies."""

ARTIFACT: Final = "aforo-artifact:"
"""Begins the tag on the plugin that Aforo itself has attached; the integration's id follows."""

THIS: Final = "this"
"""How a plugin refers to its product's service. There is only one, and its name is a field of its own."""

_MASK: Final = re.compile(
    r"^(\*{3,}|•{3,}|x{8,}|<(redacted|masked|hidden)>|\[(redacted|masked|hidden)\])$", re.IGNORECASE
)
_ELSEWHERE: Final = re.compile(r"^(\{vault://.+\}|\$\{\{.+\}\})$")
_SECRET_HEADER: Final = re.compile(
    r"^(proxy-)?(authorization|cookie|x-api-key|api-?key|x-auth-token)\s*:\s*\S", re.IGNORECASE
)

Names = Mapping[str, str]
"""Native id → key, of everything that a row may refer to."""


@dataclass(slots=True)
class Draft:
    """An entity on its way: the rules change it in turn."""

    kind: str
    schema: Schema
    fields: Row
    names: Names
    defaults: Row = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set)


class Rule(NamedTuple):
    """One reason why two answers that read differently say the same. `shapes`: holds for the defaults as well."""

    name: str
    apply: Callable[[Draft], None]
    shapes: bool = False


def _drop_volatile(draft: Draft) -> None:
    for name in draft.schema.volatile:
        draft.fields.pop(name, None)


def _type_empty_tables(draft: Draft) -> None:
    """Lua has one empty table, so some versions write an empty list as {} and an empty map as []."""
    for paths, empty in (((*draft.schema.sets, *draft.schema.lists), []), (draft.schema.maps, {})):
        for path in paths:
            for holder, name in _places(draft.fields, path):
                if holder[name] in ([], {}):
                    holder[name] = empty.copy()


def _drop_twins(draft: Draft) -> None:
    for path in draft.schema.twins:
        for holder, name in _places(draft.fields, path):
            del holder[name]


def _name_references(draft: Draft) -> None:
    """An id becomes the key of what it points to. A route's or target's parent is the product's own: it is implied."""
    for name in _PARENTS.get(draft.kind, ()):
        draft.fields.pop(name, None)
    for name in _REFERENCES.get(draft.kind, ()):
        told = draft.fields.get(name)
        if isinstance(told, dict) and isinstance(told.get("id"), str):
            draft.fields[name] = THIS if name == "service" else draft.names.get(told["id"], told["id"])
            if name == "route":
                draft.references[f"/{name}"] = name


def _drop_defaults_in_elements(draft: Draft) -> None:
    """A record inside a list has no fixed place to which a default could be noted, so the default goes."""
    for path, defaults in draft.schema.elements:
        for holder, name in _places(draft.fields, path):
            record = holder[name]
            if isinstance(record, dict):
                holder[name] = {key: value for key, value in record.items() if not _equal(value, defaults.get(key))}


def _drop_nulls(draft: Draft) -> None:
    """A null is the same as nothing, unless it overrules a default."""
    draft.fields = _without_nulls(draft.fields, draft.schema.defaults, draft.schema.maps)


def _sort_sets(draft: Draft) -> None:
    for path in draft.schema.sets:
        for holder, name in _places(draft.fields, path):
            if isinstance(holder[name], list):
                holder[name] = sorted(holder[name], key=_order)


def _learn_defaults(draft: Draft) -> None:
    draft.defaults = draft.schema.defaults


def _point_out_secrets(draft: Draft) -> None:
    for pointer, value in _secrets(draft):
        if not _all_texts(value, _ELSEWHERE):
            draft.secrets.add(pointer)


def _point_out_masked(draft: Draft) -> None:
    for pointer, value in _secrets(draft):
        if _all_texts(value, _MASK):
            draft.masked.add(pointer)


def _drop_our_tag(draft: Draft) -> None:
    """The tag on what is sold is Aforo's own: setting or taking it is nobody's drift."""
    tags = draft.fields.get("tags")
    if isinstance(tags, list) and MONETIZED in tags:
        draft.fields["tags"] = [tag for tag in tags if tag != MONETIZED] or None


RULES: Final = (
    Rule("ids and times are volatile", _drop_volatile),
    Rule("our own tag is no configuration", _drop_our_tag),
    Rule("an empty table has its declared type", _type_empty_tables, shapes=True),
    Rule("a deprecated twin says nothing new", _drop_twins, shapes=True),
    Rule("a reference is a key", _name_references),
    Rule("a default inside a list is not said", _drop_defaults_in_elements, shapes=True),
    Rule("a null is nothing", _drop_nulls, shapes=True),
    Rule("a set has no order", _sort_sets, shapes=True),
    Rule("defaults come from the gateway", _learn_defaults),
    Rule("secrets are pointed out", _point_out_secrets),
    Rule("masked values are pointed out", _point_out_masked),
)

_PARENTS: Final = {"route": ("service",), "target": ("upstream",)}
_REFERENCES: Final = {"plugin": ("service", "route", "consumer", "consumer_group")}


class Canon:
    """Applies the rules, with what one gateway has told of its schemas: by kind, and by `plugin:<name>`."""

    def __init__(self, schemas: Mapping[str, Schema], rules: Sequence[Rule] = RULES) -> None:
        self._rules = tuple(rules)
        self._schemas = {name: self._canonical(schema) for name, schema in schemas.items()}

    def schema(self, kind: str, row: Mapping[str, Any]) -> Schema:
        """What is known of this row's kind; UNKNOWN if nothing is."""
        return self._schemas.get(f"plugin:{row.get('name')}" if kind == "plugin" else kind, UNKNOWN)

    def entity(self, kind: str, key: str, row: Row, names: Names) -> Entity:
        """One row of Kong's in canonical form; the row itself is left as it was."""
        draft = Draft(kind, self.schema(kind, row), _copied(row), names)
        for rule in self._rules:
            rule.apply(draft)
        return Entity(
            kind=kind,
            key=key,
            native_id=str(row.get("id", "")),
            fields=draft.fields,
            defaults=draft.defaults,
            secrets=frozenset(draft.secrets - draft.masked),
            masked=frozenset(draft.masked),
            owned=MARK in (row.get("tags") or ()),
            references=draft.references,
        )

    def _canonical(self, schema: Schema) -> Schema:
        """The schema with its defaults in the form in which they will be compared."""
        draft = Draft("", schema, _copied(schema.defaults), {})
        for rule in self._rules:
            if rule.shapes:
                rule.apply(draft)
        return schema.with_defaults(draft.fields)


def _places(tree: Any, path: Path) -> Iterator[tuple[Any, Any]]:
    """(holder, name or index) of every value that stands at the path; nulls and absent members are not there."""
    name, rest = path[0], path[1:]
    if name == EACH:
        names: Any = range(len(tree)) if isinstance(tree, list) else list(tree) if isinstance(tree, dict) else ()
    else:
        names = (name,) if isinstance(tree, dict) and tree.get(name) is not None else ()
    for one in names:
        if rest:
            yield from _places(tree[one], rest)
        else:
            yield tree, one


def _copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_copied(value) for value in tree]
    return tree


def _without_nulls(tree: Row, defaults: object, maps: Collection[Path], path: Path = ()) -> Row:
    """An empty record says as little as a null; an empty map may overrule a default."""
    known = defaults if isinstance(defaults, Mapping) else {}
    kept: Row = {}
    for key, value in tree.items():
        default = known.get(key)
        if value is None and (default is None or isinstance(default, Mapping)):
            continue
        if isinstance(value, dict):
            way = (*path, key)
            inner = _without_nulls(value, default, maps, way)
            if inner or (not value and way in maps):
                kept[key] = inner
        elif isinstance(value, list):
            kept[key] = [_without_nulls(one, None, ()) if isinstance(one, dict) else one for one in value]
        else:
            kept[key] = value
    return kept


def _order(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _equal(value: Any, default: Any) -> bool:
    return default is not None and canonical(value) == canonical(default)


def _secrets(draft: Draft) -> Iterator[tuple[str, Any]]:
    """Every leaf that holds a secret by what the schema says, by its name, or by a header's name in front of it."""
    found: dict[str, Any] = {}
    for path in draft.schema.secrets:
        found.update(_leaves_at(draft.fields, path, ""))
    if draft.kind == "plugin":
        found.update(
            (f"/config{pointer}", value)
            for pointer, value in leaves(draft.fields.get("config"))
            if _is_telling(pointer, value)
        )
    yield from found.items()


def _leaves_at(tree: Any, path: Path, pointer: str) -> Iterator[tuple[str, Any]]:
    """Leaves at a schema's path. A list is one leaf, so a path that goes on inside it ends there."""
    if isinstance(tree, list) or not path:
        if isinstance(tree, dict):
            yield from ((pointer + inner, value) for inner, value in leaves(tree))
        elif tree:
            yield pointer, tree
    elif isinstance(tree, dict):
        for name in list(tree) if path[0] == EACH else [path[0]]:
            if name in tree:
                yield from _leaves_at(tree[name], path[1:], f"{pointer}/{escape(name)}")


def _is_telling(pointer: str, value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and named_like_a_secret(pointer.rpartition("/")[2])
    if isinstance(value, list):
        return any(isinstance(one, str) and _SECRET_HEADER.match(one) for one in value)
    return False


def _all_texts(value: Any, pattern: re.Pattern[str]) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and pattern.match(text) for text in texts)


def map_around(schema: Schema, pointer: str) -> str | None:
    """The pointer of the map that this pointer goes into, if any: Kong replaces a map as a whole."""
    parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    within = [path for path in schema.maps if len(path) < len(parts) and parts[: len(path)] == path]
    return "".join(f"/{escape(part)}" for part in min(within, key=len)) if within else None
