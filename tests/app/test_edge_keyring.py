"""The edge's snapshot of API keys."""

import hashlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from aforo.accounts import Scope
from aforo.accounts.errors import KeyRevoked, NetworkRefused
from aforo.accounts.keyring import KeyRing
from aforo.accounts.sql import api_keys, tenants
from aforo.kit.clock import HandClock


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def records(tmp_path: Path) -> sqlite3.Connection:
    """The tables as the accounts room declares them, in the journal mode that the product uses."""
    engine = create_engine(f"sqlite:///{tmp_path / 'records.db'}")
    tenants.create(engine)
    api_keys.create(engine)
    engine.dispose()
    connection = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO tenants (id, slug, name, created_at) VALUES ('ten_1', 'acme', 'Acme', '')")
    return connection


def add(records: sqlite3.Connection, key: str, **columns: str | int) -> None:
    row = {"id": key, "tenant_id": "ten_1", "sha256": sha256(key), "scopes": '["usage:ingest"]', "test": 0, **columns}
    row |= {"name": "", "last4": "", "created_at": ""}
    places = ",".join("?" * len(row))
    records.execute(f"INSERT INTO api_keys ({','.join(row)}) VALUES ({places})", list(row.values()))


def test_a_key_gives_its_tenant_scopes_kind_and_customer(records: sqlite3.Connection, tmp_path: Path) -> None:
    add(records, "one", scopes='["usage:read", "not:known"]', test=1, customer_id="cust_a")
    ring = KeyRing(tmp_path / "records.db")
    assert ring.refresh()
    caller = ring.caller("one")
    assert caller is not None
    assert (caller.tenant_id, caller.tenant_slug, caller.actor_id, caller.test) == ("ten_1", "acme", "one", True)
    assert (caller.scopes, caller.customer_id) == (frozenset({Scope.USAGE_READ}), "cust_a")
    assert ring.caller("other") is None
    ring.close()
    records.close()


def test_changes_are_taken_over_by_a_refresh_and_only_then_cost_a_reading(
    records: sqlite3.Connection, tmp_path: Path
) -> None:
    add(records, "one")
    ring = KeyRing(tmp_path / "records.db")
    assert [ring.refresh(), ring.refresh()] == [True, False]
    records.execute("UPDATE api_keys SET revoked_at = '2026-11-22T00:00:00.000Z'")
    assert ring.caller("one") is not None
    assert [ring.refresh(), ring.refresh()] == [True, False]
    with pytest.raises(KeyRevoked):
        ring.caller("one")
    ring.close()
    records.close()


def test_a_key_expires_by_the_clock_and_holds_to_its_networks(records: sqlite3.Connection, tmp_path: Path) -> None:
    clock = HandClock()
    add(records, "short", expires_at="2026-11-22T12:00:10.000Z")
    add(records, "local", networks='["10.0.0.0/8", "::1/128"]')
    ring = KeyRing(tmp_path / "records.db", clock)
    ring.refresh()
    assert ring.caller("short") is not None
    clock.forward(10)
    with pytest.raises(KeyRevoked):
        ring.caller("short")
    assert ring.caller("local", "10.1.2.3") is not None
    assert ring.caller("local", "::1") is not None
    for elsewhere in ("11.1.2.3", None, "unix"):
        with pytest.raises(NetworkRefused):
            ring.caller("local", elsewhere)
    ring.close()
    records.close()


def test_a_missing_or_replaced_file_never_drops_the_last_snapshot(records: sqlite3.Connection, tmp_path: Path) -> None:
    add(records, "one")
    ring, path = KeyRing(tmp_path / "records.db"), tmp_path / "records.db"
    assert not KeyRing(tmp_path / "elsewhere.db").refresh()
    ring.refresh()
    records.execute("UPDATE api_keys SET sha256 = ?", [sha256("two")])
    records.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
    records.close()
    for name in ("records.db", "records.db-wal", "records.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert not ring.refresh()
    assert ring.caller("one") is not None
    (tmp_path / "backup.db").rename(path)
    assert ring.refresh()
    assert ring.caller("two") is not None
    ring.close()
