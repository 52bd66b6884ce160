"""A consumer's call from end to end: route, plugins, upstream."""

import uuid
from collections import Counter
from collections.abc import Callable

from ..answers import Answer
from ..kinds import KINDS
from ..requests import Request
from ..store import Row, Store
from ..worker import Workers
from .choosing import Plugins
from .guards import PRIORITY, Guards, Passage
from .plugged import Plugged
from .router import Call, Match, matched
from .sending import sent
from .upstream import LOOPBACK, Echo, NameUnknown, Unreachable, Upstream, UpstreamAnswer, fetched

PREFIX = "/proxy"
"""Where the emulator takes consumers' calls; a real node has a port of its own for them."""


class RequestPath:
    """The gateway as its consumers see it. `backend_calls` counts by service what has reached a backend."""

    def __init__(self, store: Store, now: Callable[[], float], upstream: Upstream | None, workers: Workers) -> None:
        self._store = store
        self._now = now
        self._guards = Guards(store, now)
        self._upstream = upstream
        self._workers = workers
        self._plugins = Plugins(store)
        self._version = -1
        self._routes: list[Row] = []
        self.backend_calls: Counter[str] = Counter()

    def takes(self, request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(PREFIX + "/")

    async def answer(self, request: Request) -> Answer:
        path = request.path.removeprefix(PREFIX) or "/"
        call = Call(request.method, path, request.raw_query, request.headers, request.body)
        call_id = uuid.uuid4().hex
        found = await self._respond(call, call_id)
        return Answer(found.status, found.body, found.text, found.raw, {**found.headers, "x-kong-request-id": call_id})

    async def _respond(self, call: Call, call_id: str) -> Answer:
        begun = self._now()
        self._look_up()
        match = matched(call, self._routes)
        if match is None:
            return _refusal(404, "no Route matched with those values", call_id)
        passage = Passage(call, match.route, self._service(match.route), call.raw_query)
        worker = self._workers.next()
        plugged = Plugged(self._workers, worker, passage, begun) if worker is not None else None
        refused = await self._guarded(passage, plugged, call_id)
        if refused is None:
            if plugged is not None:
                plugged.apply()
            answer, source = await self._pass_on(passage, match, call_id)
        else:
            answer, source = refused, "exit"
        return await plugged.finish(answer, source) if plugged is not None and plugged.any else answer

    async def _guarded(self, passage: Passage, plugged: Plugged | None, call_id: str) -> Answer | None:
        """The refusal of the first plugin that refuses. The others are collected all the same, for later phases."""
        refused: Answer | None = None
        installed = self._workers.installed
        priorities = {**PRIORITY, **{name: one.priority for name, one in installed.items()}}
        for name in sorted(priorities, key=lambda one: (-priorities[one], one)):
            row = self._plugins.working(name, passage)
            if row is None:
                continue
            if name not in installed:
                refused = refused or self._guard(name, passage, row, call_id)
            elif plugged is not None and refused is None:
                refused = await plugged.access(row)
            elif plugged is not None:
                plugged.collect(row)
        return refused

    def _guard(self, name: str, passage: Passage, row: Row, call_id: str) -> Answer | None:
        refused = self._guards.in_order[name](passage, row["config"])
        return None if refused is None else _named(refused, call_id, keep=name == "request-termination")

    def _look_up(self) -> None:
        """Read routes anew when anything has changed."""
        if self._version != self._store.version:
            self._version = self._store.version
            self._routes = [row for row in self._store.all(KINDS["routes"]) if self._is_served(row)]

    def _is_served(self, route: Row) -> bool:
        service = self._service(route)
        return service is None or bool(service["enabled"])

    def _service(self, route: Row) -> Row | None:
        return None if route["service"] is None else self._store.get(KINDS["services"], route["service"]["id"])

    async def _pass_on(self, passage: Passage, match: Match, call_id: str) -> tuple[Answer, str]:
        """The answer, and whose it is: the service's, or Kong's own about an error."""
        if passage.service is None:
            return _refusal(503, "no Service found with those values", call_id), "error"
        via = {**passage.to_client, "via": "1.1 kong/3.9.3"}
        try:
            told = await self._backend(passage, passage.service, match, call_id)
        except NameUnknown:
            return _refusal(503, "name resolution failed", call_id), "error"
        except Unreachable:
            text = f"An invalid response was received from the upstream server\nrequest_id: {call_id}\n"
            return Answer(502, text=text, headers={**via, "content-type": "text/plain; charset=utf-8"}), "error"
        return Answer(told.status, told.body, told.text, told.raw, {**via, **told.headers}), "service"

    async def _backend(self, passage: Passage, service: Row, match: Match, call_id: str) -> UpstreamAnswer:
        what = sent(passage, service, match, call_id)
        if self._upstream is not None:
            told = self._upstream(what)
        elif what.host in LOOPBACK:
            told = await fetched(self._workers.sockets, what)
        else:
            told = Echo()(what)
        self.backend_calls[service["name"] or service["id"]] += 1
        return told


def _refusal(status: int, message: str, call_id: str) -> Answer:
    return Answer(status, {"message": message, "request_id": call_id})


def _named(refused: Answer, call_id: str, *, keep: bool) -> Answer:
    """Kong's own refusals carry the request's id, a configured termination does not."""
    if keep or not isinstance(refused.body, dict):
        return refused
    return Answer(refused.status, {**refused.body, "request_id": call_id}, headers=refused.headers)
