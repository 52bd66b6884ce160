"""uvicorn's HTTP protocol, mended in two places; both origins use it.

An upgrade other than websocket: RFC 9110 lets a server ignore it and answer the request as if it had not been asked
for. uvicorn instead stops parsing at the end of the head, so the body of a request with `Connection: Upgrade` and
`Upgrade: h2c` (Java's client sends it) never arrives. Here a fresh parser gets the head again without the upgrade, then
the rest.

A sender that never finishes its head is closed after `HEAD_SECONDS`.
"""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 15.0
_MAX_HEAD_BYTES: Final = 64 * 1024
_DROPPED: Final = frozenset({b"upgrade", b"http2-settings"})


class AforoHttpProtocol(HttpToolsProtocol):
    """One connection. Names below that are not ours belong to the class above."""

    head_seconds: float = HEAD_SECONDS
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._feed(data)
        if self.parser is None or self.transport.is_closing():
            return
        if self._is_busy():
            self._unwatch_head()
        elif self._head_timer is None:
            self._watch_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._ignores_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._ignores_upgrade():
            super().on_message_complete()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise ValueError("the request's head is too large")

    def _ignores_upgrade(self) -> bool:
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _feed(self, data: bytes) -> None:
        """Parse; behind an ignored upgrade go on with a fresh parser, as often as one packet holds such requests."""
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as upgrade:
                    if self._should_upgrade():
                        self.handle_websocket_upgrade()
                        return
                    data = data[upgrade.args[0] :]
                    self._replay_head()
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")

    def _replay_head(self) -> None:
        """Parse the head once more, without what asked for the upgrade. CONNECT has no other meaning: refused."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise httptools.HttpParserError("CONNECT is not served here")
        head = _plain_head(method, self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self._is_busy() and not self.transport.is_closing():
            self.transport.close()


def _plain_head(method: bytes, url: bytes, version: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            kept = [token for token in value.split(b",") if token.strip().lower() not in _DROPPED]
            lines += [b"connection:" + b",".join(kept)] if kept else []
        elif name not in _DROPPED:
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])
