"""Lists of attributes: of products, developers and apps alike."""

from collections.abc import Callable, Iterator

from .answers import Answer, Row, absent, invalid
from .requests import Request
from .routing import Route
from .shapes import ATTRIBUTE, ATTRIBUTES, checked
from .store import Store

_MOST = 18


def refuse_too_many(row: Row) -> None:
    rows = row.get("attributes", [])
    if len(rows) > _MOST:
        raise invalid(f"A maximum of {_MOST} attributes is allowed.")
    if any(not one.get("name") for one in rows):
        raise invalid("An attribute has no name.")


class Attributes:
    """The attributes of the rows of one table; `row_of` finds a row and its key by the path's parts."""

    def __init__(self, store: Store, table: str, template: str, row_of: Callable[..., tuple[str, Row]]) -> None:
        self._store = store
        self._table = table
        self._template = template
        self._row_of = row_of

    def routes(self) -> Iterator[Route]:
        yield Route("GET", f"{self._template}/attributes", self._all)
        yield Route("POST", f"{self._template}/attributes", self._replace)
        yield Route("GET", f"{self._template}/attributes/{{attribute}}", self._one)
        yield Route("POST", f"{self._template}/attributes/{{attribute}}", self._set)
        yield Route("DELETE", f"{self._template}/attributes/{{attribute}}", self._remove)

    def _all(self, request: Request, *path: str) -> Row:
        del request
        return _listed(self._row_of(*path)[1].get("attributes", []))

    def _replace(self, request: Request, *path: str) -> Row:
        """The whole list: what is not sent is gone."""
        told = checked(ATTRIBUTES, request.object()).get("attribute", [])
        self._keep(path, told)
        return _listed(told)

    def _one(self, request: Request, *path: str) -> Row:
        del request
        return self._find(path)[1]

    def _set(self, request: Request, *path: str) -> Row:
        told = checked(ATTRIBUTE, request.object())
        name = path[-1]
        if told.get("name", name) != name:
            raise invalid(f'The attribute is named "{name}" in the path.')
        _, row = self._row_of(*path[:-1])
        rows = row.get("attributes", [])
        new = {"name": name, "value": told.get("value", "")}
        known = any(one["name"] == name for one in rows)
        self._keep(path[:-1], [new if one["name"] == name else one for one in rows] if known else [*rows, new])
        return new

    def _remove(self, request: Request, *path: str) -> Row | Answer:
        del request
        rows, found = self._find(path)
        self._keep(path[:-1], [one for one in rows if one is not found])
        return found

    def _find(self, path: tuple[str, ...]) -> tuple[list[Row], Row]:
        _, row = self._row_of(*path[:-1])
        rows: list[Row] = row.get("attributes", [])
        for one in rows:
            if one["name"] == path[-1]:
                return rows, one
        raise absent("Attribute", path[-1])

    def _keep(self, path: tuple[str, ...], rows: list[Row]) -> None:
        key, row = self._row_of(*path)
        changed = {**row, "attributes": rows, "lastModifiedAt": self._store.now_ms()}
        refuse_too_many(changed)
        if not rows:
            del changed["attributes"]
        self._store.put(self._table, key, changed)


def _listed(rows: list[Row]) -> Row:
    return {"attribute": rows} if rows else {}
