"""The emulator as an ASGI app: lets a call in, finds what answers it, and keeps the state file up to date."""

import asyncio
import time
from typing import Final

from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer, read_body

from .answers import NO_SUCH_PAGE, Answer, Refused, forbidden
from .proxying import Proxying
from .requests import Request, parse_query
from .routing import Routes
from .store import Store
from .throttle import Throttle
from .tokens import TokenEndpoint

_SAVE_AFTER_SECONDS: Final = 0.25
_SAVE_SHARE: Final = 20
"""Saving takes at most one part in so many of the time: the longer a save takes, the rarer it is."""


class ApigeeEmulator:
    """One emulated organization. `flush` saves what has changed; it is also called when the server stops."""

    def __init__(
        self, store: Store, organization: str, tokens: TokenEndpoint, routes: Routes, throttle: Throttle
    ) -> None:
        self.store = store
        self.tokens = tokens
        self.routes = routes
        self.proxying = Proxying(store)
        self._organization = organization
        self._throttle = throttle
        self._saving: asyncio.TimerHandle | None = None
        self._rest_seconds = _SAVE_AFTER_SECONDS
        self._unsaved = False
        store.changed = self._changed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            given = self.respond(_request(scope, await read_body(receive)))
            await answer(send, given.status, given.bytes(), {"server": "ESF", **given.headers})

    def respond(self, request: Request) -> Answer:
        """The answer to one call."""
        try:
            if request.path == "/token" and request.method == "POST":
                return self.tokens.answer(request)
            return self._respond(request)
        except Refused as refused:
            return refused.answer

    def _respond(self, request: Request) -> Answer:
        match request.segments:
            case ["proxy", proxy, *rest]:
                return self.proxying.answer(request, proxy, rest)
            case ["v1", "organizations", organization, *rest]:
                found = self.routes.find(request.method, rest)
            case _:
                return NO_SUCH_PAGE
        if found is None:
            return NO_SUCH_PAGE
        self.tokens.admit(request)
        if organization != self._organization:
            raise forbidden(f"organizations/{organization}")
        self._throttle.count()
        handler, own = found
        told = handler(request, *own)
        return told if isinstance(told, Answer) else Answer(200, told)

    def flush(self) -> None:
        """Save now what has changed since the last save."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        if self._unsaved:
            begun = time.monotonic()
            self.store.save()
            self._unsaved = False
            self._rest_seconds = max(_SAVE_AFTER_SECONDS, (time.monotonic() - begun) * _SAVE_SHARE)

    def _changed(self) -> None:
        """Save soon, once for many changes; a timer that is overdue was left behind by a loop that has ended."""
        self._unsaved = True
        loop = asyncio.get_running_loop()
        if self._saving is None or self._saving.when() < loop.time() - self._rest_seconds:
            self._saving = loop.call_later(self._rest_seconds, self.flush)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        self.flush()
        await send({"type": "lifespan.shutdown.complete"})


def _request(scope: Scope, body: bytes) -> Request:
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], path, parse_query(scope["query_string"]), headers, body)
