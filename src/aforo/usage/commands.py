"""What the api asks of the edge, over a socket in the data folder that only its owner may open.

A question: length of a JSON head (4 bytes, big endian) and of a body (4), then both. A reply: length, then JSON. One
question a connection.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import structlog

from aforo.kit.errors import AforoError, Overloaded
from aforo.usage.model import MAX_BODY_BYTES

Command: TypeAlias = Callable[[dict[str, Any], bytes], Awaitable[Any]]
"""Takes a question's head and body; gives anything that JSON can hold. Raises AforoError."""

NAME: Final = "usage.sock"
_LENGTHS: Final = struct.Struct(">II")
_MOST_HEAD_BYTES: Final = 2 * 1024 * 1024
_ANSWER_SECONDS: Final = 120
_Told = TypeVar("_Told")


class _Reply(msgspec.Struct):
    """Either an answer, or why there is none."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    refusal: str | None = None
    retry_after_seconds: int = 1


class CommandSocket:
    """The edge's end. Commands may be offered at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commands: dict[str, Command] = {}
        self._server: asyncio.Server | None = None

    def offer(self, name: str, command: Command) -> None:
        self._commands[name] = command

    async def open(self) -> None:
        """Listen; whatever stood at the socket's place goes. Raises OSError."""
        path = self._folder / NAME
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        with _short(path) as name:
            listener.bind(name)
        path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
            (self._folder / NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._replied(reader)
            body = msgspec.json.encode(reply)
            writer.write(struct.pack(">I", len(body)) + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # who asked has gone
        finally:
            writer.close()

    async def _replied(self, reader: asyncio.StreamReader) -> _Reply:
        head_bytes, body_bytes = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
        if head_bytes > _MOST_HEAD_BYTES or body_bytes > MAX_BODY_BYTES:
            return _Reply(refusal="The question is too large.")
        head = msgspec.json.decode(await reader.readexactly(head_bytes), type=dict[str, Any])
        body = await reader.readexactly(body_bytes)
        command = self._commands.get(str(head.get("command")))
        if command is None:
            return _Reply(refusal="The edge does not know this command; is it of another version?")
        try:
            return _Reply(msgspec.Raw(msgspec.json.encode(await command(head, body))))
        except AforoError as fault:
            return _Reply(refusal=str(fault), retry_after_seconds=getattr(fault, "retry_after_seconds", 1))
        except Exception:  # noqa: BLE001  the last resort: logged, and answered without a word of ours
            structlog.get_logger().exception("a command failed", command=head.get("command"))
            return _Reply(refusal="The edge failed while working on this; it has been logged.")


class EdgeLink:
    """The api's end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    async def ask(
        self,
        told: type[_Told],
        command: str,
        body: bytes = b"",
        *,
        patience_seconds: float = _ANSWER_SECONDS,
        **members: Any,
    ) -> _Told:
        """The edge's answer. Raises Overloaded when it does not answer or refuses: ask again later."""
        head = msgspec.json.encode({"command": command, **members})
        try:
            async with asyncio.timeout(patience_seconds):
                reply = await self._exchange(_LENGTHS.pack(len(head), len(body)) + head + body)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as fault:
            raise Overloaded("The edge does not answer.", next_step="Try again shortly.") from fault
        if reply.refusal is not None:
            raise Overloaded(reply.refusal, retry_after_seconds=reply.retry_after_seconds)
        return msgspec.json.decode(reply.answer, type=told)

    async def _exchange(self, question: bytes) -> _Reply:
        connection = socket.socket(socket.AF_UNIX)
        try:
            with _short(self._path) as name:
                connection.connect(name)  # of this machine: answered at once or refused
        except OSError:
            connection.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        try:
            writer.write(question)
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            return msgspec.json.decode(await reader.readexactly(length), type=_Reply)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket in any folder, however long its path: addresses hold 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
