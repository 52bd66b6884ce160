"""What an installation is at its identity provider, and whom the provider says somebody is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aforo.accounts.model import Role
from aforo.kit.errors import Invalid

CALLBACK: Final = "/sign-in/oidc/callback"
_LONGEST_NAME: Final = 200


class RoleRule(NamedTuple):
    """Who is in this group at the provider may come in with this role; `tenant` is a slug, "" the first one."""

    group: str
    role: Role
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """Aforo as the provider's client. `trusts_email`: the operator says that the provider verifies every address."""

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str = field(default="", repr=False)
    name: str = ""
    scopes: str = "openid email profile"
    role_claim: str = "groups"
    roles: tuple[RoleRule, ...] = ()
    trusts_email: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as the provider knows them. `email` is lower case, and "" where the provider does not vouch for it."""

    issuer: str
    subject: str
    email: str
    name: str
    groups: frozenset[str]

    @property
    def key(self) -> str:
        """What is kept with the person. The subject alone is unique within its issuer only."""
        return f"{self.issuer} {self.subject}"


def identity_of(claims: Mapping[str, Any], registration: Registration) -> Identity:
    """Read claims that were checked before."""
    email = _text(claims.get("email")).lower()
    name = _text(claims.get("name")) or _text(claims.get("preferred_username")) or email
    told = claims_at(claims, registration.role_claim)
    groups = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return Identity(
        _text(claims["iss"]),
        claims["sub"],
        email if _vouched(claims.get("email_verified"), registration) else "",
        "".join(letter for letter in name if letter.isprintable())[:_LONGEST_NAME],
        frozenset(one for one in groups if isinstance(one, str)),
    )


def claims_at(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name, or, as Keycloak nests them, at this path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def roles_of(text: str) -> tuple[RoleRule, ...]:
    """Read `group=role,group=tenant:role`; the first rule that fits somebody counts. Raises Invalid."""
    return tuple(_rule(one.strip()) for one in text.split(",") if one.strip())


def rule_for(groups: frozenset[str], rules: Sequence[RoleRule]) -> RoleRule | None:
    """The first rule, in the operator's order, whose group somebody is in."""
    return next((rule for rule in rules if rule.group in groups), None)


def _rule(text: str) -> RoleRule:
    group, _, right = text.rpartition("=")
    tenant, _, role = right.strip().rpartition(":")
    if not group.strip() or role not in set(Role):
        raise Invalid(
            f"AFORO_OIDC_ROLES cannot be read at {text!r}.",
            next_step=f"Write group=role or group=tenant:role; roles are {', '.join(Role)}.",
        )
    return RoleRule(group.strip(), Role(role), tenant)


def _vouched(told: object, registration: Registration) -> bool:
    """A provider that says "not verified" is believed, whatever the operator declared. Cognito says "true" as text."""
    if told is None:
        return registration.trusts_email
    return told is True or told == "true"


def _text(told: object) -> str:
    return told.strip() if isinstance(told, str) else ""
