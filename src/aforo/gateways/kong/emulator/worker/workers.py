"""All workers of a node: they begin with its first plugin, follow its configuration, and share memory."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaError

from ..schemas import Schema
from ..store import Row
from .host import Log, functions
from .installed import Installed, found, state_of
from .shared import SharedDict
from .sockets import Sockets
from .values import with_references
from .worker import ERROR, Worker

_KONG_BYTES = 5 * 1024 * 1024


class Workers:
    """`shared` names the dictionaries that nginx was given, beside Kong's own; `prefix` is where a node writes."""

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        now: Callable[[], float],
        node_id: str,
        count: int = 1,
        shared: Mapping[str, int] | None = None,
        prefix: Path | None = None,
    ) -> None:
        self.log = Log()
        self.installed: dict[str, Installed] = {}
        self.sockets = Sockets()
        self.shared = {name: SharedDict(size) for name, size in {"kong": _KONG_BYTES, **(shared or {})}.items()}
        self._folders = tuple(folders)
        self._count = count
        self._workers: list[Worker] = []
        self._turn = itertools.count()
        self._one_at_a_time = asyncio.Lock()
        self._state: object = None
        self._told: object = None
        self._host = {
            **functions(now, self.log),
            "version": "3.9.3",
            "node_id": node_id,
            "worker_count": count,
            "prefix": str(prefix or Path()),
            "shared": self._shared,
            "consumer": lambda _id: None,
        }

    def schemas(self) -> dict[str, Schema]:
        return {name: one.schema for name, one in self.installed.items()}

    async def look(self) -> bool:
        """Read the folders; after a change of code all workers are new. Whether anything has changed."""
        async with self._one_at_a_time:
            state = tuple(state_of(folder) for folder in self._folders)
            if state == self._state:
                return False
            await self._begin(state)
            return True

    async def _begin(self, state: object) -> None:
        await self.stop()
        self._state, self._told = state, None
        names = {name: folder for folder in self._folders for name in found(folder)}
        if names:
            self._workers = [Worker(number, self._host, self.log, self.sockets) for number in range(self._count)]
        self.installed = {}
        for name, folder in names.items():
            try:
                for worker in self._workers:
                    self.installed[name] = worker.load(folder, name)
            except (LuaError, ValueError) as fault:
                self.log(ERROR, f"plugin {name} cannot be loaded: {fault}")
        for worker in self._workers:
            for name in self.in_order():
                await worker.begin(name)

    async def configured(self, version: int, plugins: Iterable[Row]) -> None:
        """Tell plugins their configurations when those have changed since they were last told."""
        if not self._workers or version == self._told:
            return
        self._told = version
        rows = [row for row in plugins if row["enabled"] and row["name"] in self.installed]
        for name in self.in_order():
            configs = [config_of(row) for row in rows if row["name"] == name]
            for worker in self._workers:
                await worker.configure(name, configs)

    def next(self) -> Worker | None:
        """The worker that takes this call; None where the node has no plugin of its own."""
        return self._workers[next(self._turn) % len(self._workers)] if self._workers else None

    def in_order(self) -> list[str]:
        return sorted(self.installed, key=lambda name: (-self.installed[name].priority, name))

    async def stop(self) -> None:
        for worker in self._workers:
            await worker.stop()
        self._workers = []
        await self.sockets.aclose()

    def _shared(self, name: str) -> Any:
        one = self.shared.get(name)
        if one is None:
            return None
        methods = (attribute for attribute in dir(one) if not attribute.startswith("_"))
        return _Methods({method: getattr(one, method) for method in methods})


class _Methods(dict[str, Any]):
    """Lua reads members of a mapping by `[]`."""


def config_of(row: Row) -> dict[str, Any]:
    """A plugin's configuration as its code gets it."""
    scopes = {f"{scope}_id": row[scope]["id"] for scope in ("service", "route", "consumer") if row[scope]}
    return {**with_references(row["config"]), **scopes, "__plugin_id": row["id"]}
