"""The request path: which calls the gateway lets through to a backend, and how it words what it refuses.

An API is called at `/proxy/<its path>/…`. A call needs a key of an active subscription, of an active user, to a product
with this API, to the API, or to all APIs; an API that asks for none, or a product that is open to all, needs none.
Policies are not walked yet. Statuses and messages: the vendor's documentation; that a key is looked for in the header
before the query is ours.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from aforo.gateways.azure.emulator.store import Store
from aforo.gateways.azure.emulator.wire import Answer, Call, Record

PREFIX: Final = "/proxy/"
_MISSING: Final = (
    "Access denied due to missing subscription key. "
    "Make sure to include subscription key when making requests to an API."
)
_INVALID: Final = (
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
)


class Proxying:
    """`backend_calls` counts by API what has passed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.backend_calls: Counter[str] = Counter()

    def answer(self, call: Call) -> Answer:
        """The backend's answer, which tells as what it was called."""
        path = call.path.removeprefix(PREFIX).strip("/")
        api = self._api(path)
        if api is None:
            return _refused(404, "Resource not found")
        name = str(api["path"][1])
        key = _presented(call, api)
        subscription = self._subscription(key, name) if key else None
        if subscription is None and not self._is_open(api):
            return _refused(401, _INVALID if key else _MISSING)
        self.backend_calls[name] += 1
        rest = path.removeprefix(str(api["properties"]["path"]).strip("/")) or "/"
        told: dict[str, Any] = {"api": name, "path": rest, "subscription": subscription and subscription["path"][1]}
        return Answer(200, told)

    def _api(self, path: str) -> Record | None:
        """The one with the longest fitting path."""
        fitting = [one for one in self._store.every("apis") if f"{path}/".startswith(f"{_own_path(one)}/")]
        return max(fitting, key=lambda one: len(_own_path(one)), default=None)

    def _is_open(self, api: Record) -> bool:
        if not api["properties"].get("subscriptionRequired", True):
            return True
        return any(not product["properties"]["subscriptionRequired"] for product in self._products(api["path"][1]))

    def _products(self, api: str) -> Iterator[Record]:
        for link in self._store.every("products", "apis"):
            product = self._store.find(tuple(link["path"][:2])) if link["path"][-1].lower() == api.lower() else None
            if product:
                yield product

    def _subscription(self, key: str, api: str) -> Record | None:
        for one in self._store.every("subscriptions"):
            if key in one["hidden"].values() and one["properties"]["state"] == "active" and self._has_user(one):
                scope = str(one["properties"]["scope"]).lower().rstrip("/")
                scopes = [f"/products/{product['path'][1]}".lower() for product in self._products(api)]
                if scope.endswith(("/apis", f"/apis/{api}".lower(), *scopes)):
                    return one
        return None

    def _has_user(self, subscription: Record) -> bool:
        """A blocked user's keys open nothing; a subscription without an owner has nobody to block."""
        owner = str(subscription["properties"].get("ownerId") or "").rpartition("/")[2]
        user = self._store.find(("users", owner)) if owner else None
        return not owner or bool(user and user["properties"]["state"] == "active")


def _own_path(api: Record) -> str:
    return str(api["properties"].get("path", "")).strip("/")


def _presented(call: Call, api: Record) -> str:
    names = api["properties"]["subscriptionKeyParameterNames"]
    return call.headers.get(names["header"].lower()) or call.query.get(names["query"], "")


def _refused(status: int, message: str) -> Answer:
    return Answer(status, {"statusCode": status, "message": message})
