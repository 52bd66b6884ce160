"""Consents under way, and the refresh tokens that come of them: sealed, in the table of the integrations' secrets.

A consent under way is a row of its own, whose field names the state's hash. It goes with any change of the settings.
"""

import json
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from aforo.gateway_sdk.manifest import CONSENT
from aforo.integrations.sql import integration_secrets, integrations
from aforo.kit.db import Database

_UNDER_WAY = "consent under way "


@dataclass(frozen=True, slots=True)
class Taken:
    """A consent that was under way, still sealed."""

    integration_id: str
    tenant_id: str
    field: str
    sealed: bytes


def field_of(state_hash: str) -> str:
    return _UNDER_WAY + state_hash


class ConsentStore:
    """Reads and writes them, each in one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, integration_id: str, state_hash: str, sealed: bytes) -> None:
        """Remember one under way; an earlier one of the same integration ends."""
        ours = integration_secrets.c.integration_id == integration_id
        async with self._db.write() as connection:
            earlier = ours & integration_secrets.c.field.startswith(_UNDER_WAY)
            await connection.execute(delete(integration_secrets).where(earlier))
            row = {"integration_id": integration_id, "field": field_of(state_hash), "sealed": sealed}
            await connection.execute(insert(integration_secrets).values(**row))

    async def take(self, state_hash: str) -> Taken | None:
        """The one with this state, for the first who asks; for everybody after there is none."""
        here = integration_secrets.c.field == field_of(state_hash)
        query = (
            select(integrations.c.id, integrations.c.tenant_id, integration_secrets.c.sealed)
            .join(integration_secrets, integration_secrets.c.integration_id == integrations.c.id)
            .where(here)
        )
        async with self._db.write() as connection:
            row = (await connection.execute(query)).first()
            await connection.execute(delete(integration_secrets).where(here))
        return Taken(row.id, row.tenant_id, field_of(state_hash), row.sealed) if row else None

    async def grant(self, integration_id: str, revision: int, sealed: bytes, hint: str) -> bool:
        """Keep a refresh token as a change of what is connected. False if that has changed since `revision`."""
        here = (integrations.c.id == integration_id) & (integrations.c.revision == revision)
        kept = (integration_secrets.c.integration_id == integration_id) & (integration_secrets.c.field == CONSENT.name)
        async with self._db.write() as connection:
            hints = await connection.scalar(select(integrations.c.secret_hints).where(here))
            if hints is None:
                return False
            changed = {"secret_hints": json.dumps({**json.loads(hints), CONSENT.name: hint}), "revision": revision + 1}
            await connection.execute(update(integrations).where(here).values(**changed))
            await connection.execute(delete(integration_secrets).where(kept))
            row = {"integration_id": integration_id, "field": CONSENT.name, "sealed": sealed}
            await connection.execute(insert(integration_secrets).values(**row))
        return True

    async def refresh_token(self, integration_id: str) -> bytes | None:
        """Sealed; None where there is none any more."""
        query = select(integration_secrets.c.sealed).where(
            integration_secrets.c.integration_id == integration_id, integration_secrets.c.field == CONSENT.name
        )
        async with self._db.read() as connection:
            found: bytes | None = await connection.scalar(query)
        return found

    async def rotate(self, integration_id: str, before: bytes, after: bytes) -> None:
        """Put a newer refresh token in the place of the one that earned it, if that is still the one."""
        place = (integration_secrets.c.integration_id == integration_id) & (integration_secrets.c.field == CONSENT.name)
        async with self._db.write() as connection:
            await connection.execute(
                update(integration_secrets).where(place, integration_secrets.c.sealed == before).values(sealed=after)
            )
