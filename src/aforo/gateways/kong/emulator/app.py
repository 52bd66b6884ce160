"""The emulator as an ASGI app: reads a call, lets the parts answer it, and keeps the state file up to date."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from aforo.gateway_sdk.emulator import Receive, SavedSoon, Scope, Send, answer, read_body

from .answers import NOT_FOUND, Answer, Refused
from .node import VERSION
from .requests import Request, parse_query
from .store import Store

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"


class Gate(Protocol):
    """Lets a call in, perhaps under another path, or raises the refusal."""

    def admit(self, request: Request) -> Request: ...


class Part(Protocol):
    """Answers the calls that are its own, with None for the others."""

    def answer(self, request: Request) -> Answer | None: ...


class KongEmulator:
    """One emulated node. `flush` saves what has changed; it is also called when the server stops.

    `open_parts` answer before anybody is asked who they are, `parts` behind the gate.
    """

    def __init__(self, store: Store, open_parts: Sequence[Part], parts: Sequence[Part], gate: Gate | None) -> None:
        self.store = store
        self._open_parts = open_parts
        self._parts = parts
        self._gate = gate
        self._saved = SavedSoon(store.save)
        self.flush = self._saved.flush
        store.changed = self._saved.changed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._saved.live(receive, send)
        elif scope["type"] == "http":
            request = _request(scope, await read_body(receive))
            await _reply(send, request.method, self.respond(request))

    def respond(self, request: Request) -> Answer:
        """The answer to one call."""
        try:
            found = _first_answer(self._open_parts, request)
            return found or self._respond(request if self._gate is None else self._gate.admit(request))
        except Refused as refused:
            return refused.answer

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
    body = b"" if method == "HEAD" else given.text.encode() if given.text is not None else _json(given)
    headers = {"server": f"kong/{VERSION}", "access-control-allow-origin": "*", **given.headers}
    await answer(send, given.status, body, headers)


def _json(given: Answer) -> bytes:
    return b"" if given.body is None else msgspec.json.encode(given.body)
