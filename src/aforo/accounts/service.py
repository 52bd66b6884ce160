"""Lets callers in: API keys, sign-in links, sessions. Keeps no secret: only SHA-256 of high-entropy random text."""

import hashlib
import re
import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from aforo.accounts import chain
from aforo.accounts.errors import KeyRevoked, NetworkRefused
from aforo.accounts.model import ROLE_SCOPES, ApiKey, AuditEntry, Caller, Person, Role, Scope, Session, Tenant
from aforo.accounts.sql import AccountStore
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, Invalid, NotFound, Unauthenticated
from aforo.kit.ids import new_id
from aforo.kit.jsontree import Json

LINK_LIFE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)
_LONGEST_KEY_LIFE = timedelta(days=36_525)
_LONGEST_NAME = 200
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_LETTERS = string.ascii_letters + string.digits


class Accounts:
    """Tenants, people, keys and the audit trail."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ensure_first(self) -> str | None:
        """Where there is nothing yet, make the tenant `default`, its administrator and a key; the key, else None."""
        if await self._store.tenants():
            return None
        tenant = await self.create_tenant("default", "Default")
        _, secret = await self.create_key(tenant.id, "first admin key", {Scope.ADMIN})
        return secret

    async def people(self, tenant_id: str) -> list[Person]:
        """Oldest first, also those who are shut out."""
        return await self._store.people(tenant_id)

    async def link_for(self, user_id: str, life: timedelta) -> str:
        """A token that signs somebody in, once."""
        token = secrets.token_urlsafe(32)
        await self._store.add_link(_sha256(token), user_id, self._clock.now() + life)
        return token

    async def session_for(self, user_id: str) -> str:
        """A new session's cookie for somebody who has proved who they are."""
        return await self._new_session(user_id)

    async def create_tenant(self, slug: str, name: str) -> Tenant:
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise Invalid("The name cannot be used.", (("/name", f"1 to {_LONGEST_NAME} characters"),))
        if not _SLUG.fullmatch(slug):
            raise Invalid(
                f"The slug {slug!r} cannot be used.",
                (("/slug", "1 to 64 characters of a-z, 0-9, _ and -"),),
                next_step="Choose another slug.",
            )
        if await self._store.tenant(slug):
            raise Conflict(f"There is a tenant {slug} already.", next_step="Choose another slug.")
        tenant = Tenant(new_id("ten"), slug, name)
        admin = Person(new_id("usr"), tenant.id, "Administrator", Role.ADMIN)
        await self._store.add_tenant(tenant, admin, self._clock.now())
        await self.note(tenant.id, admin.id, "tenant.create", tenant.id, {"slug": slug})
        return tenant

    async def tenants(self) -> list[Tenant]:
        """Oldest first."""
        return await self._store.tenants()

    async def tenant(self, id_or_slug: str) -> Tenant:
        found = await self._store.tenant(id_or_slug)
        if found is None:
            raise NotFound(f"There is no tenant {id_or_slug}.", next_step="Run `aforo admin create-tenant`.")
        return found

    async def create_key(
        self,
        tenant_id: str,
        name: str,
        scopes: Collection[Scope],
        *,
        test: bool = False,
        customer_id: str | None = None,
        expires_at: datetime | None = None,
        networks: Collection[str] = (),
        actor_id: str = "system",
        key_id: str | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and, this once, its secret: `sk_live_` or `sk_test_` and 40 random characters.

        `key_id` is for who must know the id before there is a key.
        """
        self._check_expiry(expires_at)
        secret = ("sk_test_" if test else "sk_live_") + "".join(secrets.choice(_LETTERS) for _ in range(40))
        key = ApiKey(
            id=key_id or new_id("key"),
            tenant_id=tenant_id,
            name=name,
            last4=secret[-4:],
            scopes=frozenset(scopes),
            test=test,
            created_at=self._clock.now(),
            customer_id=customer_id,
            expires_at=expires_at,
            networks=_networks(networks),
        )
        await self._store.add_key(key, _sha256(secret))
        granted: list[Json] = [scope.value for scope in sorted(key.scopes)]
        await self.note(tenant_id, actor_id, "api_key.create", key.id, {"name": name, "scopes": granted})
        return key, secret

    def _check_expiry(self, expires_at: datetime | None) -> None:
        now = self._clock.now()
        if expires_at is not None and not now < expires_at < now + _LONGEST_KEY_LIFE:
            raise Invalid(
                "The key would be dead at once, or never expire.",
                (("/expiresAt", "must be in the future, and less than 100 years away"),),
                next_step="Choose a later moment, or leave it out for a key without end.",
            )

    async def keys(self, tenant_id: str) -> list[ApiKey]:
        return await self._store.keys(tenant_id)

    async def revoke_key(self, tenant_id: str, key_id: str, actor_id: str) -> None:
        if not await self._store.revoke_key(tenant_id, key_id, self._clock.now()):
            raise NotFound(f"There is no live API key {key_id}.")
        await self.note(tenant_id, actor_id, "api_key.revoke", key_id, {})

    async def caller_of_key(self, presented: str | None, address: str | None = None) -> Caller:
        """The caller behind a key; raises when it is missing, unknown, revoked, expired, or used from elsewhere."""
        if not presented:
            raise Unauthenticated(
                "This needs an API key.", next_step="Send it as `Authorization: Bearer <key>` or `X-API-Key`."
            )
        found = await self._store.key_by_hash(_sha256(presented))
        if found is None:
            raise Unauthenticated("This API key is not known.", next_step="Check it, or create a new one.")
        key, slug = found
        if key.revoked_at or (key.expires_at and key.expires_at <= self._clock.now()):
            raise KeyRevoked("This API key was revoked or has expired.", next_step="Use another key.")
        if key.networks and not within(address, key.networks):
            raise NetworkRefused("The API key may not be used from this address.", next_step="Ask the key's owner.")
        return Caller(key.tenant_id, slug, key.id, key.scopes, key.test, key.customer_id)

    async def sign_in_token(self, tenant_id: str) -> str:
        """A one-time token, good for 30 minutes, that signs in the tenant's first administrator."""
        people = await self._store.people(tenant_id)
        admin = next(person for person in people if person.role is Role.ADMIN and not person.disabled_at)
        return await self.link_for(admin.id, LINK_LIFE)

    async def sign_in(self, token: str) -> str:
        """Exchange a sign-in token for a new session's cookie value."""
        user_id = await self._store.use_link(_sha256(token), self._clock.now())
        if user_id is None:
            raise Unauthenticated(
                "This sign-in link was used already, or is older than 30 minutes.",
                next_step="Run `aforo admin sign-in-link` on the server for a new one.",
            )
        return await self._new_session(user_id)

    async def sign_in_with_key(self, presented: str, address: str | None = None) -> str:
        """Exchange a live admin key for a session of the tenant's administrator."""
        caller = await self.caller_of_key(presented.strip(), address)
        if Scope.ADMIN not in caller.scopes or caller.test:
            raise Unauthenticated("Only a live admin key signs in here.", next_step="Use an admin key or a link.")
        people = await self._store.people(caller.tenant_id)
        admin = next(person for person in people if person.role is Role.ADMIN and not person.disabled_at)
        return await self._new_session(admin.id)

    async def session(self, cookie: str | None) -> Session | None:
        found = await self._store.session(_sha256(cookie), self._clock.now()) if cookie else None
        if found is None:
            return None
        person, tenant, csrf = found
        return Session(person, tenant, Caller(tenant.id, tenant.slug, person.id, ROLE_SCOPES[person.role]), csrf)

    async def sign_out(self, cookie: str) -> None:
        await self._store.end_session(_sha256(cookie), self._clock.now())

    async def note(self, tenant_id: str, actor_id: str, action: str, subject: str, detail: Mapping[str, Json]) -> None:
        """Write one line of the audit trail."""
        await self._store.add_audit(AuditEntry(tenant_id, self._clock.now(), actor_id, action, subject, detail))

    async def audit(
        self, tenant_id: str, limit: int = 100, before: int | None = None, words: str | None = None
    ) -> Sequence[AuditEntry]:
        """Newest first; `before` is the number of the last one seen."""
        return await self._store.audit(tenant_id, limit, before, words)

    async def verify_audit(self, tenant_id: str) -> chain.Verified:
        """Whether the tenant's trail is whole."""
        return chain.verify(await self._store.audit_lines(tenant_id))

    async def _new_session(self, user_id: str) -> str:
        cookie = secrets.token_urlsafe(32)
        expires_at = self._clock.now() + SESSION_LIFE
        await self._store.add_session(_sha256(cookie), user_id, secrets.token_urlsafe(24), expires_at)
        return cookie


def _networks(told: Collection[str]) -> tuple[str, ...]:
    """Each in its usual form, such as 10.0.0.0/8; a bare address is a network of one."""
    faults, found = [], []
    for place, text in enumerate(told):
        try:
            found.append(str(ip_network(text.strip(), strict=False)))
        except ValueError:
            faults.append((f"/networks/{place}", "must look like 10.0.0.0/8 or 203.0.113.7"))
    if faults:
        raise Invalid("These are no networks.", tuple(faults))
    return tuple(found)


def within(address: str | None, networks: Collection[str]) -> bool:
    """Whether an address lies in one of the networks; an address that cannot be read lies in none."""
    try:
        return address is not None and any(ip_address(address) in ip_network(network) for network in networks)
    except ValueError:
        return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
