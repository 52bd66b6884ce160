"""One worker: a Lua state, the coroutines in it, and its timers."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime

from .host import Log
from .installed import Installed, read
from .sockets import NoAnswer, Sockets, sendable
from .values import for_lua, lua_text, raw

_LUA = Path(__file__).parent / "lua"
_LOAD = "function(host, here) return assert(loadfile(here .. '/boot.lua'))(host, here) end"
ERROR = 4


class Failed(Exception):
    """A plugin's code raised; Lua's words and where."""


class Worker:
    """Runs plugins' functions. All of it belongs to one event loop; nothing here blocks but plugins' own files."""

    def __init__(self, number: int, host: Mapping[str, object], log: Log, sockets: Sockets) -> None:
        self.number = number
        self._lua = LuaRuntime(
            encoding="latin-1",
            source_encoding="latin-1",
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
        )
        self._log = log
        self._sockets = sockets
        self._timers: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        own = {"worker_id": number, "exiting": self._ending.is_set, "timer": self._schedule}
        self.api = self._lua.eval(_LOAD)(self._lua.table_from({**host, **own}), str(_LUA))
        self._handlers: dict[str, Any] = {}

    def load(self, folder: Path, name: str) -> Installed:
        """Raises LuaError, ValueError: what is wrong with the plugin."""
        installed = read(self.api, folder, name)
        self._handlers[name] = self.api.handler(str(folder), name)
        return installed

    def table(self, value: Any) -> Any:
        """Plain data as a Lua table."""
        return self._lua.table_from(for_lua(value), recursive=True)

    async def begin(self, name: str) -> None:
        await self._outside(name, "init_worker")

    async def configure(self, name: str, configs: list[dict[str, Any]]) -> None:
        """Tell a plugin all of its configurations; none is nil."""
        await self._outside(name, "configure", self.table(configs) if configs else None)

    async def phase(self, name: str, phase: str, config: Any, context: Any) -> bool:
        """Run a plugin's phase of a request. True if it ended the request. Raises Failed."""
        handler = self._handlers[name]
        context["phase"], context["plugin_name"] = phase, name
        return await self._run(handler[phase], context, handler, config)

    async def stop(self) -> None:
        """As a reload does: timers run a last time, told that it is before their time."""
        self._ending.set()
        timers = [one for one in self._timers if one is not asyncio.current_task()]
        if timers:
            _, hanging = await asyncio.wait(timers, timeout=1)
            for one in hanging:
                one.cancel()

    async def _outside(self, name: str, phase: str, *arguments: Any) -> None:
        handler = self._handlers[name]
        if handler[phase] is None:
            return
        try:
            await self._run(handler[phase], self._lua.table_from({"phase": "init_worker"}), handler, *arguments)
        except Failed as fault:
            self._log(ERROR, f"{phase} of plugin {name}: {fault}")

    async def _run(self, function: Any, context: Any, *arguments: Any) -> bool:
        go_on = self.api.thread(function, *arguments)
        how, wish = go_on(context)
        while how == "waits":
            if wish["kind"] == "exit":
                return True
            how, wish = go_on(context, *await self._granted(wish))
        if how == "failed":
            raise Failed(wish)
        return False

    async def _granted(self, wish: Any) -> tuple[Any, ...]:
        if wish["kind"] == "sleep":
            await asyncio.sleep(wish["seconds"])
            return ()
        waits = tuple(float(wish[name]) / 1000 for name in ("connect_ms", "send_ms", "read_ms"))
        headers, body = sendable(dict(wish["headers"].items())), raw(wish["body"] or "")
        try:
            got = await self._sockets.fetch(wish["method"], wish["url"], headers, body, (waits[0], waits[1], waits[2]))
        except NoAnswer as fault:
            return None, str(fault)
        told = "".join(f"{name}: {value}\n" for name, value in got.headers)
        answer = {"status": got.status, "reason": got.reason, "headers": lua_text(told)}
        return (self._lua.table_from({**answer, "body": got.body.decode("latin-1")}),)

    def _schedule(self, delay: float, again: bool, number: int) -> None:
        task = asyncio.get_running_loop().create_task(self._timer(float(delay), number, again=bool(again)))
        self._timers.add(task)
        task.add_done_callback(self._timers.discard)

    async def _timer(self, delay: float, number: int, *, again: bool) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), delay) if delay else await asyncio.sleep(0)
            premature = self._ending.is_set()
            callback = self.api.callback(number, again and not premature)
            try:
                await self._run(callback, self._lua.table_from({"phase": "timer"}), premature)
            except Failed as fault:
                self._log(ERROR, f"a timer: {fault}")
            if premature or not again:
                return
