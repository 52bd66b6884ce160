"""The rows of all kinds, by table and key; kept over restarts. A row is replaced, never changed in place."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from aforo.gateway_sdk.emulator import StateFile

from .answers import Row


class Store:
    """`changed` is called after each change, to see that it is saved in time. `now` is in seconds since 1970."""

    def __init__(self, state: StateFile, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now
        self.changed: Callable[[], None] = lambda: None
        self._tables: dict[str, dict[str, Row]] = state.load().get("tables", {})
        self._order = {name: sorted(table) for name, table in self._tables.items()}

    def save(self) -> None:
        self._state.save({"tables": self._tables})

    def now(self) -> float:
        return self._now()

    def now_ms(self) -> str:
        return str(int(self._now() * 1000))

    def get(self, table: str, key: str) -> Row | None:
        return self._tables.get(table, {}).get(key)

    def put(self, table: str, key: str, row: Row) -> Row:
        rows = self._tables.setdefault(table, {})
        if key not in rows:
            insort(self._order.setdefault(table, []), key)
        rows[key] = row
        self.changed()
        return row

    def remove(self, table: str, key: str) -> None:
        if self._tables.get(table, {}).pop(key, None) is not None:
            order = self._order[table]
            del order[bisect_left(order, key)]
            self.changed()

    def rows(self, table: str, prefix: str = "", start: str = "") -> Iterator[Row]:
        """In order of keys: those that begin with the prefix, from `start` on, which is included."""
        order = self._order.get(table, [])
        for key in order[bisect_left(order, max(prefix, start)) :]:
            if not key.startswith(prefix):
                return
            yield self._tables[table][key]
