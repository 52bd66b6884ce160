"""Which of several plugins of one name works for a call."""

from collections import defaultdict

from ..kinds import KINDS
from ..store import Row, Store
from .guards import Passage

_SCOPES = ("route", "service", "consumer")
_WEIGHTS = {"consumer": 5, "route": 4, "service": 3}
"""The more closely scoped one works: more scopes first, then consumer, route, service."""


class Plugins:
    """The enabled plugins of a store, by name and scope."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._rows: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)

    def working(self, name: str, passage: Passage) -> Row | None:
        """The one that works, for who the caller is known to be by now."""
        self._look_up()
        ids = {"route": passage.route["id"]}
        if passage.service is not None:
            ids["service"] = passage.service["id"]
        if passage.consumer is not None:
            ids["consumer"] = passage.consumer["id"]
        rows = [row for row_id in ("", *ids.values()) for row in self._rows.get((name, row_id), ())]
        fitting = [row for row in rows if all(_fits(row[scope], ids.get(scope)) for scope in _SCOPES)]
        return max(fitting, key=_closeness, default=None)

    def _look_up(self) -> None:
        if self._version != self._store.version:
            self._version = self._store.version
            self._rows = defaultdict(list)
            for row in self._store.all(KINDS["plugins"]):
                if row["enabled"]:
                    closest = next((row[scope]["id"] for scope in _SCOPES if row[scope] is not None), "")
                    self._rows[row["name"], closest].append(row)


def _fits(scope: dict[str, str] | None, row_id: str | None) -> bool:
    return scope is None or scope["id"] == row_id


def _closeness(plugin: Row) -> tuple[int, int]:
    scopes = [scope for scope in _SCOPES if plugin[scope] is not None]
    return len(scopes), sum(_WEIGHTS[scope] for scope in scopes)
