"""Who is calling: tenants, users, and API keys with their scopes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aforo.kit.jsontree import Json


class Scope(StrEnum):
    """What an API key may do. `admin` includes all others."""

    USAGE_INGEST = "usage:ingest"
    USAGE_READ = "usage:read"
    ENTITLEMENTS_CHECK = "entitlements:check"
    CONTROL_READ = "control:read"
    CONTROL_WRITE = "control:write"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    PRODUCT = "product"
    FINANCE = "finance"
    ADMIN = "admin"


ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.CONTROL_READ, Scope.USAGE_READ}),
    Role.OPERATOR: frozenset({Scope.CONTROL_READ, Scope.CONTROL_WRITE, Scope.USAGE_READ}),
    Role.PRODUCT: frozenset({Scope.CONTROL_READ, Scope.CONTROL_WRITE, Scope.USAGE_READ}),
    Role.FINANCE: frozenset({Scope.CONTROL_READ, Scope.USAGE_READ}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One company. The slug is chosen (`[a-z0-9_-]{1,64}`) and may stand wherever the id may."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    id: str
    tenant_id: str
    name: str
    role: Role
    email: str | None = None
    has_password: bool = False
    disabled_at: datetime | None = None
    has_identity: bool = False
    """Whether an identity provider's account is linked."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: everything but the key itself."""

    id: str
    tenant_id: str
    name: str
    last4: str
    scopes: frozenset[Scope]
    test: bool
    created_at: datetime
    customer_id: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person: who, what they may do, and the token that each of their forms must carry."""

    person: Person
    tenant: Tenant
    caller: "Caller"
    csrf: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which thing. `detail` never holds a secret. `number` and `hash` are given when it is stored."""

    tenant_id: str
    at: datetime
    actor_id: str
    action: str
    subject: str
    detail: Mapping[str, Json] = field(default_factory=dict)
    number: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """A key or a signed-in person, already verified. `test` keys see their own log, rollups and counters only."""

    tenant_id: str
    tenant_slug: str
    actor_id: str
    scopes: frozenset[Scope]
    test: bool = False
    customer_id: str | None = None

    def may(self, scope: Scope) -> bool:
        if self.test and scope in (Scope.CONTROL_WRITE, Scope.ADMIN):
            return False
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def is_tenant(self, named: str) -> bool:
        """Whether a tenant named by id or slug is this caller's own."""
        return named in (self.tenant_id, self.tenant_slug)


def presented_key(headers: dict[str, str]) -> str | None:
    """The API key in a request's headers (lower-case names): Bearer, X-API-Key or X-Aforo-Key, in this order."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-key") or headers.get("x-aforo-key") or None
