"""HTTP as it really arrives: ignored upgrades, split packets, slow senders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest
import uvicorn

from aforo.app.edge import answers
from aforo.app.edge.answers import Answer
from aforo.app.edge.asgi import EdgeApp
from aforo.app.edge.handlers import Head
from aforo.app.http_protocol import AforoHttpProtocol
from aforo.kit.errors import AforoError

UPGRADE = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAA\r\n"
)
LOWER = b"connection: upgrade\r\nupgrade: H2C\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n"
MIXED = b"CONNECTION: keep-alive\r\ncOnNeCtIoN: UPGRADE, http2-settings\r\nUPGRADE: h2c\r\nHTTP2-SETTINGS: AAEA\r\n"
NONE = b""


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers path, an own header and the body."""
    whole = b""
    while True:
        message = await receive()
        whole += message.get("body", b"")
        if not message.get("more_body"):
            break
    mark = dict(scope["headers"]).get(b"x-mark", b"-")
    upgrades = b"upgrade" if b"upgrade" in dict(scope["headers"]) else b"plain"
    text = b"|".join([scope["method"].encode(), scope["path"].encode(), mark, upgrades, whole])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def serving(app: Any, protocol: type[AforoHttpProtocol] = AforoHttpProtocol) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return int(head.split()[1]), await reader.readexactly(length)


def request(path: str, upgrade: bytes, body: bytes, *, chunked: bool) -> tuple[bytes, bytes]:
    """Head and body on the wire."""
    head = f"POST {path}?q=1 HTTP/1.1\r\nHost: e\r\nX-MARK: m\r\n".encode() + upgrade
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body), body
    cut = len(body) // 2
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:cut], body[cut:]) if piece)
    return head + b"Transfer-Encoding: chunked\r\n\r\n", pieces + b"0\r\n\r\n"


@pytest.mark.parametrize(("upgrade", "chunked"), list(product((UPGRADE, LOWER, MIXED, NONE), (False, True))))
@pytest.mark.parametrize("packets", ["one", "two", "every byte"])
async def test_the_body_of_an_ignored_upgrade_arrives_on_three_requests_of_one_connection(
    upgrade: bytes, chunked: bool, packets: str
) -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(3):
            body = b'{"n":%d}' % number * (1 if packets == "every byte" else 40_000)
            head, rest = request(f"/p{number}", upgrade, body, chunked=chunked)
            whole = head + rest
            sizes = {"one": [len(whole)], "two": [len(head), len(rest)], "every byte": [1] * len(whole)}[packets]
            for size in sizes:
                writer.write(whole[:size])
                whole = whole[size:]
                await writer.drain()
                await asyncio.sleep(0.02 if packets == "two" else 0)
            assert await answer(reader) == (200, b"POST|/p%d|m|plain|" % number + body)
        writer.close()


async def test_three_such_requests_in_one_packet_are_three_answers_in_order() -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(b"".join(request(f"/p{n}", UPGRADE, b"b%d" % n, chunked=n == 1)) for n in range(3)))
        for number in range(3):
            assert await answer(reader) == (200, b"POST|/p%d|m|plain|b%d" % (number, number))
        writer.close()


async def test_an_upgrade_without_a_body_is_answered_too() -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /x HTTP/1.1\r\nHost: e\r\n" + UPGRADE + b"\r\n")
            assert await answer(reader) == (200, b"GET|/x|-|plain|")
        writer.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"CONNECT e:1 HTTP/1.1\r\nHost: e\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_http_or_has_a_huge_head_is_400(raw: bytes) -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 400")
        writer.close()


class Impatient(AforoHttpProtocol):
    """Waits a moment only."""

    head_seconds = 0.2


@pytest.mark.parametrize("begun", [b"", b"GET /x HT", b"GET /x HTTP/1.1\r\nHost: e\r\n"])
async def test_a_head_that_never_ends_is_closed(begun: bytes) -> None:
    async with serving(echo, Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.write(b"x")
        writer.close()


async def size_of(head: Head, body: Callable[[], Awaitable[bytes]]) -> Answer:
    """A route that only reads the body."""
    try:
        return answers.json({"size": len(await body())})
    except AforoError as fault:
        return answers.of_error(fault, head.path)


async def test_a_slow_body_times_out_with_a_problem() -> None:
    async with serving(EdgeApp(size_of, body_seconds=0.2)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/ingest HTTP/1.1\r\nHost: e\r\nContent-Length: 100\r\n\r\nhalf")
        status, text = await answer(reader)
        assert (status, b"request_timeout" in text) == (408, True)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_bodies_beyond_the_bound_hear_503_with_retry_after_and_the_rest_is_served() -> None:
    async with serving(EdgeApp(size_of, waiting_bytes=1000)) as port:
        first_reader, first = await asyncio.open_connection("127.0.0.1", port)
        first.write(b"POST /v1/ingest HTTP/1.1\r\nHost: e\r\nContent-Length: 800\r\n\r\n")
        await asyncio.sleep(0.1)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        for framing in (
            b"Content-Length: 300\r\n\r\n" + b"x" * 300,
            b"Transfer-Encoding: chunked\r\n\r\n12c\r\n" + b"x" * 300 + b"\r\n0\r\n\r\n",
        ):
            second.write(b"POST /v1/ingest HTTP/1.1\r\nHost: e\r\n" + framing)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert head.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1\r\n" in head
            await reader.readuntil(b"}")
        first.write(b"y" * 800)
        assert await answer(first_reader) == (200, b'{"size":800}')
        second.write(b"POST /v1/ingest HTTP/1.1\r\nHost: e\r\nContent-Length: 900\r\n\r\n" + b"x" * 900)
        assert await answer(reader) == (200, b'{"size":900}')
        first.close()
        second.close()
