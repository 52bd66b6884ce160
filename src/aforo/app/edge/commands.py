"""`edge.sock`: one-line commands from the api, such as "look at the records now". Only its own user may write."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

_LONGEST_PATH = 100


class CommandSocket:
    """Each line is a command's name; `ok` or `unknown` is answered. Where no socket can be made, polling suffices."""

    def __init__(self, path: Path, commands: Mapping[str, Callable[[], None]]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        if len(str(self._path.absolute())) > _LONGEST_PATH:
            structlog.get_logger().warning("the data folder's path is too long for edge.sock; the edge polls only")
            return
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path.absolute(), limit=4096)
        self._path.chmod(0o600)

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ValueError, ConnectionError, TimeoutError):
            async with asyncio.timeout(5):
                line = (await reader.readline()).decode("utf-8", "replace").strip()
                command = self._commands.get(line)
                if command is not None:
                    command()
                writer.write(b"ok\n" if command is not None else b"unknown\n")
                await writer.drain()
        writer.close()
