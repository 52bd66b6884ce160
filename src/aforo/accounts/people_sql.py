"""People at rest: who they are, their password's hash, and how often somebody has guessed at it."""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.accounts.model import Person, Role
from aforo.accounts.sql import person_of, sessions, sign_in_links, sign_in_tries, users
from aforo.kit.clock import rfc3339
from aforo.kit.db import Database
from aforo.kit.errors import Conflict

_SPENT: Final = "oidc:"


class PeopleStore:
    """Reads and writes people. A password comes in as its hash only."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, person: Person, at: datetime, subject: str | None = None) -> None:
        """Raises Conflict where somebody has the address already. `subject` is how a provider knows them."""
        async with self._db.write() as connection:
            await _refuse_twin(connection, person)
            await connection.execute(
                insert(users).values(
                    id=person.id,
                    tenant_id=person.tenant_id,
                    name=person.name,
                    role=person.role.value,
                    email=person.email,
                    subject=subject,
                    created_at=rfc3339(at),
                )
            )

    async def one(self, tenant_id: str, user_id: str) -> Person | None:
        query = select(users).where(users.c.id == user_id, users.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return person_of(row) if row else None

    async def by_email(self, email: str) -> tuple[Person, str | None] | None:
        """Somebody who may sign in, and the hash of their password."""
        query = select(users).where(users.c.email == email, users.c.disabled_at.is_(None))
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return (person_of(row), row["password"]) if row else None

    async def by_subject(self, subject: str) -> Person | None:
        """Whom an identity provider knows by this name, also if they are shut out."""
        query = select(users).where(users.c.subject == subject)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return person_of(row) if row else None

    async def change(self, person: Person) -> None:
        """Name, role, address and whether they may sign in. Raises Conflict."""
        disabled = rfc3339(person.disabled_at) if person.disabled_at else None
        values = {"name": person.name, "role": person.role.value, "email": person.email, "disabled_at": disabled}
        async with self._db.write() as connection:
            await _refuse_twin(connection, person)
            await connection.execute(update(users).where(users.c.id == person.id).values(values))
            if disabled:
                await _end_everything(connection, person.id, disabled)

    async def set_password(self, user_id: str, password: str, at: datetime) -> None:
        """A new one ends every session and link of theirs."""
        async with self._db.write() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(password=password))
            await _end_everything(connection, user_id, rfc3339(at))

    async def holder_of(self, email: str) -> tuple[Person, str | None] | None:
        """Who has this address, also if they are shut out, and how an identity provider knows them."""
        query = select(users).where(users.c.email == email)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return (person_of(row), row["subject"]) if row else None

    async def link(self, user_id: str, subject: str) -> bool:
        """False where they are linked already, or somebody else is by this subject."""
        free = (users.c.id == user_id) & users.c.subject.is_(None)
        taken = select(users.c.id).where(users.c.subject == subject)
        async with self._db.write() as connection:
            if (await connection.execute(taken)).first():
                return False
            done = await connection.execute(update(users).where(free).values(subject=subject))
        return done.rowcount > 0

    async def unlink(self, user_id: str, at: datetime) -> None:
        """Whoever the provider knew them by comes in no more; every session and link of theirs ends."""
        async with self._db.write() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(subject=None))
            await _end_everything(connection, user_id, rfc3339(at))

    async def spend(self, state_hash: str, at: datetime, forget_before: datetime) -> bool:
        """Whether a sign-in at a provider comes back for the first time. Kept as a try, for as long as it could."""
        who = f"{_SPENT}{state_hash}"
        old = sign_in_tries.c.who.startswith(_SPENT) & (sign_in_tries.c.at < rfc3339(forget_before))
        async with self._db.write() as connection:
            await connection.execute(delete(sign_in_tries).where(old))
            if (await connection.execute(select(sign_in_tries.c.who).where(sign_in_tries.c.who == who))).first():
                return False
            await connection.execute(insert(sign_in_tries).values(who=who, at=rfc3339(at)))
        return True

    async def admins(self, tenant_id: str) -> int:
        """How many administrators can sign in."""
        query = select(func.count()).where(
            users.c.tenant_id == tenant_id, users.c.role == Role.ADMIN.value, users.c.disabled_at.is_(None)
        )
        async with self._db.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def tries(self, who: str, since: datetime) -> list[str]:
        """When somebody failed, oldest first, as kept."""
        query = select(sign_in_tries.c.at).where(sign_in_tries.c.who == who, sign_in_tries.c.at > rfc3339(since))
        async with self._db.read() as connection:
            return [row[0] for row in (await connection.execute(query.order_by(sign_in_tries.c.at))).all()]

    async def failed(self, whos: list[str], at: datetime, forget_before: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(sign_in_tries).where(sign_in_tries.c.at <= rfc3339(forget_before)))
            await connection.execute(insert(sign_in_tries), [{"who": who, "at": rfc3339(at)} for who in whos])

    async def succeeded(self, who: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(sign_in_tries).where(sign_in_tries.c.who == who))


async def _refuse_twin(connection: AsyncConnection, person: Person) -> None:
    if person.email is None:
        return
    twin = select(users.c.id).where(users.c.email == person.email, users.c.id != person.id)
    if (await connection.execute(twin)).first():
        raise Conflict(
            "Somebody signs in with this address already.", next_step="Use another address, or change that person."
        )


async def _end_everything(connection: AsyncConnection, user_id: str, at: str) -> None:
    live = update(sessions).where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
    await connection.execute(live.values(ended_at=at))
    links = update(sign_in_links).where(sign_in_links.c.user_id == user_id, sign_in_links.c.used_at.is_(None))
    await connection.execute(links.values(used_at=at))
