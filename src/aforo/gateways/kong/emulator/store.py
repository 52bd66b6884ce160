"""The rows of all kinds: found by id, handle or parent, paged in id order, kept over restarts.

A row is what Kong would keep: every field of its schema, without deprecated twins; foreign keys are `{"id": …}`. A
credential with a ttl has `expires_at` besides, and is gone from then on. Rows are never changed in place.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from aforo.gateway_sdk.emulator import StateFile

from .answers import not_unique
from .kinds import KINDS, Kind

Row = dict[str, Any]
_Key = tuple[object, ...]


class Store:
    """All rows; `changed` is called after each change, to see that it is saved in time."""

    def __init__(self, state: StateFile, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now
        self.changed: Callable[[], None] = lambda: None
        self.version = 0
        """Grows with every change of a row."""
        self.facts: dict[str, Any] = {}
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in KINDS}
        self._order: dict[str, list[str]] = {name: [] for name in KINDS}
        self._unique: dict[str, dict[_Key, str]] = {name: {} for name in KINDS}
        self._children: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._load()

    def _load(self) -> None:
        saved = self._state.load()
        self.facts = saved.get("facts", {})
        for name, rows in saved.get("rows", {}).items():
            for row in rows:
                self._index(KINDS[name], row)

    def save(self) -> None:
        rows = {name: list(rows.values()) for name, rows in self._rows.items()}
        self._state.save({"facts": self.facts, "rows": rows})

    def get(self, kind: Kind, row_id: str) -> Row | None:
        row = self._rows[kind.name].get(row_id)
        return None if row is None or self._expired(row) else row

    def by_handle(self, kind: Kind, value: str, parent: tuple[str, str] | None = None) -> Row | None:
        """The row with this name, username, key or the like; where that is unique only below a parent, say which."""
        if (kind.handle,) in kind.unique:
            row_id = self._unique[kind.name].get(((kind.handle,), value))
            return None if row_id is None else self.get(kind, row_id)
        rows = self.children(kind, *parent) if parent else ()
        return next((row for row in rows if row[kind.handle] == value), None)

    def children(self, kind: Kind, member: str, parent_id: str) -> Iterator[Row]:
        """The rows whose `member` names this parent, in id order."""
        found = [self.get(kind, row_id) for row_id in self._children[kind.name, member, parent_id]]
        return (row for row in found if row is not None)

    def after(self, kind: Kind, last_id: str | None, parent: tuple[str, str] | None = None) -> Iterator[Row]:
        """Rows in id order, from the one after `last_id`."""
        order = self._order[kind.name] if parent is None else self._children[kind.name, *parent]
        start = 0 if last_id is None else bisect_right(order, last_id)
        for row_id in order[start:]:
            row = self.get(kind, row_id)
            if row is not None:
                yield row

    def all(self, kind: Kind) -> Iterator[Row]:
        return self.after(kind, None)

    def refuse_taken(self, kind: Kind, row: Row) -> None:
        """Raise when another row has the values of one of the kind's unique keys."""
        for fields in kind.unique:
            owner = self._owner(kind, fields, row)
            if owner is not None and owner != row["id"] and self.get(kind, owner) is not None:
                raise not_unique({name: row[name] for name in fields})

    def put(self, kind: Kind, row: Row) -> None:
        """Insert the row, or replace the one with its id."""
        self._forget(kind, row["id"])
        self._index(kind, row)
        self.changed()

    def remove(self, kind: Kind, row_id: str) -> None:
        self._forget(kind, row_id)
        self.changed()

    def clear(self) -> None:
        for kind in KINDS.values():
            for row_id in list(self._rows[kind.name]):
                self._forget(kind, row_id)

    def _owner(self, kind: Kind, fields: tuple[str, ...], row: Row) -> str | None:
        key = _key(fields, row)
        return None if key is None else self._unique[kind.name].get(key)

    def _expired(self, row: Row) -> bool:
        expires_at = row.get("expires_at")
        return expires_at is not None and expires_at <= self._now()

    def _index(self, kind: Kind, row: Row) -> None:
        self.version += 1
        row_id = row["id"]
        self._rows[kind.name][row_id] = row
        insort(self._order[kind.name], row_id)
        for fields in kind.unique:
            if (key := _key(fields, row)) is not None:
                self._unique[kind.name][key] = row_id
        for member in kind.parents:
            if row[member] is not None:
                insort(self._children[kind.name, member, row[member]["id"]], row_id)

    def _forget(self, kind: Kind, row_id: str) -> None:
        row = self._rows[kind.name].pop(row_id, None)
        if row is None:
            return
        self.version += 1
        _drop(self._order[kind.name], row_id)
        for fields in kind.unique:
            if self._owner(kind, fields, row) == row_id:
                del self._unique[kind.name][_key(fields, row) or ()]
        for member in kind.parents:
            if row[member] is not None:
                _drop(self._children[kind.name, member, row[member]["id"]], row_id)


def _key(fields: tuple[str, ...], row: Row) -> _Key | None:
    """The row's values as an index key; a single field that is null is not unique."""
    values = [row[name]["id"] if isinstance(row[name], dict) else row[name] for name in fields]
    return None if values == [None] else (fields, *values)


def _drop(ids: list[str], row_id: str) -> None:
    index = bisect_left(ids, row_id)
    if ids[index : index + 1] == [row_id]:
        del ids[index]
