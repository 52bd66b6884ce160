"""ASGI layer of the api that refuses a body over its path's limit, as declared or as it streams in.

FastAPI reads a body before it asks who sends it, so this is all that stands between a stranger and the memory.
"""

import contextlib
from collections.abc import MutableMapping
from typing import Any, Final

from aforo.app.edge.handlers import INGEST_PATHS
from aforo.app.problems import answer
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send
from aforo.kit.errors import TooLarge

_MIB: Final = 1024 * 1024
_SETTINGS: Final = ("/api/v1/integrations", "/integrations")
"""Below these an integration's settings are sent, which may hold a whole kong.yml."""


def limit_bytes(path: str) -> int:
    """The largest body that a path takes."""
    if path in INGEST_PATHS:
        return 10 * _MIB
    if path == "/v1/ingest/upload":
        return 51 * _MIB  # the file's 50, and the form around it
    if any(path == root or path.startswith(f"{root}/") for root in _SETTINGS):
        return 6 * _MIB
    return _MIB


class BodyLimit:
    """Answers 413 once a body is known to be too large; what the app would have answered is dropped then."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, limit_bytes(scope["path"]))
        if body.is_declared_too_large(scope):
            await _refusal(scope, receive, send)
            return
        with contextlib.suppress(_Over):
            await self._app(scope, body.receive, body.send)
        if body.is_over and not body.is_answered:
            await _refusal(scope, receive, send)


class _Over(Exception):
    """Ends the reading; nobody sees it but the layer above."""


class _Body:
    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send = receive, send
        self._left = limit
        self.is_over = False
        self.is_answered = False

    def is_declared_too_large(self, scope: Scope) -> bool:
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        return declared.isdigit() and int(declared[:20]) > self._left

    async def receive(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.is_over = True
            raise _Over
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.is_over and not self.is_answered:
            return
        self.is_answered = True
        await self._send(message)


async def _refusal(scope: Scope, receive: Receive, send: Send) -> None:
    limit = limit_bytes(scope["path"]) // _MIB
    fault = TooLarge(f"The body is larger than {limit} MiB. Nothing was changed.", next_step="Send less at once.")
    await answer(fault, scope["path"])(scope, receive, send)
