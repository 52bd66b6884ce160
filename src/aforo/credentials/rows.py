"""What the edge reads: every credential as gateways name it. Plain SQL on a read-only connection, and no library."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple


class CredentialRow(NamedTuple):
    """A credential as a gateway names it in a check. `native_id` is never a secret.

    `type` "key_sha256" is for gateways that verify nothing: its native id is the SHA-256 of the key that was presented,
    and its `integration_id` is empty. `left_out` are products of the plan that it does not open.
    """

    tenant_id: str
    integration_id: str
    type: str
    native_id: str
    subscription_id: str
    state: str
    left_out: frozenset[str] = frozenset()


_KEYS: Final = """
    SELECT c.tenant_id, p.integration_id, p.type, p.native_id, c.subscription_id,
           CASE WHEN p.observed = 'GONE' THEN 'REVOKED' ELSE c.state END
    FROM credentials c JOIN credential_places p ON p.credential_id = c.id
    WHERE p.native_id IS NOT NULL
    UNION ALL
    SELECT tenant_id, '', 'key_sha256', key_sha256, subscription_id, state
    FROM credentials WHERE key_sha256 IS NOT NULL
    UNION ALL
    SELECT c.tenant_id, '', 'key_sha256', p.key_sha256, c.subscription_id,
           CASE WHEN p.observed = 'GONE' THEN 'REVOKED' ELSE c.state END
    FROM credentials c JOIN credential_places p ON p.credential_id = c.id
    WHERE p.key_sha256 IS NOT NULL AND p.key_sha256 IS NOT c.key_sha256
"""
_OBJECTS: Final = "SELECT tenant_id, integration_id, subscription_id, objects FROM seats WHERE observed <> 'GONE'"
_NARROWED: Final = "SELECT subscription_id, integration_id, left_out FROM seats WHERE left_out <> '[]'"
_STRONGEST: Final = {"ACTIVE": 3, "GRACE": 2, "SUSPENDED": 1, "REVOKED": 0}


def credential_rows(connection: sqlite3.Connection) -> Iterable[CredentialRow]:
    """Each (integration, type, native id) once, since several keys may share what a gateway tells: the strongest wins.

    Besides keys there are the objects that belong to one subscription alone, such as Kong's consumer: a gateway may
    name those instead. They are ACTIVE as long as they stand; the subscription's own state decides.
    """
    found: dict[tuple[str, str, str], CredentialRow] = {}
    narrowed = _narrowed(connection)
    for told in (*_keys(connection), *_objects(connection)):
        closed = narrowed.get((told.subscription_id, told.integration_id))
        row = told._replace(left_out=closed) if closed else told
        place = (row.integration_id, row.type, row.native_id)
        known = found.get(place)
        if known is None or _STRONGEST[row.state] > _STRONGEST[known.state]:
            found[place] = row
    return found.values()


def credential_version(connection: sqlite3.Connection) -> int:
    """Differs whenever `credential_rows` may."""
    row = connection.execute("SELECT number FROM credential_version WHERE id = 1").fetchone()
    return int(row[0]) if row else 0


def _narrowed(connection: sqlite3.Connection) -> dict[tuple[str, str], frozenset[str]]:
    """By subscription and integration; under no integration what is left out anywhere, for keys that all accept."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for subscription_id, integration_id, told in connection.execute(_NARROWED):
        closed = frozenset(json.loads(told))
        found[subscription_id, integration_id] = closed
        found[subscription_id, ""] = found.get((subscription_id, ""), frozenset()) | closed
    return found


def _keys(connection: sqlite3.Connection) -> Iterator[CredentialRow]:
    return (CredentialRow(*row) for row in connection.execute(_KEYS))


def _objects(connection: sqlite3.Connection) -> Iterator[CredentialRow]:
    """Those that several subscriptions share, such as a developer of Apigee's, tell none of them apart."""
    owners: dict[tuple[str, str, str], CredentialRow | None] = {}
    for tenant_id, integration_id, subscription_id, told in connection.execute(_OBJECTS):
        for one in json.loads(told):
            place = (integration_id, one["kind"], one["native_id"])
            row = CredentialRow(tenant_id, *place, subscription_id, "ACTIVE")
            owners[place] = row if owners.get(place, row) == row else None
    return (row for row in owners.values() if row)
