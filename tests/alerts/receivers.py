"""Receivers on this machine: a mail server, and a web server that answers as it is told."""

import asyncio
import contextlib
import email
import email.policy
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.live import serving


@dataclass
class Mailbox:
    """`refuses`: answers for the next messages, instead of taking them."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    refuses: list[str] = field(default_factory=list)

    def url(self, password: str = "") -> str:
        """Where it is, as a channel names it."""
        who = f"aforo:{password}@" if password else ""
        plain = "" if password else "&tls=none"
        return f"smtp://{who}127.0.0.1:{self.port}?from=aforo@example.com&to=ops@example.com{plain}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        del server, session
        if self.refuses:
            return self.refuses.pop(0)
        assert isinstance(envelope.content, bytes)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 2.0.0 queued as A1"


@contextlib.asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="mail.test", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box


@dataclass
class Posted:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hook:
    """`answers`: (status, text, headers) for the next requests; 200 `ok` once there are none."""

    url: str = ""
    got: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    on_arrival: Callable[[], None] = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append(Posted(scope["path"], headers, body))
        status, text, told = self.answers.pop(0) if self.answers else (200, "ok", {})
        raw = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": text.encode()})
        self.on_arrival()


@contextlib.contextmanager
def hook() -> Iterator[Hook]:
    app = Hook()
    with serving(app) as url:
        app.url = url
        yield app
