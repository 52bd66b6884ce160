"""API keys as the edge knows them: a snapshot of records.db, looked up without touching the disk.

Reads the tables `api_keys` and `tenants` with the standard library alone, so that the edge stays light and needs no
other process to be up.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final

from aforo.accounts.errors import KeyRevoked, NetworkRefused
from aforo.accounts.model import Caller, Scope
from aforo.kit.clock import Clock, SystemClock, from_rfc3339

_QUERY: Final = """
    SELECT k.sha256, k.id, k.tenant_id, t.slug, k.scopes, k.test, k.customer_id, k.expires_at, k.revoked_at, k.networks
    FROM api_keys AS k JOIN tenants AS t ON t.id = k.tenant_id
"""
_KNOWN_SCOPES: Final = {scope.value: scope for scope in Scope}


@dataclass(frozen=True, slots=True)
class _Key:
    caller: Caller
    expires_at: datetime | None
    revoked: bool
    networks: tuple[IPv4Network | IPv6Network, ...]


class KeyRing:
    """Keys by the SHA-256 of what is presented. Call `refresh` now and then; it costs one pragma when nothing changed.

    When the file cannot be read, the last snapshot stays.
    """

    def __init__(self, records: Path, clock: Clock | None = None) -> None:
        self._records = records
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, _Key] = {}
        self.ready = False

    def caller(self, presented: str, address: str | None = None) -> Caller | None:
        """Who presents this key, or None for an unknown one. Raises KeyRevoked, NetworkRefused."""
        key = self._keys.get(hashlib.sha256(presented.encode()).hexdigest())
        if key is None:
            return None
        if key.revoked or (key.expires_at is not None and key.expires_at <= self._clock.now()):
            raise KeyRevoked("The API key has been revoked or has expired.", next_step="Use a current key.")
        if key.networks and not _within(address, key.networks):
            raise NetworkRefused("The API key may not be used from this address.", next_step="Ask the key's owner.")
        return key.caller

    def refresh(self) -> bool:
        """Take over what changed; says whether anything did. A missing or locked file changes nothing."""
        try:
            inode = self._records.stat().st_ino
            if self._connection is None or (self._seen is not None and self._seen[0] != inode):
                self._open()
            assert self._connection is not None  # noqa: S101 - _open has made it, or raised
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            if self._seen == (inode, version):
                return False
            self._keys = {row[0]: _key(row) for row in self._connection.execute(_QUERY)}
        except (OSError, sqlite3.Error):
            return False
        self._seen = (inode, version)
        self.ready = True
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._seen = None

    def _open(self) -> None:
        self.close()
        place = f"{self._records.resolve().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(place, uri=True, check_same_thread=False, isolation_level=None, timeout=1)


def _key(row: tuple[str, str, str, str, str, int, str | None, str | None, str | None, str | None]) -> _Key:
    _, key_id, tenant_id, slug, scopes, test, customer_id, expires_at, revoked_at, networks = row
    return _Key(
        Caller(
            tenant_id=tenant_id,
            tenant_slug=slug,
            actor_id=key_id,
            scopes=frozenset(_KNOWN_SCOPES[name] for name in json.loads(scopes) if name in _KNOWN_SCOPES),
            test=bool(test),
            customer_id=customer_id,
        ),
        from_rfc3339(expires_at) if expires_at else None,
        revoked_at is not None,
        tuple(ip_network(network, strict=False) for network in json.loads(networks or "[]")),
    )


def _within(address: str | None, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        return address is not None and any(ip_address(address) in network for network in networks)
    except ValueError:
        return False
