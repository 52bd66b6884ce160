"""Keeps the snapshot fresh. When records.db cannot be read, the last one stays in force."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from aforo.enforcement.state.load import CredentialSource, Reader, credentials_by_tenant
from aforo.enforcement.state.snapshot import Snapshot, patched, with_credentials


class RecordsWatch:
    """Call `refresh` now and then, from one thread at a time; it costs one pragma when nothing was written.

    `take` gets each new snapshot. Subscriptions and credentials come first: they are read by what changed, and handed
    over before anything that takes longer is looked at.
    """

    def __init__(self, records: Path, take: Callable[[Snapshot], None], credentials: CredentialSource) -> None:
        self._records = records
        self._take = take
        self._credentials = credentials
        self._open: tuple[sqlite3.Connection, Reader] | None = None
        self._seen: tuple[int, int] | None = None
        self._change = 0
        self._fingerprint: tuple[Any, ...] = ()
        self._credential_version: object = None
        self._snapshot: Snapshot | None = None
        self._complaint = ""
        self.decision_key = b""

    @property
    def ready(self) -> bool:
        return self._snapshot is not None

    def refresh(self) -> bool:
        """Whether anything was taken over. A missing, locked or older file changes nothing."""
        try:
            seen, connection, reader = self._look()
            if seen == self._seen:
                return False
            connection.execute("BEGIN")
            try:
                self._read(connection, reader)
            finally:
                connection.execute("COMMIT")
        except FileNotFoundError:  # not made yet
            return False
        except (OSError, sqlite3.Error) as fault:
            self._complain(str(fault))
            return False
        self._seen, self._complaint = seen, ""
        return True

    def close(self) -> None:
        if self._open is not None:
            self._open[0].close()
            self._open = None
            self._seen = None

    def _complain(self, reason: str) -> None:
        """Once for each reason, not twice a second."""
        if reason != self._complaint:
            structlog.get_logger().warning("records.db could not be read; what is known stays in force", reason=reason)
            self._complaint = reason

    def _look(self) -> tuple[tuple[int, int], sqlite3.Connection, Reader]:
        """What tells one state of the records from another, and the way to read them."""
        inode = self._records.stat().st_ino
        if self._open is None or (self._seen is not None and self._seen[0] != inode):
            self.close()
            place = f"{self._records.resolve().as_uri()}?mode=ro"
            fresh = sqlite3.connect(place, uri=True, check_same_thread=False, isolation_level=None, timeout=1)
            self._open = fresh, Reader(fresh)
            self._snapshot = None if self._snapshot is None else replace(self._snapshot, version=-1)
        connection, reader = self._open
        return (inode, int(connection.execute("PRAGMA data_version").fetchone()[0])), connection, reader

    def _read(self, connection: sqlite3.Connection, reader: Reader) -> None:
        change, fingerprint = reader.newest_change(), reader.fingerprint()
        credential_version = self._credentials.version(connection)
        version = change + int(fingerprint[0])
        known = self._snapshot
        if known is not None and known.version >= 0:
            known = self._patch(connection, reader, known, version, credential_version)
        if known is None or known.version < 0 or fingerprint != self._fingerprint:
            self.decision_key = reader.decision_key()
            known = reader.everything(version, self._credentials)
        if known is not self._snapshot:
            self._hand_over(known)
        self._change, self._fingerprint, self._credential_version = change, fingerprint, credential_version

    def _patch(
        self, connection: sqlite3.Connection, reader: Reader, known: Snapshot, version: int, credential_version: object
    ) -> Snapshot:
        tenants = dict(known.tenants)
        for tenant_id, subjects in reader.changed_since(self._change).items():
            if tenant_id in tenants:
                tenants[tenant_id] = patched(tenants[tenant_id], version, subjects, reader.grants(subjects))
        if credential_version != self._credential_version:
            rows = credentials_by_tenant(connection, self._credentials)
            tenants = {key: with_credentials(one, rows.get(key, ())) for key, one in tenants.items()}
        if all(tenants[key] is known.tenants[key] for key in tenants):
            return known
        fresh = Snapshot(version, tenants)
        self._hand_over(fresh)
        return fresh

    def _hand_over(self, fresh: Snapshot) -> None:
        self._snapshot = fresh
        self._take(fresh)
