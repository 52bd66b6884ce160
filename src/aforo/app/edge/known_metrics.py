"""The names of each tenant's metrics, read from records.db with the standard library alone."""

import sqlite3
import threading
from collections import defaultdict
from pathlib import Path
from typing import Final

_EVERYONES: Final = "api_calls"
_QUERY: Final = "SELECT tenant_id, name FROM metrics"


class KnownMetrics:
    """A snapshot. Call `refresh` now and then; it costs one pragma when nothing was written.

    A name that it lacks is looked for once more before an event is refused for it, so that a metric may be used as soon
    as its creation was answered. While the table cannot be read, the last snapshot stays; before the first one every
    name passes.
    """

    def __init__(self, records: Path) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None
        self._names: dict[str, frozenset[str]] | None = None

    def of(self, tenant_id: str) -> "Names | None":
        """For the events of one request; None where it is not known which metrics there are."""
        return None if self._names is None else Names(self, tenant_id)

    def has(self, tenant_id: str, name: str) -> bool:
        return name == _EVERYONES or name in (self._names or {}).get(tenant_id, ())

    def refresh(self) -> None:
        """Take over what changed. A missing, locked or older file changes nothing."""
        with self._lock:
            try:
                self._read()
            except (OSError, sqlite3.Error):
                return

    def close(self) -> None:
        with self._lock:
            self._let_go()

    def _read(self) -> None:
        inode = self._records.stat().st_ino
        if self._connection is None or (self._seen is not None and self._seen[0] != inode):
            self._let_go()
            place = f"{self._records.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(place, uri=True, check_same_thread=False, timeout=0.2)
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        if self._seen == (inode, version):
            return
        found: dict[str, set[str]] = defaultdict(set)
        for tenant_id, name in self._connection.execute(_QUERY):
            found[tenant_id].add(name)
        self._names = {tenant_id: frozenset(names) for tenant_id, names in found.items()}
        self._seen = (inode, version)

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._seen = None


class Names:
    """One tenant's, during one request: an unknown name makes it look into the records, but only once."""

    def __init__(self, known: KnownMetrics, tenant_id: str) -> None:
        self._known = known
        self._tenant_id = tenant_id
        self._looked = False

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if not self._known.has(self._tenant_id, name) and not self._looked:
            self._looked = True
            self._known.refresh()
        return self._known.has(self._tenant_id, name)
