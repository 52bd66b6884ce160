"""A node without a database: its configuration comes and goes as a whole, through `/config`.

Follows the vendor's description and published behaviour; nothing here is compared with recordings. Entities may be
nested (routes below a service, credentials below a consumer) or flat, references may be ids or names, ids that are not
given are derived from names and places, so that the same document always gives the same ids.
"""

import json
import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import yaml

from .answers import METHOD_NOT_ALLOWED, Answer, Errors, Refused, invalid_declaration
from .entities import Entities
from .kinds import KINDS, Kind, below
from .node import fingerprint
from .requests import Request

_NAMESPACE = uuid.UUID("cf1dbba3-3f49-4f0a-9b4a-3a5b3c6f7e11")
_VERSIONS = ("1.1", "2.1", "3.0")
_ONLY_WITHOUT_DATABASE = "this endpoint is only available when Kong is configured to not use a database"

Piece = tuple[Kind, dict[str, Any]]


class Declaration:
    """The configuration of a DB-less node."""

    def __init__(self, entities: Entities, *, database: bool) -> None:
        self._entities = entities
        self._database = database

    def hash(self) -> str:
        return str(self._entities.store.facts.get("config_hash", ""))

    def answer(self, request: Request) -> Answer | None:
        if request.segments != ["config"]:
            return None
        if self._database:
            raise Refused(Answer(400, {"message": _ONLY_WITHOUT_DATABASE}))
        if request.method == "GET":
            return Answer(200, {"config": self._written()})
        if request.method != "POST":
            raise Refused(METHOD_NOT_ALLOWED)
        return self._load(request)

    def _load(self, request: Request) -> Answer:
        document = _document(request)
        digest = fingerprint(json.dumps(document, sort_keys=True, default=str))
        if request.query.get("check_hash") in ("1", "true") and digest == self.hash():
            return Answer(304)
        flatten = request.query.get("flatten_errors") in ("1", "true")
        try:
            loaded = self._replace_all(list(_pieces(document)), flatten=flatten)
        finally:
            self._entities.store.changed()
        self._entities.store.facts["config_hash"] = digest
        return Answer(201, loaded)

    def _replace_all(self, pieces: list[Piece], *, flatten: bool) -> dict[str, dict[str, Any]]:
        """Put all pieces in place of what is there; when one is refused, what was there stays."""
        store = self._entities.store
        before = [(kind, row) for kind in KINDS.values() for row in store.all(kind)]
        store.clear()
        refused: list[tuple[Piece, Answer]] = []
        loaded: dict[str, dict[str, Any]] = {}
        for kind, given in sorted(pieces, key=lambda piece: list(KINDS).index(piece[0].name)):
            try:
                row = self._entities.create(kind, _with_references(kind, given))
                loaded.setdefault(kind.name, {})[row["id"]] = self._entities.show(kind, row)
            except Refused as refusal:
                refused.append(((kind, given), refusal.answer))
        if refused:
            store.clear()
            for kind, row in before:
                store.put(kind, row)
            raise _refusal(refused, flatten=flatten)
        return loaded

    def _written(self) -> str:
        store = self._entities.store
        rows = {kind.name: [_written_row(kind, row) for row in store.all(kind)] for kind in KINDS.values()}
        document = {
            "_format_version": "3.0",
            "_transform": False,
            **{name: some for name, some in rows.items() if some},
        }
        return str(yaml.safe_dump(document, sort_keys=False))


def _document(request: Request) -> dict[str, Any]:
    """The declaration in a body: the document itself, or a text in a member `config`."""
    try:
        sent = yaml.safe_load(request.body)
        if isinstance(sent, dict) and isinstance(sent.get("config"), str):
            sent = yaml.safe_load(sent["config"])
    except yaml.YAMLError:
        sent = None
    if not isinstance(sent, dict):
        raise Refused(Answer(400, {"message": "expected a declarative configuration"}))
    if str(sent.get("_format_version")) not in _VERSIONS:
        raise invalid_declaration({"_format_version": "expected one of: " + ", ".join(_VERSIONS)})
    return sent


def _pieces(document: dict[str, Any]) -> Iterator[Piece]:
    unknown: Errors = {name: "unknown field" for name in document if name not in KINDS and not name.startswith("_")}
    if unknown:
        raise invalid_declaration(unknown)
    for name, kind in KINDS.items():
        for index, given in enumerate(document.get(name) or ()):
            yield from _unfolded(kind, deepcopy(given), f"{name}/{index}")


def _unfolded(kind: Kind, given: dict[str, Any], place: str) -> Iterator[Piece]:
    """The entity and those nested below it, each with an id."""
    nested = {name: given.pop(name) for name in list(given) if name in KINDS and below(kind, KINDS[name].nested)}
    handle = given.get(kind.handle)
    given.setdefault("id", str(uuid.uuid5(_NAMESPACE, f"{kind.name}:{handle}" if handle else place)))
    yield kind, given
    for name, children in nested.items():
        found = below(kind, KINDS[name].nested)
        for index, child in enumerate(children or ()):
            member = {} if found is None else {found[1]: {"id": given["id"]}}
            yield from _unfolded(KINDS[name], {**child, **member}, f"{given['id']}/{name}/{index}")


def _with_references(kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """References written as a text are ids or names."""
    texts = {member: given[member] for member in kind.parents if isinstance(given.get(member), str)}
    return {**given, **{member: _reference(kind.parents[member], text) for member, text in texts.items()}}


def _reference(parents: str, text: str) -> dict[str, str]:
    try:
        return {"id": str(uuid.UUID(text))}
    except ValueError:
        return {KINDS[parents].handle: text}


def _written_row(kind: Kind, row: dict[str, Any]) -> dict[str, Any]:
    """A row with references as ids and without what is null."""
    kept = {name: value for name, value in row.items() if value is not None and name != "expires_at"}
    return {**kept, **{member: kept[member]["id"] for member in kind.parents if member in kept}}


def _refusal(refused: list[tuple[Piece, Answer]], *, flatten: bool) -> Refused:
    errors: Errors = {}
    flattened = []
    for (kind, given), answer in refused:
        said = answer.body if isinstance(answer.body, dict) else {}
        errors.setdefault(kind.name, []).append(said.get("fields", {"@entity": [said.get("message")]}))
        flattened.append(_flattened(kind, given, said))
    return invalid_declaration({} if flatten else errors, flattened if flatten else None)


def _flattened(kind: Kind, given: dict[str, Any], said: dict[str, Any]) -> dict[str, object]:
    return {
        "entity": given,
        "entity_type": kind.name.removesuffix("s"),
        "entity_id": given["id"],
        "entity_name": given.get(kind.handle),
        "entity_tags": given.get("tags"),
        "errors": list(_leaves(said.get("fields", {}), "")) or [{"type": "entity", "message": said.get("message")}],
    }


def _leaves(errors: Any, path: str) -> Iterator[dict[str, str]]:
    if isinstance(errors, str):
        yield {"type": "entity", "message": errors} if "@entity" in path else _field_error(path, errors)
    members = errors.items() if isinstance(errors, dict) else enumerate(errors, 1) if isinstance(errors, list) else ()
    for name, error in members:
        yield from _leaves(error, f"{path}.{name}" if path else str(name))


def _field_error(path: str, message: str) -> dict[str, str]:
    return {"type": "field", "field": path, "message": message}
