"""The request path: which calls the gateway lets through to a backend, and what their policies do to them.

An API is called at `/proxy/<its path>/…`. A call needs a key of an active subscription, of an active user, to a product
with this API, to the API, or to all APIs; an API that asks for none, or a product that is open to all, needs none. Then
the policies run, from the service's over the product's and the API's to the operation's, as `base` has it. Statuses and
messages: the vendor's documentation; that a key is looked for in the header before the query is ours.
"""

import asyncio
import contextlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx2

from aforo.gateways.azure.emulator import policy_text
from aforo.gateways.azure.emulator.engine import NotEmulated
from aforo.gateways.azure.emulator.engine.calling import loud, plain, through
from aforo.gateways.azure.emulator.engine.counters import Counters
from aforo.gateways.azure.emulator.engine.members import Headers, Thing
from aforo.gateways.azure.emulator.engine.running import Message, PolicyFault, Run
from aforo.gateways.azure.emulator.policy_text import Node
from aforo.gateways.azure.emulator.reports import Reports
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import Answer, Call, Record
from aforo.kit.clock import Clock

PREFIX: Final = "/proxy/"
_MISSING: Final = (
    "Access denied due to missing subscription key. "
    "Make sure to include subscription key when making requests to an API."
)
_INVALID: Final = (
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
)
_HOP: Final = frozenset({"content-length", "connection", "transfer-encoding"})


class Proxying:
    """`backend_calls` counts by API what has passed, `received` is what the backend got last. `backend_is_down` is a
    switch. `http` is the way to other servers, one of its own for each request unless given."""

    def __init__(self, store: Store, reports: Reports, clock: Clock, http: httpx2.AsyncClient | None = None) -> None:
        self._store = store
        self._reports = reports
        self._http = http
        self.counters = Counters(clock)
        self.backend_calls: Counter[str] = Counter()
        self.received: Message | None = None
        self.backend_is_down = False
        self.lost: list[str] = []
        """One-way requests that nobody answered."""
        self._later: set[asyncio.Task[None]] = set()
        self._parsed: dict[str, Node] = {}

    async def answer(self, call: Call) -> Answer:
        """The caller's answer."""
        path = call.path.removeprefix(PREFIX).strip("/")
        api = self._api(path)
        if api is None:
            return _sent(plain(404, "Resource not found"))
        key = _presented(call, api)
        subscription = self._subscription(key, api["path"][1]) if key else None
        sent = await self._answered(call, path, api, subscription, key)
        self._reports.count(
            sent.status, str(api["path"][1]), self._product_of(subscription, api["path"][1]), subscription
        )
        return sent

    async def _answered(self, call: Call, path: str, api: Record, subscription: Record | None, key: str) -> Answer:
        refused = None
        if subscription is None and not self._is_open(api) and not _is_preflight(call):
            reason = "SubscriptionKeyInvalid" if key else "SubscriptionKeyNotFound"
            refused = PolicyFault("authorization", reason, 401, _INVALID if key else _MISSING)
        try:
            run = self._run(call, path, api, subscription, key)
        except NotEmulated as fault:
            return _sent(loud(str(fault)))
        return _sent(await through(run, refused))

    async def settled(self) -> None:
        """Wait until every one-way request has had its answer."""
        await asyncio.gather(*self._later)

    def named_value(self, name: str) -> str:
        found = next((one for one in self._store.every("namedValues") if _told(one, "displayName") == name), None)
        if found is None:
            raise NotEmulated(f"the named value {name}, which is not there")
        return str(found["hidden"]["value"])

    def fragment(self, name: str) -> Sequence[Node]:
        record = self._store.find(("policyFragments", name))
        if record is None:
            raise NotEmulated(f"the fragment {name}, which is not there")
        return self._document(record, f"<fragment>{record['properties']['value']}</fragment>").children

    async def send(self, request: Message, seconds: float) -> Message:
        """Over the network; raises OSError where there is no answer in time."""
        if not request.url.startswith(("http://", "https://")):
            raise OSError(f"no address: {request.url}")
        try:
            if self._http:
                return await _asked(self._http, request, seconds)
            async with httpx2.AsyncClient(trust_env=False) as http:
                return await _asked(http, request, seconds)
        except httpx2.HTTPError as fault:
            raise OSError(str(fault)) from fault

    def send_later(self, request: Message, seconds: float) -> None:
        """Nobody waits for its answer, and nobody hears if there is none."""
        task = asyncio.get_running_loop().create_task(self._send_off(request, seconds))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _send_off(self, request: Message, seconds: float) -> None:
        try:
            await self.send(request, seconds)
        except OSError:
            self.lost.append(request.url)

    async def backend(self, run: Run) -> Message:
        """What stands behind every API: it tells as what it was called."""
        if self.backend_is_down:
            raise PolicyFault("forward-request", "BackendConnectionFailure", 500, "Unable to connect to the backend.")
        name = run.facts["Api"]["Id"]
        self.backend_calls[name] += 1
        self.received = run.request
        told: dict[str, Any] = {"api": name, "path": run.request.path, "subscription": run.subscription_id}
        return Message(Headers({"content-type": "application/json"}), json.dumps(told))

    def _run(self, call: Call, path: str, api: Record, subscription: Record | None, key: str) -> Run:
        name = str(api["path"][1])
        rest = path.removeprefix(_own_path(api)) or "/"
        product = self._product_of(subscription, name)
        operation = self._operation(api, call.method, rest)
        places: list[Path | None] = [
            tuple(operation["path"]) if operation else None,
            ("apis", name),
            tuple(product["path"]) if product else None,
            (),
        ]
        documents = [self._policy(place) for place in places if place is not None]
        request = Message(
            Headers(call.headers), call.body.decode("utf-8", "replace"), method=call.method, path=rest,
            query=dict(call.query), host=call.headers.get("host", ""),
        )  # fmt: skip
        sid = str(subscription["path"][1]) if subscription else None
        return Run(self, request, _facts(api, product, operation, subscription, key), sid, documents)

    def _policy(self, place: Path) -> Node | None:
        record = self._store.find((*place, "policies", "policy"))
        return self._document(record, str(record["properties"]["value"])) if record else None

    def _document(self, record: Record, text: str) -> Node:
        """Read once for each time that it was written."""
        etag = str(record["etag"])
        if etag not in self._parsed:
            self._parsed[etag] = policy_text.parse(text, raw=True)
        return self._parsed[etag]

    def _api(self, path: str) -> Record | None:
        """The one with the longest fitting path."""
        fitting = [one for one in self._store.every("apis") if f"{path}/".startswith(f"{_own_path(one)}/")]
        return max(fitting, key=lambda one: len(_own_path(one)), default=None)

    def _operation(self, api: Record, method: str, path: str) -> Record | None:
        """The one that fits method and path. A call that fits none passes all the same; Azure answers it with 404."""
        for one in self._store.children(tuple(api["path"]), "operations"):
            template = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(_told(one, "urlTemplate").rstrip("/")))
            if _told(one, "method") == method and re.fullmatch(template, path.rstrip("/")):
                return one
        return None

    def _is_open(self, api: Record) -> bool:
        if not api["properties"].get("subscriptionRequired", True):
            return True
        return any(not product["properties"]["subscriptionRequired"] for product in self._products(api["path"][1]))

    def _products(self, api: str) -> Iterator[Record]:
        for link in self._store.every("products", "apis"):
            product = self._store.find(tuple(link["path"][:2])) if link["path"][-1].lower() == api.lower() else None
            if product:
                yield product

    def _product_of(self, subscription: Record | None, api: str) -> Record | None:
        """The subscription's product; without a subscription the open one; none for a subscription to APIs."""
        for product in self._products(api):
            scope = f"/products/{product['path'][1]}".lower()
            if subscription and str(subscription["properties"]["scope"]).lower().rstrip("/").endswith(scope):
                return product
            if subscription is None and not product["properties"]["subscriptionRequired"]:
                return product
        return None

    def _subscription(self, key: str, api: str) -> Record | None:
        for one in self._store.with_key(key):
            if one["properties"]["state"] == "active" and self._has_user(one):
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


def _facts(
    api: Record, product: Record | None, operation: Record | None, subscription: Record | None, key: str
) -> dict[str, Any]:
    """The context's members that no policy changes."""
    told: dict[str, Any] = {
        "RequestId": uuid.uuid4(),
        "Api": Thing("Api", Id=api["path"][1], Name=_told(api, "displayName"), Path=_own_path(api)),
        "Product": product and Thing("Product", Id=product["path"][1], Name=_told(product, "displayName")),
        "Subscription": None,
        "Deployment": Thing("Deployment", Region="West Europe", ServiceName="contoso-apis"),
        "Operation": operation and Thing("Operation", Id=operation["path"][-1], Name=_told(operation, "displayName")),
    }
    if subscription:
        keys = subscription["hidden"]
        told["Subscription"] = Thing(
            "Subscription", Id=subscription["path"][1], Name=_told(subscription, "displayName"), Key=key,
            PrimaryKey=keys["primaryKey"], SecondaryKey=keys["secondaryKey"],
        )  # fmt: skip
    return told


async def _asked(http: httpx2.AsyncClient, request: Message, seconds: float) -> Message:
    answer = await http.request(
        request.method, request.url, headers=dict(request.headers), content=request.body.encode(), timeout=seconds
    )
    headers = Headers({name.lower(): value for name, value in answer.headers.items()})
    return Message(headers, answer.text, answer.status_code, answer.reason_phrase)


def _sent(message: Message) -> Answer:
    headers = {name: value for name, value in message.headers.items() if name not in _HOP}
    if headers.get("content-type", "").startswith("application/json"):
        with contextlib.suppress(ValueError):  # a policy may put anything under this type
            return Answer(message.status, json.loads(message.body), headers)
    return Answer(message.status, message.body or None, headers)


def _told(record: Record, name: str) -> str:
    return str(record["properties"].get(name) or "")


def _own_path(api: Record) -> str:
    return _told(api, "path").strip("/")


def _is_preflight(call: Call) -> bool:
    return call.method == "OPTIONS" and "access-control-request-method" in call.headers


def _presented(call: Call, api: Record) -> str:
    names = api["properties"]["subscriptionKeyParameterNames"]
    return call.headers.get(names["header"].lower()) or call.query.get(names["query"], "")
