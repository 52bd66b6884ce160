"""Developers' apps, and the list of all apps of the organization."""

import uuid
from collections.abc import Callable, Iterator

from .answers import NOTHING, Answer, Row, absent, invalid, taken
from .attributes import Attributes, refuse_too_many
from .credentials import Credentials, state_of
from .developers import Developers
from .paging import by_token, from_start_key
from .requests import Request
from .routing import Route
from .shapes import APP, checked
from .store import Store

_APPS = "developers/{developer}/apps"
_APP = f"{_APPS}/{{app}}"


class Apps:
    """An app mints a key when it is made, and again whenever a PUT names other products than its keys have."""

    def __init__(self, store: Store, developers: Developers, credentials: Credentials, page_size: int) -> None:
        self._store = store
        self._developers = developers
        self._credentials = credentials
        self._page_size = page_size
        self._attributes = Attributes(store, "apps", _APP, self.found)

    def routes(self) -> Iterator[Route]:
        yield Route("GET", _APPS, self._list)
        yield Route("POST", _APPS, lambda request, who: self.create(who, request.object()))
        yield Route("GET", _APP, lambda _, who, name: self.found(who, name)[1])
        yield Route("PUT", _APP, self._replace)
        yield Route("POST", _APP, self._act)
        yield Route("DELETE", _APP, self._delete)
        yield from self._attributes.routes()
        yield Route("GET", "apps", self._all)
        yield Route("GET", "apps/{id}", lambda _, app_id: self._by_id(app_id))

    def create(self, who: str, told: Row, mint: Callable[[], tuple[str, str]] | None = None) -> Row:
        email, developer = self._developers.found(who)
        wanted = _app(told)
        name = wanted.get("name", "")
        if not name or "/" in name:
            raise invalid("The name of an app is required and holds no slash.")
        if self._store.get("apps", f"{email}/{name}"):
            raise taken("App", name)
        credential = self._credentials.minted(wanted, mint)
        now = self._store.now_ms()
        row: Row = {
            **_sent(wanted, "name"),
            "appId": str(uuid.uuid4()),
            "developerId": developer["developerId"],
            "appFamily": wanted.get("appFamily", "default"),
            "status": "approved",
            "credentials": [credential],
            "createdAt": now,
            "lastModifiedAt": now,
        }
        return self._store.put("apps", f"{email}/{name}", row)

    def found(self, who: str, name: str) -> tuple[str, Row]:
        """The key and the row; raises the refusal."""
        email, _ = self._developers.found(who)
        row = self._store.get("apps", f"{email}/{name}")
        if row is None:
            raise absent("App", name)
        return f"{email}/{name}", row

    def _list(self, request: Request, who: str) -> Row:
        email, _ = self._developers.found(who)
        rows = list(self._store.rows("apps", f"{email}/", f"{email}/{request.query.get('startKey', '')}"))
        page = from_start_key(request, rows, self._page_size, most=100)
        expand = request.asks("expand") or request.asks("shallowExpand")
        shown = page if expand else [{"appId": row["appId"], "name": row["name"]} for row in page]
        return {"app": shown} if shown else {}

    def _replace(self, request: Request, who: str, name: str) -> Row:
        key, before = self.found(who, name)
        wanted = _app(request.object())
        credentials = before["credentials"]
        held = {ref["apiproduct"] for one in credentials for ref in one.get("apiProducts", [])}
        if wanted.get("apiProducts") and set(wanted["apiProducts"]) != held:
            credentials = [*credentials, self._credentials.minted(wanted)]
        return self._keep(key, before, wanted, credentials)

    def _act(self, request: Request, who: str, name: str) -> Row | Answer:
        """Approve or revoke the app, or with a body add one more key pair."""
        key, before = self.found(who, name)
        if "action" in request.query:
            status = state_of(request.action())
            self._store.put("apps", key, {**before, "status": status, "lastModifiedAt": self._store.now_ms()})
            return NOTHING
        wanted = _app(request.object())
        return self._keep(key, before, wanted, [*before["credentials"], self._credentials.minted(wanted)])

    def _keep(self, key: str, before: Row, wanted: Row, credentials: list[Row]) -> Row:
        """Attributes and callback are replaced: what is not sent is gone."""
        kept = {name: value for name, value in before.items() if name not in ("attributes", "callbackUrl")}
        sent = _sent(wanted)
        now = self._store.now_ms()
        return self._store.put("apps", key, {**kept, **sent, "credentials": credentials, "lastModifiedAt": now})

    def _delete(self, request: Request, who: str, name: str) -> Row:
        del request
        key, row = self.found(who, name)
        self._store.remove("apps", key)
        return row

    def _all(self, request: Request) -> Row:
        """Unless asked otherwise, approved apps with an approved key only."""
        query = request.query
        status, key_status = query.get("status", "approved"), query.get("keyStatus", "approved")
        rows = [
            row
            for row in sorted(self._store.rows("apps"), key=lambda row: str(row["appId"]))
            if row["status"] == status
            and row["appId"] >= query.get("startKey", "")
            and any(_is_wanted(one, key_status, query.get("apiProduct")) for one in row["credentials"])
        ]
        page, following = by_token(request, rows, self._page_size, 1000)
        shown = [self._shown(row, request, key_status) for row in page]
        return {**({"app": shown} if shown else {}), **following}

    def _shown(self, row: Row, request: Request, key_status: str) -> Row:
        if not request.asks("expand"):
            return {"appId": row["appId"]}
        shown = {name: value for name, value in row.items() if name not in ("credentials", "appFamily")}
        if request.asks("includeCred"):
            shown["credentials"] = [one for one in row["credentials"] if one["status"] == key_status]
        return shown

    def _by_id(self, app_id: str) -> Row:
        for row in self._store.rows("apps"):
            if row["appId"] == app_id:
                return {name: value for name, value in row.items() if name != "appFamily"}
        raise absent("App", app_id)


def _sent(wanted: Row, *more: str) -> Row:
    return {name: wanted[name] for name in (*more, "attributes", "callbackUrl") if name in wanted}


def _is_wanted(credential: Row, status: str, product: str | None) -> bool:
    products = [ref["apiproduct"] for ref in credential.get("apiProducts", [])]
    return credential["status"] == status and (product is None or product in products)


def _app(told: Row) -> Row:
    row: Row = checked(APP, told)
    refuse_too_many(row)
    return row
