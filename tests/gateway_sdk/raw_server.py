"""A server on a real socket that answers every connection with the same bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Raw:
    """`url` where it listens, `heard` what came in, a request each; `called` once there was one."""

    url: str
    heard: list[bytes] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def raw(*parts: bytes, gap_seconds: float = 0.0) -> AsyncIterator[Raw]:
    """Serve the parts one after the other, with a gap before each but the first; then close."""
    running = Raw("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            running.heard.append(await reader.readuntil(b"\r\n\r\n"))
            running.called.set()
            await _write(writer, parts, gap_seconds)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()


async def _write(writer: asyncio.StreamWriter, parts: Sequence[bytes], gap_seconds: float) -> None:
    for number, part in enumerate(parts):
        if number:
            await asyncio.sleep(gap_seconds)
        writer.write(part)
        await writer.drain()
