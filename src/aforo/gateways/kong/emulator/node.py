"""What a node tells of itself: `/`, `/status`, `/tags`, `/schemas`, `/plugins/enabled`.

Only the schemas are compared with recordings; the rest follows the vendor's description.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .answers import METHOD_NOT_ALLOWED, NOT_FOUND, Answer, Refused
from .entities import Entities
from .kinds import KINDS
from .paging import offset_of, page, size_of
from .requests import Request, read_fields
from .schemas import ENTITIES
from .store import Row
from .worker import Workers

VERSION = "3.9.3"
_EMPTY_HASH = "0" * 32


@dataclass(frozen=True, slots=True)
class Node:
    """One gateway node around the entities."""

    entities: Entities
    page_size: int
    database: bool
    config_hash: Callable[[], str]
    workers: Workers

    def answer(self, request: Request) -> Answer | None:
        """The answer, or None when the path is none of this file's."""
        match request.segments:
            case []:
                return self._read(request, self._about)
            case ["status"]:
                return self._read(request, self._status)
            case ["plugins", "enabled"]:
                return self._read(request, lambda: {"enabled_plugins": sorted(self.entities.plugins)})
            case ["tags"]:
                return self._read(request, lambda: self._tags(request, None))
            case ["tags", tag]:
                return self._read(request, lambda: self._tags(request, tag))
            case ["schemas", *path]:
                return self._schemas(request, path)
        return None

    def _read(self, request: Request, answer: Callable[[], object]) -> Answer:
        if request.method != "GET":
            raise Refused(METHOD_NOT_ALLOWED)
        return Answer(200, answer())

    def _about(self) -> dict[str, Any]:
        used = sorted({row["name"] for row in self.entities.store.all(KINDS["plugins"])})
        available = {name: self._told_of(name) for name in sorted(self.entities.plugins)}
        return {
            "version": VERSION,
            "edition": "community",
            "tagline": "Welcome to kong",
            "hostname": "emulator",
            "node_id": self.entities.store.facts["node_id"],
            "lua_version": "LuaJIT 2.1.0-20231117",
            "configuration": {
                "database": "postgres" if self.database else "off",
                "router_flavor": "traditional_compatible",
                "loaded_plugins": dict.fromkeys(available, True),
            },
            "plugins": {"available_on_server": available, "enabled_in_cluster": used},
            "timers": {"running": 0, "pending": 0},
        }

    def _told_of(self, name: str) -> dict[str, Any]:
        installed = self.workers.installed.get(name)
        if installed is None:
            return {"version": VERSION, "priority": 1000}
        return {"version": installed.version, "priority": installed.priority}

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "database": {"reachable": True},
            "memory": {"lua_shared_dicts": self._memory(), "workers_lua_vms": []},
            "server": dict.fromkeys(
                (
                    "connections_accepted",
                    "connections_active",
                    "connections_handled",
                    "connections_reading",
                    "connections_waiting",
                    "connections_writing",
                    "total_requests",
                ),
                0,
            ),
        }
        return status if self.database else {**status, "configuration_hash": self.config_hash() or _EMPTY_HASH}

    def _memory(self) -> dict[str, dict[str, str]]:
        return {name: {"capacity": f"{one.capacity() / 2**20:.2f} MiB"} for name, one in self.workers.shared.items()}

    def _tags(self, request: Request, tag: str | None) -> dict[str, Any]:
        """Tagged entities, ordered by tag, kind and id."""
        last = offset_of(request.query)
        tagged = sorted(self._tagged(tag), key=_tag_key)
        rows = (row for row in tagged if last is None or _tag_key(row) > last)
        return page(rows, size_of(request.query, self.page_size), request.path, request.query, _tag_key)

    def _tagged(self, tag: str | None) -> Iterator[dict[str, str]]:
        for kind in KINDS.values():
            for row in self.entities.store.all(kind):
                for found in row["tags"] or ():
                    if tag in (None, found):
                        yield {"entity_name": kind.name, "entity_id": row["id"], "tag": found}

    def _schemas(self, request: Request, path: list[str]) -> Answer:
        match path:
            case ["plugins", "validate"]:
                return self._validate(request, "plugins")
            case ["plugins", name]:
                return self._read(request, lambda: _known(self.entities.plugins, name, "plugin"))
            case [name, "validate"]:
                return self._validate(request, name)
            case [name]:
                return self._read(request, lambda: _known(ENTITIES, name, "entity"))
        raise Refused(NOT_FOUND)

    def _validate(self, request: Request, name: str) -> Answer:
        if request.method != "POST":
            raise Refused(METHOD_NOT_ALLOWED)
        _known(ENTITIES, name, "entity")
        self.entities.check(KINDS[name], read_fields(request, KINDS[name].schema))
        return Answer(200, {"message": "schema validation successful"})


def fingerprint(text: str) -> str:
    """32 hexadecimal digits, as configuration hashes have."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _known(schemas: dict[str, Any], name: str, what: str) -> Any:
    if name not in schemas:
        raise Refused(Answer(404, {"message": f"No {what} named '{name}'"}))
    return schemas[name]


def _tag_key(row: Row) -> str:
    return "\n".join((row["tag"], row["entity_name"], row["entity_id"]))
