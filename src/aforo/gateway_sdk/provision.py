"""How a subscription stands at a gateway: consumers, applications and keys, as far as the vendor has them.

A gateway that provisions has a part `provisioner` with `connect(connection) -> Provisioner`. It is driven by what is
wanted, never by events: `converge` may be called at any time, again after a crash between any two of its calls, and
ends with exactly what the seat says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.pricing import Limit, ScopedProduct


class Standing(StrEnum):
    """How a subscription or a key is to be, or is, at a gateway."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    GONE = "GONE"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who subscribes. `id` is Aforo's; e-mail and external id are there only if the customer has them."""

    id: str
    name: str
    email: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was there before Aforo and now belongs to a subscription: the vendor's ids of consumer and application.

    Objects of an adopted seat are used as they are: never renamed, and never deleted with the seat. Only the keys that
    the seat lists as GONE, and those that Aforo made, are removed.
    """

    consumer: str
    application: str | None = None


@dataclass(frozen=True, slots=True)
class WantedKey:
    """One credential of a seat.

    secret     the secret that the gateway is to accept; None lets the gateway make one
    native_id  the vendor's id once known, or of an adopted key
    """

    credential_id: str
    standing: Standing
    secret: str | None = None
    native_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """One subscription's place at one gateway, as wanted.

    Names at the vendor follow from `subscription_id` alone, so that a second attempt finds what the first one made.
    `limits` are the plan's, for gateways that carry them on the consumer rather than on the product.
    """

    subscription_id: str
    owner: Owner
    plan: str
    standing: Standing
    scope: tuple[ScopedProduct, ...]
    keys: tuple[WantedKey, ...]
    limits: tuple[Limit, ...] = ()
    adopted: Adopted | None = None


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """Something at the gateway that belongs to a seat. `kind` is the vendor's word, such as "consumer"."""

    kind: str
    native_id: str
    name: str
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class SeatedKey:
    """A credential as it stands. `type` and `native_id` are what the gateway tells in a check: never a secret.

    `secret` is filled where the vendor tells it; the caller seals it and shows it once.
    """

    credential_id: str
    type: str
    native_id: str
    standing: Standing
    secret: str | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seated:
    """A seat as read back from the gateway after all writes.

    `scope` holds the product ids that the keys open. `notes` tell what was done instead where the vendor lacks a
    primitive, such as a rotation without grace.
    """

    standing: Standing
    objects: tuple[RemoteObject, ...]
    keys: tuple[SeatedKey, ...]
    scope: frozenset[str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExistingKey:
    """A key found at the gateway. `sha256` is the hash (hex) of the secret where the vendor tells it; never itself."""

    type: str
    native_id: str
    standing: Standing
    sha256: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Existing:
    """A consumer and one of its applications (the same object where the vendor has but one), whoever made it.

    `scope` are native ids of products that its keys open. `subscription_id` is read from Aforo's mark; None: not ours.
    """

    consumer: str
    name: str
    keys: tuple[ExistingKey, ...]
    application: str | None = None
    application_name: str | None = None
    email: str | None = None
    external_id: str | None = None
    scope: frozenset[str] = frozenset()
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Existence:
    """Everybody at the gateway, or those who could be read. A partial one proves no absence and no orphan."""

    consumers: tuple[Existing, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.problems)


class Provisioner(Protocol):
    """Every call may raise a `GatewayError`, and nothing else that is expected."""

    async def converge(self, seat: Seat) -> Seated:
        """Make the gateway hold exactly what the seat says, and read it back.

        Idempotent, and complete after any earlier attempt that died between two calls. Touches nothing that is neither
        marked with this subscription nor adopted by it. Raises PostconditionFailed, naming the object, when the
        gateway shows something else than was written, such as one live key more than promised.
        """
        ...

    async def observe(self, seat: Seat) -> Seated:
        """The same reading without a write; GONE where nothing of the seat is there."""
        ...

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        """All consumers, applications and keys, ours and foreign, active and revoked."""
        ...

    async def remove(self, found: Existing) -> None:
        """Delete an orphan: what carries Aforo's mark and no record explains. Refuses an unmarked object."""
        ...

    async def aclose(self) -> None: ...
