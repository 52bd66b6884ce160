"""Apps' keys, and which products each of them opens."""

from collections.abc import Iterator

from .answers import NOTHING, Answer, Row, absent
from .apps import Apps
from .credentials import Credentials, state_of
from .requests import Request
from .routing import Route
from .shapes import KEY, checked
from .store import Store

_KEYS = "developers/{developer}/apps/{app}/keys"
_KEY = f"{_KEYS}/{{key}}"
_PRODUCT = f"{_KEY}/apiproducts/{{product}}"


class Keys:
    def __init__(self, store: Store, apps: Apps, credentials: Credentials) -> None:
        self._store = store
        self._apps = apps
        self._credentials = credentials

    def routes(self) -> Iterator[Route]:
        yield Route("POST", _KEYS, self._create)
        yield Route("POST", f"{_KEYS}/create", self._create)
        yield Route("GET", _KEY, lambda _, *path: self._found(*path)[1])
        yield Route("PUT", _KEY, self._replace_scopes)
        yield Route("POST", _KEY, self._add_or_act)
        yield Route("DELETE", _KEY, self._delete)
        yield Route("POST", _PRODUCT, self._act_on_product)
        yield Route("DELETE", _PRODUCT, self._remove_product)

    def _create(self, request: Request, who: str, app: str) -> Row:
        key, row = self._apps.found(who, app)
        wanted = checked(KEY, request.object())
        made = self._credentials.custom(wanted)
        if wanted.get("attributes"):
            made["attributes"] = wanted["attributes"]
        self._keep(key, row, [*row["credentials"], made])
        return made

    def _replace_scopes(self, request: Request, *path: str) -> Row:
        scopes = checked(KEY, request.object()).get("scopes", [])
        return self._change(path, {"scopes": scopes})

    def _add_or_act(self, request: Request, *path: str) -> Row | Answer:
        """Approve or revoke the whole key, or add products to it, which replaces its attributes."""
        if "action" in request.query:
            self._change(path, {"status": state_of(request.action())})
            return NOTHING
        wanted = checked(KEY, request.object())
        held = self._found(*path)[1].get("apiProducts", [])
        known = {ref["apiproduct"] for ref in held}
        new = [name for name in wanted.get("apiProducts", []) if name not in known]
        products = [*held, *self._credentials.references(new)]
        return self._change(path, {"apiProducts": products, "attributes": wanted.get("attributes", [])})

    def _delete(self, request: Request, *path: str) -> Row:
        del request
        (key, app), found = self._found(*path)
        self._keep(key, app, [one for one in app["credentials"] if one is not found])
        return found

    def _act_on_product(self, request: Request, *path: str) -> Answer:
        status = state_of(request.action())
        products = self._found(*path[:-1])[1].get("apiProducts", [])
        self._refuse_stranger(products, path[-1])
        changed = [{**ref, "status": status} if ref["apiproduct"] == path[-1] else ref for ref in products]
        self._change(path[:-1], {"apiProducts": changed})
        return NOTHING

    def _remove_product(self, request: Request, *path: str) -> Row:
        del request
        products = self._found(*path[:-1])[1].get("apiProducts", [])
        self._refuse_stranger(products, path[-1])
        return self._change(path[:-1], {"apiProducts": [ref for ref in products if ref["apiproduct"] != path[-1]]})

    def _refuse_stranger(self, products: list[Row], name: str) -> None:
        if all(ref["apiproduct"] != name for ref in products):
            raise absent("ApiProduct", name)

    def _change(self, path: tuple[str, ...], changes: Row) -> Row:
        (key, app), found = self._found(*path)
        changed = {name: value for name, value in {**found, **changes}.items() if value != []}
        self._keep(key, app, [changed if one is found else one for one in app["credentials"]])
        return changed

    def _found(self, who: str, app: str, consumer_key: str) -> tuple[tuple[str, Row], Row]:
        key, row = self._apps.found(who, app)
        for one in row["credentials"]:
            if one["consumerKey"] == consumer_key:
                return (key, row), one
        raise absent("Consumer key", consumer_key)

    def _keep(self, key: str, app: Row, credentials: list[Row]) -> None:
        now = self._store.now_ms()
        self._store.put("apps", key, {**app, "credentials": credentials, "lastModifiedAt": now})
