"""All resources of one service, by path, in a shape that a state file can keep. Names do not tell cases apart."""

import base64
from collections.abc import Iterator
from typing import Any

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.azure.emulator.wire import Record

Path = tuple[str, ...]


class Store:
    """Records are `{"path", "properties", "hidden", "etag"}`; `hidden` is what no answer tells."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._data: dict[str, Any] = {"resources": {}, "operations": {}, "count": 0, **state.load()}

    @property
    def operations(self) -> dict[str, Record]:
        """Long-running operations by id."""
        found: dict[str, Record] = self._data["operations"]
        return found

    def save(self) -> None:
        self._state.save(self._data)

    def clear(self) -> None:
        self._data.update(resources={}, operations={})

    def count(self) -> int:
        """A number that was never given before."""
        self._data["count"] += 1
        return int(self._data["count"])

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
        self._data["resources"][_key(path)] = record
        return record

    def delete(self, path: Path) -> None:
        """Remove a resource and everything below it."""
        for key in [_key(path), *(key for key in self._data["resources"] if key.startswith(f"{_key(path)}/"))]:
            self._data["resources"].pop(key, None)

    def children(self, parent: Path, collection: str) -> list[Record]:
        """The members of a collection, in the order of their names."""
        start = _key((*parent, collection)) + "/"
        keys = [key for key in self._data["resources"] if key.startswith(start) and "/" not in key[len(start) :]]
        return [self._data["resources"][key] for key in sorted(keys)]

    def every(self, *collections: str) -> Iterator[Record]:
        """All resources of a kind, whatever they lie below."""
        for record in list(self._data["resources"].values()):
            if tuple(record["path"][::2]) == collections:
                yield record

    def _etag(self) -> str:
        return f'"{base64.b64encode(self.count().to_bytes(8, "big")).decode()}"'


def _key(path: Path) -> str:
    return "/".join(path).lower()
