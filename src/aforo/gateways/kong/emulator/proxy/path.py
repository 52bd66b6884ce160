"""A consumer's call from end to end: route, plugins, upstream."""

import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ..answers import Answer
from ..kinds import KINDS
from ..requests import Request
from ..store import Row, Store
from .guards import Guards, Passage
from .router import Call, Match, matched
from .upstream import NameUnknown, Sent, Unreachable, Upstream

PREFIX = "/proxy"
"""Where the emulator takes consumers' calls; a real node has a port of its own for them."""

_SCOPES = ("route", "service", "consumer")
_WEIGHTS = {"consumer": 5, "route": 4, "service": 3}
"""Of two plugins of one name the more closely scoped one works: more scopes first, then consumer, route, service."""


class RequestPath:
    """The gateway as its consumers see it."""

    def __init__(self, store: Store, now: Callable[[], float], upstream: Upstream) -> None:
        self._store = store
        self._guards = Guards(store, now)
        self._upstream = upstream
        self._version = -1
        self._routes: list[Row] = []
        self._plugins: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)

    def answer(self, request: Request) -> Answer | None:
        """The answer to a call below the prefix, None to any other."""
        if request.path != PREFIX and not request.path.startswith(PREFIX + "/"):
            return None
        path = request.path.removeprefix(PREFIX) or "/"
        call = Call(request.method, path, request.raw_query, request.headers, request.body)
        call_id = uuid.uuid4().hex
        found = self._respond(call, call_id)
        return Answer(found.status, found.body, found.text, {**found.headers, "x-kong-request-id": call_id})

    def _respond(self, call: Call, call_id: str) -> Answer:
        self._look_up()
        match = matched(call, self._routes)
        if match is None:
            return _refusal(404, "no Route matched with those values", call_id)
        passage = Passage(call, match.route, self._service(match.route), call.raw_query)
        for name, guard in self._guards.in_order.items():
            config = self._config(name, passage)
            refused = None if config is None else guard(passage, config)
            if refused is not None:
                return _named(refused, call_id, keep=name == "request-termination")
        return self._pass_on(passage, match, call_id)

    def _look_up(self) -> None:
        """Read routes and plugins anew when anything has changed."""
        if self._version != self._store.version:
            self._version = self._store.version
            self._routes = [row for row in self._store.all(KINDS["routes"]) if self._is_served(row)]
            self._plugins = defaultdict(list)
            for row in self._store.all(KINDS["plugins"]):
                if row["enabled"]:
                    closest = next((row[scope]["id"] for scope in _SCOPES if row[scope] is not None), "")
                    self._plugins[row["name"], closest].append(row)

    def _is_served(self, route: Row) -> bool:
        service = self._service(route)
        return service is None or bool(service["enabled"])

    def _service(self, route: Row) -> Row | None:
        return None if route["service"] is None else self._store.get(KINDS["services"], route["service"]["id"])

    def _config(self, name: str, passage: Passage) -> dict[str, Any] | None:
        """The configuration that works for this call, of all plugins with the name."""
        ids = {"route": passage.route["id"]}
        if passage.service is not None:
            ids["service"] = passage.service["id"]
        if passage.consumer is not None:
            ids["consumer"] = passage.consumer["id"]
        rows = [row for row_id in ("", *ids.values()) for row in self._plugins.get((name, row_id), ())]
        fitting = [row for row in rows if all(_fits(row[scope], ids.get(scope)) for scope in _SCOPES)]
        best = max(fitting, key=_closeness, default=None)
        return None if best is None else best["config"]

    def _pass_on(self, passage: Passage, match: Match, call_id: str) -> Answer:
        if passage.service is None:
            return _refusal(503, "no Service found with those values", call_id)
        via = {**passage.to_client, "via": "1.1 kong/3.9.3"}
        try:
            told = self._upstream(_sent(passage, passage.service, match, call_id))
        except NameUnknown:
            return _refusal(503, "name resolution failed", call_id)
        except Unreachable:
            text = f"An invalid response was received from the upstream server\nrequest_id: {call_id}\n"
            return Answer(502, text=text, headers={**via, "content-type": "text/plain; charset=utf-8"})
        return Answer(told.status, told.body, told.text, {**via, **told.headers})


def _fits(scope: dict[str, str] | None, row_id: str | None) -> bool:
    return scope is None or scope["id"] == row_id


def _closeness(plugin: Row) -> tuple[int, int]:
    scopes = [scope for scope in _SCOPES if plugin[scope] is not None]
    return len(scopes), sum(_WEIGHTS[scope] for scope in scopes)


def _refusal(status: int, message: str, call_id: str) -> Answer:
    return Answer(status, {"message": message, "request_id": call_id})


def _named(refused: Answer, call_id: str, *, keep: bool) -> Answer:
    """Kong's own refusals carry the request's id, a configured termination does not."""
    if keep or not isinstance(refused.body, dict):
        return refused
    return Answer(refused.status, {**refused.body, "request_id": call_id}, headers=refused.headers)


def _sent(passage: Passage, service: Row, match: Match, call_id: str) -> Sent:
    call = passage.call
    rest = call.path[len(match.prefix) :] if match.route["strip_path"] else call.path
    path = _joined(service["path"] or "", rest)
    uri = f"{path}?{passage.query}" if passage.query else path
    host = call.headers.get("host", "") if match.route["preserve_host"] else f"{service['host']}:{service['port']}"
    kept = {name: value for name, value in call.headers.items() if name not in passage.hidden}
    forwarded = {
        "host": host,
        "via": "1.1 kong/3.9.3",
        "connection": "keep-alive",
        "x-forwarded-for": call.client,
        "x-forwarded-proto": "http",
        "x-forwarded-host": call.host,
        "x-forwarded-port": "8000",
        "x-forwarded-path": call.path,
        "x-forwarded-prefix": match.prefix,
        "x-real-ip": call.client,
        "x-kong-request-id": call_id,
    }
    headers = {**kept, **forwarded, **passage.to_upstream}
    return Sent(call.method, service["host"], service["port"], uri, headers, call.body)


def _joined(base: str, rest: str) -> str:
    if not rest:
        return base or "/"
    return base.rstrip("/") + "/" + rest.lstrip("/")
