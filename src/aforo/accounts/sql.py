"""Tables of the accounts room."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, insert, or_, select, update

from aforo.accounts import chain
from aforo.accounts.model import ApiKey, AuditEntry, Person, Role, Scope, Tenant
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("email", Text),
    Column("password", Text),
    Column("subject", Text),
    Column("disabled_at", Text),
    Index("ix_users_email", "email", unique=True),
    Index("ix_users_subject", "subject", unique=True),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_sign_in_tries", "who", "at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("customer_id", Text),
    Column("networks", Text),
    Column("expires_at", Text),
    Column("revoked_at", Text),
    Column("created_at", Text, nullable=False),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
)

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("ended_at", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_tenant", "tenant_id", "number"),
)


class AccountStore:
    """Reads and writes accounts; secrets come in as SHA-256 only."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def tenants(self) -> list[Tenant]:
        async with self._db.read() as connection:
            rows = (await connection.execute(select(tenants).order_by(tenants.c.id))).mappings().all()
        return [Tenant(row["id"], row["slug"], row["name"]) for row in rows]

    async def tenant(self, id_or_slug: str) -> Tenant | None:
        return next((one for one in await self.tenants() if id_or_slug in (one.id, one.slug)), None)

    async def add_tenant(self, tenant: Tenant, admin: Person, at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                insert(tenants).values(id=tenant.id, slug=tenant.slug, name=tenant.name, created_at=rfc3339(at))
            )
            await connection.execute(
                insert(users).values(
                    id=admin.id, tenant_id=tenant.id, name=admin.name, role=admin.role.value, created_at=rfc3339(at)
                )
            )

    async def people(self, tenant_id: str) -> list[Person]:
        async with self._db.read() as connection:
            query = select(users).where(users.c.tenant_id == tenant_id).order_by(users.c.id)
            rows = (await connection.execute(query)).mappings().all()
        return [person_of(row) for row in rows]

    async def add_key(self, key: ApiKey, sha256: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                insert(api_keys).values(
                    id=key.id,
                    tenant_id=key.tenant_id,
                    name=key.name,
                    last4=key.last4,
                    sha256=sha256,
                    scopes=json.dumps(sorted(scope.value for scope in key.scopes)),
                    test=key.test,
                    customer_id=key.customer_id,
                    networks=json.dumps(key.networks) if key.networks else None,
                    expires_at=rfc3339(key.expires_at) if key.expires_at else None,
                    revoked_at=None,
                    created_at=rfc3339(key.created_at),
                )
            )

    async def keys(self, tenant_id: str) -> list[ApiKey]:
        async with self._db.read() as connection:
            query = select(api_keys).where(api_keys.c.tenant_id == tenant_id).order_by(api_keys.c.id)
            rows = (await connection.execute(query)).mappings().all()
        return [_key(row) for row in rows]

    async def key_by_hash(self, sha256: str) -> tuple[ApiKey, str] | None:
        """The key, and its tenant's slug."""
        async with self._db.read() as connection:
            query = select(api_keys, tenants.c.slug).join(tenants).where(api_keys.c.sha256 == sha256)
            row = (await connection.execute(query)).mappings().first()
        return (_key(row), str(row["slug"])) if row else None

    async def revoke_key(self, tenant_id: str, key_id: str, at: datetime) -> bool:
        async with self._db.write() as connection:
            done = await connection.execute(
                update(api_keys)
                .where(api_keys.c.id == key_id, api_keys.c.tenant_id == tenant_id, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=rfc3339(at))
            )
        return done.rowcount > 0

    async def add_link(self, sha256: str, user_id: str, expires_at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                insert(sign_in_links).values(sha256=sha256, user_id=user_id, expires_at=rfc3339(expires_at))
            )

    async def use_link(self, sha256: str, at: datetime) -> str | None:
        """Mark a link used and give its user, or None when it is unknown, used or too old."""
        async with self._db.write() as connection:
            mine = (sign_in_links.c.sha256 == sha256) & sign_in_links.c.used_at.is_(None)
            row = (await connection.execute(select(sign_in_links).where(mine))).mappings().first()
            if row is None or from_rfc3339(row["expires_at"]) <= at:
                return None
            await connection.execute(update(sign_in_links).where(mine).values(used_at=rfc3339(at)))
            return str(row["user_id"])

    async def add_session(self, sha256: str, user_id: str, csrf: str, expires_at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                insert(sessions).values(sha256=sha256, user_id=user_id, csrf=csrf, expires_at=rfc3339(expires_at))
            )

    async def session(self, sha256: str, at: datetime) -> tuple[Person, Tenant, str] | None:
        """Who is signed in, of which tenant, and the session's CSRF token."""
        query = (
            select(users, sessions.c.csrf, sessions.c.expires_at, tenants.c.slug, tenants.c.name.label("tenant_name"))
            .select_from(sessions.join(users).join(tenants))
            .where(sessions.c.sha256 == sha256, sessions.c.ended_at.is_(None), users.c.disabled_at.is_(None))
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None or from_rfc3339(row["expires_at"]) <= at:
            return None
        return person_of(row), Tenant(row["tenant_id"], row["slug"], row["tenant_name"]), str(row["csrf"])

    async def end_session(self, sha256: str, at: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(update(sessions).where(sessions.c.sha256 == sha256).values(ended_at=rfc3339(at)))

    async def add_audit(self, entry: AuditEntry) -> None:
        """One more line, chained to the tenant's last one. The write lock keeps two from following the same line."""
        told = {
            "tenant_id": entry.tenant_id,
            "at": rfc3339(entry.at),
            "actor_id": entry.actor_id,
            "action": entry.action,
            "subject": entry.subject,
            "detail": json.dumps(entry.detail, sort_keys=True),
        }
        last = select(audit.c.hash).where(audit.c.tenant_id == entry.tenant_id).order_by(audit.c.number.desc()).limit(1)
        async with self._db.write() as connection:
            previous = (await connection.execute(last)).scalar_one_or_none() or chain.GENESIS
            await connection.execute(insert(audit).values(**told, hash=chain.link(previous, *told.values())))

    async def audit(
        self, tenant_id: str, limit: int, before: int | None = None, words: str | None = None
    ) -> Sequence[AuditEntry]:
        """The newest entries first; `words` stands in the action, the subject or the actor."""
        query = select(audit).where(audit.c.tenant_id == tenant_id)
        if before is not None:
            query = query.where(audit.c.number < before)
        if words:
            found = [audit.c[name].contains(words, autoescape=True) for name in ("action", "subject", "actor_id")]
            query = query.where(or_(*found))
        async with self._db.read() as connection:
            rows = (await connection.execute(query.order_by(audit.c.number.desc()).limit(limit))).mappings().all()
        return [_entry(row) for row in rows]

    async def audit_lines(self, tenant_id: str) -> list[chain.Line]:
        """All of a tenant's lines, oldest first, as they are kept."""
        query = select(audit).where(audit.c.tenant_id == tenant_id).order_by(audit.c.number)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [chain.Line(**{name: row[name] for name in chain.Line._fields}) for row in rows]


def person_of(row: Any) -> Person:
    return Person(
        row["id"],
        row["tenant_id"],
        row["name"],
        Role(row["role"]),
        row["email"],
        row["password"] is not None,
        from_rfc3339(row["disabled_at"]) if row["disabled_at"] else None,
        row["subject"] is not None,
    )


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        row["tenant_id"],
        from_rfc3339(row["at"]),
        row["actor_id"],
        row["action"],
        row["subject"],
        json.loads(row["detail"]),
        row["number"],
        row["hash"],
    )


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row["id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        last4=row["last4"],
        scopes=frozenset(Scope(scope) for scope in json.loads(row["scopes"])),
        test=bool(row["test"]),
        customer_id=row["customer_id"],
        expires_at=from_rfc3339(row["expires_at"]) if row["expires_at"] else None,
        revoked_at=from_rfc3339(row["revoked_at"]) if row["revoked_at"] else None,
        created_at=from_rfc3339(row["created_at"]),
        networks=tuple(json.loads(row["networks"] or "[]")),
    )
