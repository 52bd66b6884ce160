"""Credentials and their places at rest. Every write logs a change of what may call, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.credentials.model import LIVE, Credential, CredentialState, Mode, Place
from aforo.credentials.sql.tables import credentials, places, version
from aforo.customers import note_change
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database

_OWNED = (
    places.c.integration_id,
    places.c.type,
    places.c.native_id,
    credentials.c.subscription_id,
    credentials.c.created_at,
)


class CredentialStore:
    """Reads credentials with their places."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def one(self, tenant_id: str, credential_id: str) -> Credential | None:
        mine = (credentials.c.id == credential_id) & (credentials.c.tenant_id == tenant_id)
        return next(iter(await self._read(select(credentials).where(mine))), None)

    async def of(self, subscription_id: str) -> list[Credential]:
        """Oldest first."""
        mine = credentials.c.subscription_id == subscription_id
        return await self._read(select(credentials).where(mine).order_by(credentials.c.id))

    async def page(
        self,
        tenant_id: str,
        *,
        subscription_id: str | None,
        states: Collection[CredentialState],
        before: str | None,
        limit: int,
    ) -> list[Credential]:
        """Newest first; all states where none is named."""
        query = select(credentials).where(credentials.c.tenant_id == tenant_id)
        if subscription_id:
            query = query.where(credentials.c.subscription_id == subscription_id)
        if states:
            query = query.where(credentials.c.state.in_([state.value for state in states]))
        if before:
            query = query.where(credentials.c.id < before)
        return await self._read(query.order_by(credentials.c.id.desc()).limit(limit))

    async def live_counts(self, tenant_id: str) -> dict[str, int]:
        """Subscription → how many live credentials it has."""
        is_live = credentials.c.state.in_([state.value for state in LIVE])
        query = select(credentials.c.subscription_id, func.count()).where(credentials.c.tenant_id == tenant_id, is_live)
        async with self._db.read() as connection:
            found = (await connection.execute(query.group_by(credentials.c.subscription_id))).all()
            return {row[0]: row[1] for row in found}

    async def turned(self, tenant_id: str, since: datetime, limit: int = 2_000) -> list[Credential]:
        """Those revoked, or made in place of another, since then; newest first."""
        replaced = credentials.c.replaces.is_not(None) & (credentials.c.created_at >= rfc3339(since))
        query = (
            select(credentials)
            .where(credentials.c.tenant_id == tenant_id, (credentials.c.revoked_at >= rfc3339(since)) | replaced)
            .order_by(credentials.c.id.desc())
            .limit(limit)
        )
        return await self._read(query)

    async def at(self, tenant_id: str, integration_id: str) -> list[Credential]:
        """Whatever is not revoked and stands at a gateway, oldest first."""
        here = (
            select(places.c.credential_id)
            .where(places.c.integration_id == integration_id, places.c.native_id.is_not(None))
            .scalar_subquery()
        )
        mine = (credentials.c.tenant_id == tenant_id) & (credentials.c.state != CredentialState.REVOKED.value)
        return await self._read(select(credentials).where(mine, credentials.c.id.in_(here)).order_by(credentials.c.id))

    async def native(self, integration_id: str) -> dict[str, str]:
        """Native id → subscription, of every live credential at a gateway."""
        query = (
            select(places.c.native_id, credentials.c.subscription_id)
            .join(credentials, credentials.c.id == places.c.credential_id)
            .where(places.c.integration_id == integration_id, credentials.c.state != CredentialState.REVOKED.value)
        )
        async with self._db.read() as connection:
            return {native: owner for native, owner in (await connection.execute(query)).all() if native}

    async def owners(self, tenant_id: str, subscription_ids: Collection[str]) -> dict[str, tuple[str, datetime]]:
        """What usage calls a credential, `integration/type/native id`: whose it is, and since when it is known here.

        Of several that a gateway calls the same the oldest counts; revoked ones belong to it.
        """
        query = (
            select(*_OWNED)
            .join(credentials, credentials.c.id == places.c.credential_id)
            .where(
                credentials.c.tenant_id == tenant_id,
                credentials.c.subscription_id.in_(subscription_ids),
                places.c.native_id.is_not(None),
            )
            .order_by(credentials.c.id.desc())
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {
            f"{row['integration_id']}/{row['type'] or ''}/{row['native_id']}": (
                row["subscription_id"],
                from_rfc3339(row["created_at"]),
            )
            for row in rows
        }

    async def _read(self, query: Any) -> list[Credential]:
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
            ids = [row["id"] for row in rows]
            of_them = select(places).where(places.c.credential_id.in_(ids)).order_by(places.c.integration_id)
            found = (await connection.execute(of_them)).mappings().all()
        by_credential: dict[str, list[Place]] = defaultdict(list)
        for row in found:
            by_credential[row["credential_id"]].append(_place(row))
        return [_credential(row, tuple(by_credential[row["id"]])) for row in rows]


async def add(connection: AsyncConnection, credential: Credential) -> None:
    """With its places."""
    await connection.execute(insert(credentials).values(_values(credential)))
    for place in credential.places:
        await put_place(connection, credential.id, place)
    await log(connection, credential.tenant_id, "credential.created", credential.id, credential.created_at)


async def change(
    connection: AsyncConnection, credential: Credential, allowed: Collection[CredentialState], at: datetime
) -> bool:
    """Store it if what is stored is in one of the allowed states; whether it was."""
    still = credentials.c.state.in_([state.value for state in allowed])
    values = _values(credential)
    done = await connection.execute(update(credentials).where(credentials.c.id == credential.id, still).values(values))
    if done.rowcount:
        kind = f"credential.{credential.state.lower()}"
        await log(connection, credential.tenant_id, kind, credential.id, at)
    return done.rowcount > 0


async def revoke_all(connection: AsyncConnection, tenant_id: str, subscription_id: str, at: datetime) -> None:
    """Whatever is not revoked yet of a subscription that has ended. Sealed secrets go with it."""
    live = (credentials.c.subscription_id == subscription_id) & (credentials.c.state != CredentialState.REVOKED.value)
    ids = (await connection.execute(select(credentials.c.id).where(live))).scalars().all()
    gone = {"state": CredentialState.REVOKED.value, "sealed": None, "revoked_at": rfc3339(at)}
    await connection.execute(update(credentials).where(live).values(gone))
    await connection.execute(update(places).where(places.c.credential_id.in_(ids)).values(sealed=None))
    for credential_id in ids:
        await log(connection, tenant_id, "credential.revoked", credential_id, at)


async def put_place(connection: AsyncConnection, credential_id: str, place: Place) -> None:
    """A secret that has been shown meanwhile does not come back."""
    new = insert(places).values(credential_id=credential_id, **_place_values(place))
    once = {
        "sealed": case((places.c.shown, None), else_=new.excluded.sealed),
        "shown": places.c.shown | new.excluded.shown,
    }
    key = ["credential_id", "integration_id"]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=_place_values(place) | once))


async def mark_shown(connection: AsyncConnection, credential_id: str, integration_id: str) -> bool:
    """Forget the secret that is about to be shown; whether it was still there."""
    mine = (places.c.credential_id == credential_id) & (places.c.integration_id == integration_id)
    values = {"sealed": None, "shown": True}
    done = await connection.execute(update(places).where(mine, places.c.sealed.is_not(None)).values(values))
    return done.rowcount > 0


async def log(connection: AsyncConnection, tenant_id: str, kind: str, credential_id: str, at: datetime) -> None:
    """A credential is not what it was: readers of `credential_rows` are to read again."""
    first = insert(version).values(id=1, number=1)
    await connection.execute(first.on_conflict_do_update(index_elements=["id"], set_={"number": version.c.number + 1}))
    await note_change(connection, tenant_id, kind, credential_id, at)


def _values(one: Credential) -> dict[str, Any]:
    return {
        "id": one.id,
        "tenant_id": one.tenant_id,
        "subscription_id": one.subscription_id,
        "mode": one.mode.value,
        "state": one.state.value,
        "adopted": one.adopted,
        "replaces": one.replaces,
        "grace_until": rfc3339(one.grace_until) if one.grace_until else None,
        "sealed": one.sealed,
        "key_sha256": one.key_sha256,
        "hint": one.hint,
        "created_at": rfc3339(one.created_at),
        "revoked_at": rfc3339(one.revoked_at) if one.revoked_at else None,
    }


def _place_values(place: Place) -> dict[str, Any]:
    return {
        "integration_id": place.integration_id,
        "type": place.type,
        "native_id": place.native_id,
        "observed": str(place.observed),
        "key_sha256": place.key_sha256,
        "hint": place.hint,
        "sealed": place.sealed,
        "shown": place.shown,
        "made_at": rfc3339(place.made_at) if place.made_at else None,
        "last_used_at": rfc3339(place.last_used_at) if place.last_used_at else None,
    }


def _credential(row: Any, of_it: tuple[Place, ...]) -> Credential:
    return Credential(
        id=row["id"],
        tenant_id=row["tenant_id"],
        subscription_id=row["subscription_id"],
        mode=Mode(row["mode"]),
        state=CredentialState(row["state"]),
        created_at=from_rfc3339(row["created_at"]),
        adopted=bool(row["adopted"]),
        replaces=row["replaces"],
        grace_until=_moment(row["grace_until"]),
        sealed=row["sealed"],
        key_sha256=row["key_sha256"],
        hint=row["hint"],
        revoked_at=_moment(row["revoked_at"]),
        places=of_it,
    )


def _place(row: Any) -> Place:
    return Place(
        row["integration_id"],
        row["type"],
        row["native_id"],
        row["observed"],
        row["key_sha256"],
        row["hint"],
        row["sealed"],
        bool(row["shown"]),
        _moment(row["made_at"]),
        _moment(row["last_used_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return from_rfc3339(text) if text else None
