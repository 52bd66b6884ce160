"""Developers."""

import uuid
from collections.abc import Iterator

from .answers import NOTHING, Answer, Row, absent, invalid, taken
from .attributes import Attributes, refuse_too_many
from .paging import from_start_key
from .requests import Request
from .routing import Route
from .shapes import DEVELOPER, checked
from .store import Store

_STATES = ("active", "inactive")


class Developers:
    """Known by e-mail address, or by the id that Apigee gave them. With a developer go the apps."""

    def __init__(self, store: Store, organization: str, page_size: int) -> None:
        self._store = store
        self._organization = organization
        self._page_size = page_size
        self._attributes = Attributes(store, "developers", "developers/{developer}", self.found)

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "developers", self._list)
        yield Route("POST", "developers", lambda request: self.create(request.object()))
        yield Route("GET", "developers/{developer}", lambda _, who: self._show(self.found(who)[1]))
        yield Route("PUT", "developers/{developer}", self._replace)
        yield Route("POST", "developers/{developer}", self._set_state)
        yield Route("DELETE", "developers/{developer}", self._delete)
        yield from self._attributes.routes()

    def create(self, told: Row) -> Row:
        row = _developer(told)
        if self._store.get("developers", row["email"]):
            raise taken("Developer", row["email"])
        now = self._store.now_ms()
        given = {
            "developerId": str(uuid.uuid4()),
            "organizationName": self._organization,
            "status": "active",
            "createdAt": now,
            "lastModifiedAt": now,
        }
        return self._store.put("developers", row["email"], {**row, **given})

    def found(self, who: str) -> tuple[str, Row]:
        """The key and the row; raises the refusal."""
        row = self._store.get("developers", who.lower()) or next(
            (row for row in self._store.rows("developers") if row["developerId"] == who), None
        )
        if row is None:
            raise absent("Developer", who)
        return row["email"], row

    def _list(self, request: Request) -> Row:
        if app := request.query.get("app"):
            page = [row for row in self._store.rows("developers") if self._store.get("apps", f"{row['email']}/{app}")]
        else:
            rows = list(self._store.rows("developers", start=request.query.get("startKey", "")))
            page = from_start_key(request, rows, self._page_size)
        expand = request.asks("expand")
        shown = [self._show(row) if expand else {"email": row["email"]} for row in page]
        return {"developer": shown} if shown else {}

    def _show(self, row: Row) -> Row:
        apps = [app["name"] for app in self._store.rows("apps", f"{row['email']}/")][:100]
        return {**row, "apps": apps} if apps else row

    def _replace(self, request: Request, who: str) -> Row:
        email, before = self.found(who)
        row = _developer(request.object())
        if row["email"] != email and self._store.get("developers", row["email"]):
            raise taken("Developer", row["email"])
        kept = {name: before[name] for name in ("developerId", "organizationName", "status", "createdAt")}
        changed = {**row, **kept, "lastModifiedAt": self._store.now_ms()}
        if row["email"] != email:
            self._move_apps(email, row["email"])
            self._store.remove("developers", email)
        return self._show(self._store.put("developers", row["email"], changed))

    def _move_apps(self, before: str, after: str) -> None:
        for app in list(self._store.rows("apps", f"{before}/")):
            self._store.remove("apps", f"{before}/{app['name']}")
            self._store.put("apps", f"{after}/{app['name']}", app)

    def _set_state(self, request: Request, who: str) -> Answer:
        email, row = self.found(who)
        state = request.action()
        if state not in _STATES:
            raise invalid("The action is active or inactive.")
        self._store.put("developers", email, {**row, "status": state, "lastModifiedAt": self._store.now_ms()})
        return NOTHING

    def _delete(self, request: Request, who: str) -> Row:
        del request
        email, row = self.found(who)
        for app in list(self._store.rows("apps", f"{email}/")):
            self._store.remove("apps", f"{email}/{app['name']}")
        self._store.remove("developers", email)
        return row


def _developer(told: Row) -> Row:
    row: Row = checked(DEVELOPER, told)
    for name in ("email", "firstName", "lastName", "userName"):
        if not row.get(name):
            raise invalid(f"The developer's {name} is required.")
    if "@" not in row["email"] or "/" in row["email"]:
        raise invalid("The developer's email is not an address.")
    refuse_too_many(row)
    return {**row, "email": row["email"].lower()}
