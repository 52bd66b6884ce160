"""All resources of one service, by path, in a shape that a state file can keep. Names do not tell cases apart.

Indexes beside them answer what a write asks of all the others: the members of a collection, whose a key is, and what
goes on at a path. So a write costs the same however much there is.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.azure.emulator.wire import Record

Path = tuple[str, ...]


class Store:
    """Records are `{"path", "properties", "hidden", "etag"}`; `hidden` is what no answer tells.

    `version` grows with every change, so that whoever serves calls sees what has to be saved.
    """

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self.version = 0
        self._data: dict[str, Any] = {"resources": {}, "operations": {}, "calls": {}, "count": 0, **state.load()}
        self._index = _Index()
        for key, record in self._data["resources"].items():
            self._index.add(key, record)
        self._under_way: dict[str, Record] = {}
        for operation in self.operations.values():
            self._note(operation)

    @property
    def operations(self) -> dict[str, Record]:
        """Long-running operations by id."""
        found: dict[str, Record] = self._data["operations"]
        return found

    def begin(self, operation_id: str, operation: Record) -> None:
        """Keep an operation that has begun."""
        self.operations[operation_id] = operation
        self._note(operation)
        self.changed()

    def under_way(self, path: Path) -> Record | None:
        """The operation that goes on at a path."""
        found = self._under_way.get(_key(path))
        return found if found and found["status"] == "InProgress" else None

    def save(self) -> None:
        self._state.save(self._data)

    def clear(self) -> None:
        self._data.update(resources={}, operations={}, calls={})
        self._index = _Index()
        self._under_way.clear()
        self.changed()

    def changed(self) -> None:
        """Something is other than it was."""
        self.version += 1

    def count(self) -> int:
        """A number that was never given before."""
        self._data["count"] += 1
        return int(self._data["count"])

    def called(self, quarter: int, names: Record, outcome: str) -> None:
        """One more call of these in a quarter of an hour."""
        key = "|".join((str(quarter), *names.values(), outcome))
        row = self._data["calls"].setdefault(key, {"quarter": quarter, "names": names, "outcome": outcome, "calls": 0})
        row["calls"] += 1
        self.changed()

    def calls(self) -> Iterable[Record]:
        """What was called, as `{"quarter", "names", "outcome", "calls"}`."""
        found: dict[str, Record] = self._data["calls"]
        return found.values()

    def find(self, path: Path) -> Record | None:
        found: Record | None = self._data["resources"].get(_key(path))
        return found

    def put(self, path: Path, properties: Record, hidden: Record | None = None) -> Record:
        """Write a resource as it now is, under a new ETag; what is hidden stays unless given."""
        before = self.find(path)
        kept = dict(before["hidden"]) if before else {}
        record = {
            "path": before["path"] if before else list(path),
            "properties": properties,
            "hidden": {**kept, **(hidden or {})},
            "etag": self._etag(),
        }
        if before:
            self._index.drop(_key(path), before)
        self._data["resources"][_key(path)] = record
        self._index.add(_key(path), record)
        self.changed()
        return record

    def delete(self, path: Path) -> None:
        """Remove a resource and everything below it."""
        for key in self._index.with_all_below(_key(path)):
            gone = self._data["resources"].pop(key, None)
            if gone:
                self._index.drop(key, gone)
        self.changed()

    def children(self, parent: Path, collection: str) -> list[Record]:
        """The members of a collection, in the order of their names."""
        return self._told(sorted(self._index.members[_key((*parent, collection))]))

    def every(self, *collections: str) -> Iterator[Record]:
        """All resources of a kind, whatever they lie below."""
        yield from self._told(list(self._index.kinds[collections]))

    def with_key(self, key: str) -> list[Record]:
        """The subscriptions that this key opens."""
        return self._told(sorted(self._index.keys[key]))

    def _told(self, keys: Iterable[str]) -> list[Record]:
        return [self._data["resources"][key] for key in keys]

    def _note(self, operation: Record) -> None:
        if operation["status"] == "InProgress":
            self._under_way[_key(tuple(operation["path"]))] = operation

    def _etag(self) -> str:
        return f'"{base64.b64encode(self.count().to_bytes(8, "big")).decode()}"'


class _Index:
    """Where to look for records: below a parent, by kind, and subscriptions by their keys."""

    def __init__(self) -> None:
        self.members: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.kinds: defaultdict[Path, dict[str, None]] = defaultdict(dict)
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        self._below: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, key: str, record: Record) -> None:
        path = tuple(record["path"])
        self.members[_key(path[:-1])][key] = None
        self.kinds[path[::2]][key] = None
        for value in _secrets(record):
            self.keys[value].add(key)
        if len(path) > 2:
            self._below[_key(path[:-2])].add(key)

    def drop(self, key: str, record: Record) -> None:
        """The place in a kind's order stays with a record that is only written again, as in a dict."""
        for value in _secrets(record):
            self.keys[value].discard(key)
            if not self.keys[value]:
                del self.keys[value]

    def with_all_below(self, key: str) -> list[str]:
        """A resource and what lies below it; they are taken out of the places where one looks for them."""
        found = [key]
        for one in found:
            found += sorted(self._below.pop(one, ()))
        for one in found:
            parts = tuple(one.split("/"))
            self.members["/".join(parts[:-1])].pop(one, None)
            for kind in self.kinds.values():
                kind.pop(one, None)
            if len(parts) > 2:
                self._below["/".join(parts[:-2])].discard(one)
        return found


def _secrets(record: Record) -> list[str]:
    if tuple(record["path"][::2]) != ("subscriptions",):
        return []
    return [str(value) for value in record["hidden"].values()]


def _key(path: Path) -> str:
    return "/".join(path).lower()
