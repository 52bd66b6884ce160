"""The Admin API's paths: which call does what to which entity."""

from dataclasses import replace
from typing import Any

from .answers import GONE, METHOD_NOT_ALLOWED, NOT_FOUND, Answer, Refused, read_only
from .entities import Entities, Parent
from .kinds import BY_PATH, KINDS, Kind, below
from .paging import offset_of, page, size_of, tags_of
from .requests import Request, read_fields
from .store import Row

_VERBS = {"POST": "create", "PUT": "create or update", "PATCH": "update", "DELETE": "remove"}
_QUIET_WHEN_ABSENT = ("services", "routes", "consumers", "plugins", "upstreams")
"""A DELETE of one of these that does not exist is a success."""


class AdminApi:
    """Answers calls on entities; without a database it only reads."""

    def __init__(self, entities: Entities, page_size: int, *, database: bool = True, patches: bool = True) -> None:
        self._entities = entities
        self._page_size = page_size
        self._database = database
        self._patches = patches

    def answer(self, request: Request) -> Answer | None:
        """The answer, or None when no such path exists; refusals come as exceptions."""
        match request.segments:
            case [path] if path in BY_PATH and path != "targets":
                return self._collection(request, BY_PATH[path], None)
            case [path, ref] if path in BY_PATH and path != "targets":
                return self._item(request, BY_PATH[path], ref, None)
            case [path, ref, inner, *rest] if path in BY_PATH:
                return self._below(request, BY_PATH[path], ref, inner, rest)
        return None

    def _below(self, request: Request, kind: Kind, ref: str, inner: str, rest: list[str]) -> Answer:
        row = self._entities.find(kind, ref)
        if row is None:
            raise Refused(NOT_FOUND)
        found = below(kind, inner)
        if found is not None and len(rest) < 2:
            parent = found[1], row["id"]
            nested = found[0]
            return self._item(request, nested, rest[0], parent) if rest else self._collection(request, nested, parent)
        if inner in kind.parents and not rest:
            return self._parent(request, row, inner, KINDS[kind.parents[inner]])
        raise Refused(NOT_FOUND)

    def _collection(self, request: Request, kind: Kind, parent: Parent | None) -> Answer:
        if request.method == "GET":
            return Answer(200, self._page(request, kind, parent))
        if request.method == "POST":
            self._refuse_writes(request, kind)
            return Answer(201, self._show(kind, self._entities.create(kind, self._fields(request, kind), parent)))
        raise Refused(METHOD_NOT_ALLOWED)

    def _page(self, request: Request, kind: Kind, parent: Parent | None) -> dict[str, Any]:
        query = request.query
        if kind.name == "consumers" and "custom_id" in query:
            rows = [row for row in self._entities.store.all(kind) if row["custom_id"] == query["custom_id"]]
            return {"data": [self._show(kind, row) for row in rows], "next": None}
        size, wanted = size_of(query, self._page_size), tags_of({} if parent else query)
        rows_after = filter(wanted, self._entities.store.after(kind, offset_of(query), parent))
        found = page(rows_after, size, request.path, query, _id)
        return {**found, "data": [self._show(kind, row) for row in found["data"]]}

    def _item(self, request: Request, kind: Kind, ref: str, parent: Parent | None) -> Answer:
        if request.method == "PUT" and kind.name == "targets" and self._patches:
            request = replace(request, method="PATCH")  # described as an upsert, but Kong/kong issue 12987
        if request.method == "PUT":
            self._refuse_writes(request, kind)
            given = self._fields(request, kind)
            return Answer(200, self._show(kind, self._entities.replace(kind, ref, given, parent)))
        row = self._entities.find(kind, ref, parent)
        if request.method == "DELETE":
            return self._delete(request, kind, row, quiet=parent is None and kind.name in _QUIET_WHEN_ABSENT)
        if row is None and request.method == "PATCH" and parent is None and kind.name != "plugins":
            raise self._entities.missing(kind, ref)
        if row is None and request.method in ("GET", "PATCH"):
            raise Refused(NOT_FOUND)
        return self._read_or_change(request, kind, row or {})

    def _parent(self, request: Request, row: Row, member: str, kind: Kind) -> Answer:
        if request.method not in ("GET", "PATCH"):
            raise Refused(METHOD_NOT_ALLOWED)
        found = None if row[member] is None else self._entities.store.get(kind, row[member]["id"])
        if found is None:
            raise Refused(NOT_FOUND)
        return self._read_or_change(request, kind, found)

    def _read_or_change(self, request: Request, kind: Kind, row: Row) -> Answer:
        if request.method == "GET":
            return Answer(200, self._show(kind, row))
        if request.method != "PATCH" or not self._patches:
            raise Refused(METHOD_NOT_ALLOWED)
        self._refuse_writes(request, kind)
        given = self._fields(request, kind, row.get("name"))
        return Answer(200, self._show(kind, self._entities.change(kind, row, given)))

    def _delete(self, request: Request, kind: Kind, row: Row | None, *, quiet: bool) -> Answer:
        self._refuse_writes(request, kind)
        if row is None and not quiet:
            raise Refused(NOT_FOUND)
        if row is not None:
            self._entities.remove(kind, row)
        return GONE

    def _fields(self, request: Request, kind: Kind, plugin: object = None) -> dict[str, Any]:
        """What was sent; the fields of a plugin's form are known only when its name is."""
        fields = read_fields(request, kind.schema)
        named = fields.get("name", plugin)
        if kind.name != "plugins" or not isinstance(named, str) or named not in self._entities.plugins:
            return fields
        return read_fields(request, self._entities.schema(kind, named))

    def _refuse_writes(self, request: Request, kind: Kind) -> None:
        if not self._database:
            raise read_only(_VERBS[request.method], kind.name)

    def _show(self, kind: Kind, row: Row) -> dict[str, Any]:
        return self._entities.show(kind, row)


def _id(row: Row) -> str:
    return str(row["id"])
