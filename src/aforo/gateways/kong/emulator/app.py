"""The emulator as an ASGI app: reads a call, lets the parts answer it, and keeps the state file up to date."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from aforo.gateway_sdk.emulator import Receive, SavedSoon, Scope, Send, answer, read_body

from .answers import NOT_FOUND, Answer, Refused
from .entities import Entities
from .kinds import KINDS
from .node import VERSION
from .proxy import RequestPath
from .requests import Request, parse_query
from .worker import Workers

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"


class Gate(Protocol):
    """Lets a call in, perhaps under another path, or raises the refusal."""

    def admit(self, request: Request) -> Request: ...


class Part(Protocol):
    """Answers the calls that are its own, with None for the others."""

    def answer(self, request: Request) -> Answer | None: ...


class KongEmulator:
    """One emulated node. `flush` saves what has changed; it is also called when the server stops.

    `requests` are those of consumers, whom the gate does not ask; `parts` are behind it. `workers` run the Lua plugins.
    """

    def __init__(
        self, entities: Entities, requests: RequestPath, parts: Sequence[Part], gate: Gate | None, workers: Workers
    ) -> None:
        self.store = store = entities.store
        self.requests = requests
        self.workers = workers
        self._entities = entities
        self._parts = parts
        self._gate = gate
        self._saved = SavedSoon(store.save)
        self.flush = self._saved.flush
        store.changed = self._saved.changed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._follow()
            await self._saved.live(receive, send)
            await self.workers.stop()
        elif scope["type"] == "http":
            request = _request(scope, await read_body(receive))
            await _reply(send, request.method, await self.respond(request))

    async def respond(self, request: Request) -> Answer:
        """The answer to one call."""
        await self._follow()
        if self.requests.takes(request):
            return await self.requests.answer(request)
        try:
            return self._respond(request if self._gate is None else self._gate.admit(request))
        except Refused as refused:
            return refused.answer
        finally:
            await self._configure()

    async def _follow(self) -> None:
        """Plugins that have come into the folder, or have gone, and whatever their configuration is now."""
        if await self.workers.look():
            self._entities.install(self.workers.schemas())
        await self._configure()

    async def _configure(self) -> None:
        await self.workers.configured(self.store.version, self.store.all(KINDS["plugins"]))

    def _respond(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(204, headers={"allow": _METHODS, "access-control-allow-methods": _METHODS})
        return _first_answer(self._parts, request) or NOT_FOUND


def _first_answer(parts: Sequence[Part], request: Request) -> Answer | None:
    found = (part.answer(request) for part in parts)
    return next((answer for answer in found if answer is not None), None)


def _request(scope: Scope, body: bytes) -> Request:
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    raw_query = scope["query_string"]
    return Request(method, path, parse_query(raw_query), headers, body, raw_query.decode(errors="replace"))


async def _reply(send: Send, method: str, given: Answer) -> None:
    body = b"" if method == "HEAD" else given.raw if given.raw is not None else _body(given)
    headers = {"server": f"kong/{VERSION}", "access-control-allow-origin": "*", **given.headers}
    await answer(send, given.status, body, headers)


def _body(given: Answer) -> bytes:
    if given.text is not None:
        return given.text.encode()
    return b"" if given.body is None else msgspec.json.encode(given.body)
