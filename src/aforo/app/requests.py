"""ASGI layer of the api: an id for every request, in its answer and in each log line, and how long it took.

The id is always ours: one that a caller sends would let it write another request's lines. What a caller sent is logged
as `client_request_id` where it has the form of an id.
"""

import re
import time
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from aforo.app.metrics import ApiMetrics
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send
from aforo.kit.ids import new_id

HEADER: Final = b"x-request-id"
_SAFE: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NOWHERE: Final = "none"


class Requests:
    """The outermost layer."""

    def __init__(self, app: AsgiApp, *, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, status, began = new_id("req"), 500, time.perf_counter()

        async def answered(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id, **_clients(scope))
        try:
            await self._app(scope, receive, answered)
        finally:
            structlog.contextvars.unbind_contextvars("request_id", "client_request_id")
            self._metrics.answered(scope["method"], _route(scope), status, time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The route's template, so that there are no more time series than routes; for what leads nowhere `none`."""
    return str(getattr(scope.get("route"), "path", None) or _NOWHERE)


def _clients(scope: Scope) -> dict[str, str]:
    sent = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return {"client_request_id": sent.decode()} if _SAFE.fullmatch(sent) else {}
