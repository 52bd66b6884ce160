"""The emulator as an ASGI app: finds the operation, asks for a token, counts calls, and keeps the state file."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from aforo.gateway_sdk import emulated_tokens
from aforo.gateway_sdk.emulator import Receive, SavedSoon, Scope, Send, answer, read_body

from .answers import Answer, Refused, not_found, unauthorized
from .calls import Call
from .operations import OPERATIONS, Operation
from .proxying import PREFIX, Proxying
from .world import Row, World

_WINDOW_SECONDS: Final = 60


class AnypointEmulator:
    """The control plane, and below `/proxy/` the calls of consumers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.switches = world.switches
        self.proxying = Proxying(world)
        self._saved = SavedSoon(world.save)
        self.flush = self._saved.flush
        self._window = (0, 0)
        world.changed = self._saved.changed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._saved.live(receive, send)
            return
        given = self.respond(scope, await read_body(receive))
        content = json.dumps(given.body).encode() if given.content is None else given.content
        await answer(send, given.status, content, {**given.headers})

    def respond(self, scope: Scope, content: bytes) -> Answer:
        """The answer to one call."""
        path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
        if path.startswith(PREFIX):
            return self._proxied(scope, path)
        try:
            operation, ids = _find(scope["method"], path)
            self._count(path)
            call = _call(scope, ids, content, None)
            if not operation.is_open:
                call = _call(scope, ids, content, self._app(call.headers))
            given = operation.answer(self.world, call)
        except Refused as refused:
            given = refused.answer
        return self._with_limits(given, path)

    def _proxied(self, scope: Scope, path: str) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            return self.proxying.answer(scope["method"], path, headers)
        except Refused as refused:
            return refused.answer

    def _app(self, headers: Mapping[str, str]) -> Row:
        """Whose token it is; 401 for one that is unknown or has ended."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        kept = self.world.tables["tokens"].get(token)
        if emulated_tokens.accepts(token, "mulesoft", self.world.clock.now().timestamp()):
            return dict(self.world.rows("apps")[0])
        if kind.lower() != "bearer" or kept is None or kept["until"] <= self.world.now():
            raise unauthorized()
        app: Row = self.world.tables["apps"][kept["client_id"]]
        return app

    def _count(self, path: str) -> None:
        """A fixed window of a minute. Beyond it Exchange says 503, the others 429."""
        window = int(self.world.clock.now().timestamp()) // _WINDOW_SECONDS
        self._window = (window, self._window[1] + 1 if self._window[0] == window else 1)
        if self.switches.calls_per_minute is not None and self._window[1] > self.switches.calls_per_minute:
            if path.startswith("/exchange/"):
                raise Refused(Answer(503, {"status": 503, "message": "Service Unavailable"}))
            raise Refused(Answer(429, {"name": "TooManyRequests", "message": "Too many requests"}))

    def _with_limits(self, given: Answer, path: str) -> Answer:
        if not path.startswith(("/accounts/", "/apimanager/")):
            return given
        limit = self.switches.calls_per_minute or 500
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - self._window[1])),
            "X-RateLimit-Reset": str((self._window[0] + 1) * _WINDOW_SECONDS),
        }
        return Answer(given.status, given.body, {**headers, **given.headers}, given.content)


def _call(scope: Scope, ids: Mapping[str, str], content: bytes, app: Row | None) -> Call:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    base_url = f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}"
    return Call(scope["method"], ids, query, headers, content, base_url, app)


def _find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    for operation, pattern in _PATTERNS:
        if operation.method == method and (match := pattern.fullmatch(path)):
            return operation, {name: unquote(value) for name, value in match.groupdict().items()}
    raise not_found("Resource", path)


def _pattern(operation: Operation) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.path)))


_PATTERNS: Final[list[tuple[Operation, Any]]] = [(operation, _pattern(operation)) for operation in OPERATIONS]
