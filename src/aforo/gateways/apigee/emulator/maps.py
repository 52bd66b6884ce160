"""Key value maps of the organization and of its environments, always encrypted, and their entries."""

from collections.abc import Iterator

from .answers import Row, absent, invalid, taken
from .paging import by_token
from .requests import Request
from .routing import Route
from .shapes import ENTRY, MAP, checked
from .store import Store

_SCOPES = ("", "environments/{environment}/")


class Maps:
    """A map's entries go with it."""

    def __init__(self, store: Store, page_size: int) -> None:
        self._store = store
        self._page_size = page_size

    def routes(self) -> Iterator[Route]:
        for scope in _SCOPES:
            yield Route("POST", f"{scope}keyvaluemaps", self._create)
            one = f"{scope}keyvaluemaps/{{map}}"
            yield Route("GET", one, lambda _, *path: self._shown(self._found(path)[1]))
            yield Route("PUT", one, self._replace)
            yield Route("DELETE", one, self._delete)
            yield Route("GET", f"{one}/entries", self._entries)
            yield Route("POST", f"{one}/entries", self._create_entry)
            entry = f"{one}/entries/{{entry}}"
            yield Route("GET", entry, lambda _, *path: self._entry(path)[1])
            yield Route("PUT", entry, self._replace_entry)
            yield Route("DELETE", entry, self._delete_entry)

    def _create(self, request: Request, *scope: str) -> Row:
        if scope and self._store.get("environments", scope[0]) is None:
            raise absent("Environment", scope[0])
        told = checked(MAP, request.object())
        if not told.get("name") or "/" in told["name"]:
            raise invalid("The name of a key value map is required and holds no slash.")
        if told.get("encrypted") is not True:
            raise invalid("Unencrypted key value maps are not supported.")
        key = _key((*scope, told["name"]))
        if self._store.get("maps", key):
            raise taken("KeyValueMap", told["name"])
        return self._shown(self._store.put("maps", key, told))

    def _replace(self, request: Request, *path: str) -> Row:
        key, row = self._found(path)
        told = checked(MAP, request.object())
        changed = {**row, "maskedValues": told.get("maskedValues", False)}
        return self._shown(self._store.put("maps", key, changed))

    def _delete(self, request: Request, *path: str) -> Row:
        del request
        key, row = self._found(path)
        for entry in list(self._store.rows("entries", f"{key}/")):
            self._store.remove("entries", f"{key}/{entry['name']}")
        self._store.remove("maps", key)
        return self._shown(row)

    def _entries(self, request: Request, *path: str) -> Row:
        key, row = self._found(path)
        page, following = by_token(request, list(self._store.rows("entries", f"{key}/")), self._page_size, 100)
        shown = [{**one, "value": "*****"} if row.get("maskedValues") else one for one in page]
        return {**({"keyValueEntries": shown} if shown else {}), **following}

    def _create_entry(self, request: Request, *path: str) -> Row:
        key, _ = self._found(path)
        told = _entry(request)
        if self._store.get("entries", f"{key}/{told['name']}"):
            raise taken("KeyValueEntry", told["name"])
        return self._store.put("entries", f"{key}/{told['name']}", told)

    def _replace_entry(self, request: Request, *path: str) -> Row:
        key, _ = self._entry(path)
        told = _entry(request)
        if told["name"] != path[-1]:
            raise invalid("The entry has another name in the path.")
        return self._store.put("entries", key, told)

    def _delete_entry(self, request: Request, *path: str) -> Row:
        del request
        key, row = self._entry(path)
        self._store.remove("entries", key)
        return row

    def _entry(self, path: tuple[str, ...]) -> tuple[str, Row]:
        key, owner = self._found(path[:-1])
        row = self._store.get("entries", f"{key}/{path[-1]}")
        if row is None:
            raise absent("KeyValueEntry", path[-1])
        return f"{key}/{path[-1]}", {**row, "value": "*****"} if owner.get("maskedValues") else row

    def _found(self, path: tuple[str, ...]) -> tuple[str, Row]:
        row = self._store.get("maps", _key(path))
        if row is None:
            raise absent("KeyValueMap", path[-1])
        return _key(path), row

    def _shown(self, row: Row) -> Row:
        return {"name": row["name"], "encrypted": True, **({"maskedValues": True} if row.get("maskedValues") else {})}


def _key(path: tuple[str, ...]) -> str:
    """`environment/map`, and `-/map` for the organization's."""
    return "/".join(path if len(path) > 1 else ("-", *path))


def _entry(request: Request) -> Row:
    told: Row = checked(ENTRY, request.object())
    if not told.get("name") or not told.get("value"):
        raise invalid("An entry needs a name and a value.")
    return told
