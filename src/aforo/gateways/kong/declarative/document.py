"""A kong.yml as a tree in which every entity can be found, wherever its author chose to write it.

Nested (`services: - routes: - plugins:`) and flat (`routes: - service: orders`) forms may be mixed. What we do not
know is kept as it is; comments are lost, as with every tool that rewrites YAML.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.gateways.kong.mapping import Row, Tables, route_key

FORMAT: Final = "3.0"
_FORMATS: Final = frozenset({"1.1", "2.1", "3.0"})
_NAMESPACE: Final = uuid.UUID("0b8f4c0e-4a55-5a0f-9d0c-6b8b4f5d7a11")  # our own, so that ids made here stay the same
_PORTS: Final = {"https": 443, "http": 80, "grpc": 80, "grpcs": 443, "tcp": 80, "tls": 443}

COLLECTIONS: Final = {
    "service": "services",
    "route": "routes",
    "plugin": "plugins",
    "upstream": "upstreams",
    "target": "targets",
    "consumer": "consumers",
    "consumer_group": "consumer_groups",
}
_CHILDREN: Final = {
    "service": ("route", "plugin"),
    "route": ("plugin",),
    "upstream": ("target",),
    "consumer": ("plugin",),
    "consumer_group": ("plugin",),
}
_ORDER: Final = ("service", "upstream", "consumer", "consumer_group", "route", "target", "plugin")
_REFERENCES: Final = {
    "route": ("service",),
    "target": ("upstream",),
    "plugin": ("service", "route", "consumer", "consumer_group"),
}


@dataclass(slots=True)
class Place:
    """Where one entity stands: its row, the list that holds it, what encloses it, and the ids that it refers to."""

    kind: str
    row: Row
    siblings: list[Row]
    enclosing: Mapping[str, "Place"] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(slots=True)
class KongDocument:
    """The tree, and its entities by id."""

    tree: Row
    places: dict[str, Place] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def tables(self) -> Tables:
        """The rows as the Admin API would list them."""
        tables = Tables()
        for place in self.places.values():
            if place.kind == "target":
                tables.targets.setdefault(place.parents.get("upstream", ""), []).append(_listed(place))
            else:
                getattr(tables, COLLECTIONS[place.kind]).append(_listed(place))
        return tables

    def add(self, place: Place) -> None:
        """Put a row where its place says; its id must be set."""
        place.siblings.append(place.row)
        self.know(place)

    def know(self, place: Place) -> None:
        self.places[place.id] = place
        for name in ("name", "username"):
            if place.row.get(name):
                self.names.setdefault((place.kind, str(place.row[name])), place.id)

    def id_of(self, kind: str, told: str) -> str:
        """The id of what a text names or is the id of; the text itself if that is not in this file."""
        return told if told in self.places else self.names.get((kind, told), told)

    def remove(self, native_id: str) -> None:
        place = self.places.pop(native_id, None)
        if place:
            place.siblings[:] = [row for row in place.siblings if row is not place.row]

    def text(self) -> str:
        """The file again, in the order in which its author wrote it."""
        return emit(self.tree)


def parse(text: str) -> KongDocument:
    """Raises GatewayNotAnApi, naming the line but no content, for what is no kong.yml or holds no usable url."""
    tree = _load(text)
    if str(tree.get("_format_version", FORMAT)) not in _FORMATS:
        raise _unreadable("its _format_version is not one of 1.1, 2.1, 3.0")
    document = KongDocument(tree)
    found = sorted(_walk(tree), key=lambda place: _ORDER.index(place.kind))
    for place in found:
        _resolve(place, document)
        if place.kind == "service":
            expand_url(dict(place.row))
    return document


def emit(tree: Row) -> str:
    """YAML in the order given, with the format's version first."""
    ordered = {"_format_version": FORMAT, **tree}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=120)


def derived_id(kind: str, key: str) -> str:
    """A stable id for an entity whose file gives none."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{key}"))


def expand_url(row: Row) -> None:
    """`url` is shorthand for protocol, host, port and path."""
    url = row.pop("url", None)
    if not isinstance(url, str):
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unreadable("a service's url is none") from None
    row["protocol"] = parts.scheme
    row["host"] = parts.hostname or ""
    row["port"] = port or _PORTS.get(parts.scheme, 80)
    if parts.path:
        row["path"] = parts.path


class _Loader(yaml.SafeLoader):
    """YAML as Kong reads it: a date is a text."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _load(text: str) -> Row:
    try:
        loaded = yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader of our own
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 0
        raise _unreadable(f"line {line} is not YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _unreadable("it is not YAML") from None
    if not isinstance(loaded, dict):
        raise _unreadable("it holds no entities")
    plain = _plain(loaded, 0)
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any, depth: int) -> Any:
    """YAML's values as JSON's: member names are texts. Rows that YAML aliases share become separate ones."""
    if depth > 40:
        raise _unreadable("it is nested too deeply")
    if isinstance(value, dict):
        return {str(key): _plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member, depth + 1) for member in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and abs(value) < float("inf")):
        return value
    raise _unreadable(f"it holds a value that JSON does not have ({type(value).__name__})")


def _unreadable(why: str) -> GatewayNotAnApi:
    return GatewayNotAnApi(
        f"The text is not a kong.yml: {why}. Nothing was changed.",
        next_step="Paste the file that decK dumps, or that your DB-less nodes load.",
    )


def _walk(tree: Row) -> Iterator[Place]:
    for kind, collection in COLLECTIONS.items():
        yield from _walk_list(kind, tree.get(collection), {})


def _walk_list(kind: str, rows: object, enclosing: Mapping[str, Place]) -> Iterator[Place]:
    if rows is None:
        return
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(f"{COLLECTIONS[kind]} is not a list of entities")
    for row in rows:
        place = Place(kind, row, rows, enclosing)
        yield place
        for child in _CHILDREN.get(kind, ()):
            yield from _walk_list(child, row.get(COLLECTIONS[child]), {kind: place})


def _resolve(place: Place, document: KongDocument) -> None:
    """Parents come first, so that what a row refers to is known by then."""
    for name in _REFERENCES.get(place.kind, ()):
        native = _reference(name, place, document)
        if native:
            place.parents[name] = native
    place.id = _free_id(place, document)
    document.know(place)


def _reference(name: str, place: Place, document: KongDocument) -> str | None:
    if name in place.enclosing:
        return place.enclosing[name].id
    told = place.row.get(name)
    if isinstance(told, Mapping):
        told = told.get("id") or told.get("name") or told.get("username")
    return document.id_of(name, str(told)) if told else None


def _free_id(place: Place, document: KongDocument) -> str:
    given = place.row.get("id")
    if isinstance(given, str) and given and given not in document.places:
        return given
    key, count = identity(place), 1
    while (native := derived_id(place.kind, key if count == 1 else f"{key} #{count}")) in document.places:
        count += 1
    return native


def identity(place: Place) -> str:
    """What makes an entity without an id recognisable in its file."""
    row, within = place.row, "@".join(place.parents.get(name, "") for name in _REFERENCES.get(place.kind, ()))
    if place.kind == "route":
        return str(row.get("name") or f"{within} {route_key(row)}")
    if place.kind in ("plugin", "target"):
        return f"{row.get('name') or row.get('target')} {within} {row.get('instance_name') or ''}"
    own = ("name", "username", "custom_id", "host", "url")
    return str(next((row[name] for name in own if row.get(name)), ""))


def _listed(place: Place) -> Row:
    inner = {COLLECTIONS[child] for child in _CHILDREN.get(place.kind, ())}
    row = {name: value for name, value in place.row.items() if name not in inner}
    if place.kind == "service":
        expand_url(row)
    row.update({name: {"id": native} for name, native in place.parents.items()}, id=place.id)
    return row
