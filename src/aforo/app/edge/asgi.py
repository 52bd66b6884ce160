"""The edge as a raw ASGI application: reads bodies within bounds and hands bytes to the handlers."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from aforo.app.edge import answers, forwarded
from aforo.app.edge.answers import Answer
from aforo.app.edge.head import Head
from aforo.app.edge.patience import Within
from aforo.kit.errors import Overloaded, TooLarge
from aforo.usage import MAX_BODY_BYTES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Answering = Callable[[Head, Callable[[], Awaitable[bytes]]], Awaitable[Answer]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_SECONDS: Final = 30.0
WAITING_BYTES: Final = 96 * 1024 * 1024
_DRAIN_BYTES: Final = 32 * 1024 * 1024  # read and thrown away, so that the client gets to see the answer
_CLOSE: Final = (b"connection", b"close")


class Disconnected(Exception):
    """The client went away; nobody waits for an answer."""


class SlowSender(Exception):
    """The body did not come in time."""


class EdgeApp:
    """Bodies of all requests together take at most `waiting_bytes`; beyond that a request hears 503 at once."""

    def __init__(
        self,
        answer: Answering,
        *,
        body_seconds: float = BODY_SECONDS,
        waiting_bytes: int = WAITING_BYTES,
        forward_secret: str = "",
    ) -> None:
        """Who knows the `forward_secret` may say from which address a request came; nobody may without one."""
        self._answering = answer
        self._forward_secret = forward_secret
        self._body_seconds = body_seconds
        self._most_waiting_bytes = waiting_bytes
        self._waiting_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = _Body(self, receive, scope)
        head = self._head(scope)
        try:
            answer = await self._answer(head, body)
        except Disconnected:
            return
        finally:
            self.release(body.held_bytes)
        await _send(send, answer, closes=not body.complete and not await body.drained())

    def _head(self, scope: Scope) -> Head:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        address = client[0] if client else None
        if self._forward_secret and forwarded.HEADER in headers:
            address = forwarded.address(self._forward_secret, headers[forwarded.HEADER]) or address
        return Head(scope["method"], scope["path"], scope["query_string"], headers, address)

    async def _answer(self, head: Head, body: "_Body") -> Answer:
        try:
            return await self._answering(head, body.read)
        except SlowSender:
            detail = f"The body did not arrive within {self._body_seconds:g} seconds; nothing was kept."
            return answers.problem(408, "request_timeout", detail, head.path, _CLOSE)
        except Disconnected:
            raise
        except Exception:  # noqa: BLE001 - the last resort: logged, and answered without a word of ours
            structlog.get_logger().exception("request failed", path=head.path)
            return answers.problem(500, "internal", "Something failed here; it has been logged.", head.path)

    @property
    def body_seconds(self) -> float:
        return self._body_seconds

    def reserve(self, size: int) -> None:
        """Raises Overloaded rather than let memory grow."""
        if self._waiting_bytes + size > self._most_waiting_bytes:
            raise Overloaded(
                "Too many requests are waiting; nothing of this one was kept.", next_step="Send the same bytes again."
            )
        self._waiting_bytes += size

    def release(self, size: int) -> None:
        self._waiting_bytes -= size


class _Body:
    """One request's body, read at most once."""

    def __init__(self, app: EdgeApp, receive: Receive, scope: Scope) -> None:
        self._app = app
        self._receive = receive
        self._declared = _declared_length(scope)
        self._deadline: float | None = None
        self._read_bytes = 0
        self.held_bytes = 0
        self.complete = self._declared == 0

    async def read(self) -> bytes:
        """Raises TooLarge, Overloaded, SlowSender, Disconnected."""
        if self._declared is not None:
            self._check_size(self._declared)
            self._hold(self._declared)
        try:
            return await self._chunks()
        except TimeoutError:
            raise SlowSender from None

    async def drained(self) -> bool:
        """Take in and drop what is left of a body that is refused; False when that is not worth it."""
        if self._declared is not None and self._declared > _DRAIN_BYTES:
            return False
        try:
            async with asyncio.timeout(min(5.0, self._app.body_seconds)):
                while not self.complete and self._read_bytes <= _DRAIN_BYTES:
                    self._took(await self._receive())
        except (TimeoutError, Disconnected):
            return False
        return self.complete

    async def _chunks(self) -> bytes:
        chunks = []
        while not self.complete:
            chunk = self._took(await Within(self._receive, self._until))
            self._check_size(self._read_bytes)
            if self._declared is None:
                self._hold(len(chunk))
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _until(self) -> float:
        """By when the whole body must be there; counted from the first time that it has to be waited for."""
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._app.body_seconds
        return self._deadline

    def _took(self, message: MutableMapping[str, Any]) -> bytes:
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        self._read_bytes += len(chunk)
        self.complete = not message.get("more_body", False)
        return chunk

    def _check_size(self, size: int) -> None:
        if size > MAX_BODY_BYTES:
            raise TooLarge("The body is over 10 MiB; nothing was kept.", next_step="Send fewer events in one request.")

    def _hold(self, size: int) -> None:
        self._app.reserve(size)
        self.held_bytes += size


def _declared_length(scope: Scope) -> int | None:
    """What Content-Length says; None for a chunked body; 0 where there is no body."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


async def _send(send: Send, answer: Answer, *, closes: bool) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    if closes and _CLOSE not in headers:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
