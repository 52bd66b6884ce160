"""People of a tenant: invited by link, signed in by password, given roles, shut out. Guessing is slowed down."""

import asyncio
import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aforo.accounts.errors import PasswordsOff, TooManyTries
from aforo.accounts.model import Person, Role
from aforo.accounts.people_sql import PeopleStore
from aforo.accounts.service import Accounts
from aforo.kit.clock import Clock, from_rfc3339
from aforo.kit.errors import Conflict, Invalid, NotFound, Unauthenticated
from aforo.kit.ids import new_id
from aforo.kit.jsontree import Json

INVITATION_LIFE: Final = timedelta(days=3)
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 256
_TRIES: Final = 5
_TRIES_OF_AN_ADDRESS: Final = 50
_TRIES_SPAN: Final = timedelta(minutes=15)
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class People:
    """Whoever can sign in. The last administrator of a tenant can neither be shut out nor lose the role."""

    def __init__(self, store: PeopleStore, accounts: Accounts, clock: Clock, *, passwords: bool = True) -> None:
        self.passwords = passwords
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._hasher = PasswordHasher()

    @cached_property
    def _nobodys(self) -> str:
        """Checked where there is no such person, so that this takes as long. Made at first use: it costs 0.15 s."""
        return self._hasher.hash(secrets.token_urlsafe(16))

    async def all(self, tenant_id: str) -> list[Person]:
        """Oldest first."""
        return await self._accounts.people(tenant_id)

    async def one(self, tenant_id: str, user_id: str) -> Person:
        found = await self._store.one(tenant_id, user_id)
        if found is None:
            raise NotFound(f"There is no user {user_id}.", next_step="List them: GET /api/v1/users.")
        return found

    async def invite(self, tenant_id: str, name: str, email: str, role: Role, actor_id: str) -> tuple[Person, str]:
        """A new person, and the token of a link that signs them in once, within three days."""
        person = Person(new_id("usr"), tenant_id, name.strip(), role, _address(email))
        await self._store.add(person, self._clock.now())
        detail: dict[str, Json] = {"email": person.email, "role": role.value}
        await self._accounts.note(tenant_id, actor_id, "user.invite", person.id, detail)
        return person, await self._accounts.link_for(person.id, INVITATION_LIFE)

    async def link(self, tenant_id: str, user_id: str, actor_id: str) -> str:
        """Another link for somebody, as when a password was forgotten."""
        person = await self.one(tenant_id, user_id)
        if person.disabled_at:
            raise Conflict(f"{person.name} is shut out.", next_step="Let them in first.")
        await self._accounts.note(tenant_id, actor_id, "user.link", person.id, {})
        return await self._accounts.link_for(person.id, INVITATION_LIFE)

    async def change(
        self,
        tenant_id: str,
        user_id: str,
        actor_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> Person:
        """Whoever is shut out loses their sessions at once."""
        before = await self.one(tenant_id, user_id)
        after = replace(before, name=name or before.name, role=role or before.role)
        if disabled is not None:
            after = replace(after, disabled_at=(before.disabled_at or self._clock.now()) if disabled else None)
        loses = before.role is Role.ADMIN and not before.disabled_at
        if loses and (after.role is not Role.ADMIN or after.disabled_at) and await self._store.admins(tenant_id) < 2:
            raise Conflict(
                f"{before.name} is the last administrator. Nothing was changed.", next_step="Make another one first."
            )
        await self._store.change(after)
        told: dict[str, Json] = {"before": _told(before), "after": _told(after)}
        await self._accounts.note(tenant_id, actor_id, "user.change", user_id, told)
        return after

    async def unlink(self, tenant_id: str, user_id: str, actor_id: str) -> Person:
        """Forget which account at the identity provider is theirs; the next one with their verified address is."""
        person = await self.one(tenant_id, user_id)
        await self._store.unlink(person.id, self._clock.now())
        await self._accounts.note(tenant_id, actor_id, "user.unlink", user_id, {})
        return await self.one(tenant_id, user_id)

    async def sign_in(self, email: str, password: str, address: str) -> str:
        """A new session's cookie. Raises Unauthenticated, in the same words and time for anybody; TooManyTries.

        Where passwords are off, PasswordsOff.
        """
        self._refuse_where_off()
        now, mail = self._clock.now(), email.strip().lower()
        who, place = f"mail:{mail[:254]}", f"from:{address}"
        await self._refuse_guessing(who, _TRIES, now)
        await self._refuse_guessing(place, _TRIES_OF_AN_ADDRESS, now)
        nobodys = await asyncio.to_thread(lambda: self._nobodys)  # whoever comes first waits for it, known or not
        found = await self._store.by_email(mail)
        known = found[1] if found and found[1] else nobodys
        good = await asyncio.to_thread(self._is, known, password[: LONGEST_PASSWORD + 1])
        if found is None or found[1] is None or not good:
            await self._store.failed([who, place], now, now - _TRIES_SPAN)
            raise Unauthenticated(
                "This address and password do not belong together.",
                next_step="Try again, or ask an administrator for a sign-in link.",
            )
        await self._store.succeeded(who)
        await self._accounts.note(found[0].tenant_id, found[0].id, "user.sign_in", found[0].id, {"by": "password"})
        return await self._accounts.session_for(found[0].id)

    async def set_password(self, person: Person, password: str, actor_id: str) -> None:
        """Ends all their sessions and links. Raises Invalid, PasswordsOff."""
        self._refuse_where_off()
        lacks = _lacks(password, person)
        if lacks:
            raise Invalid("This password cannot be used.", (("/password", lacks),))
        hashed = await asyncio.to_thread(self._hasher.hash, password)
        await self._store.set_password(person.id, hashed, self._clock.now())
        await self._accounts.note(person.tenant_id, actor_id, "user.password", person.id, {})

    async def is_password(self, person: Person, password: str) -> bool:
        """Whether it is theirs; false where they have none."""
        found = await self._store.by_email(person.email or "")
        known = found[1] if found and found[1] else None
        return known is not None and await asyncio.to_thread(self._is, known, password)

    async def reset(self, email: str) -> str:
        """For whoever holds the machine: a one-time link of 30 minutes for this address. Raises NotFound."""
        found = await self._store.by_email(email.strip().lower())
        if found is None:
            raise NotFound(f"Nobody signs in with {email}.", next_step="List them: aforo users list.")
        await self._accounts.note(found[0].tenant_id, "system", "user.link", found[0].id, {"by": "machine"})
        return await self._accounts.link_for(found[0].id, timedelta(minutes=30))

    def _refuse_where_off(self) -> None:
        if not self.passwords:
            raise PasswordsOff(
                "Passwords are switched off here.",
                next_step="Sign in with your company's account, or by a link from an administrator.",
            )

    async def _refuse_guessing(self, who: str, most: int, now: datetime) -> None:
        tries = await self._store.tries(who, now - _TRIES_SPAN)
        if len(tries) >= most:
            until = from_rfc3339(tries[-most]) + _TRIES_SPAN
            seconds = max(1, int((until - now).total_seconds()) + 1)
            raise TooManyTries(
                f"Too many tries failed. This is not looked at for another {max(1, round(seconds / 60))} min.",
                next_step="Wait, or use a sign-in link.",
                retry_after_seconds=seconds,
            )

    def _is(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False


def _address(email: str) -> str:
    clean = email.strip().lower()
    if not _EMAIL.fullmatch(clean):
        raise Invalid("This is no e-mail address.", (("/email", "must look like ops@acme.example"),))
    return clean


def _lacks(password: str, person: Person) -> str:
    """What keeps a password from being used; length is what counts, and that it is not the address."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if len(set(password)) < 5:
        return "must have at least 5 different characters"
    if person.email and password.lower() in (person.email, person.email.partition("@")[0] * 2):
        return "must not be the address"
    return ""


def _told(person: Person) -> dict[str, Json]:
    return {"name": person.name, "role": person.role.value, "disabled": person.disabled_at is not None}
