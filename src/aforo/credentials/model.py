"""Credentials of subscriptions, where they stand, and what Aforo still has to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from aforo.gateway_sdk.provision import Adopted, ExistingKey, RemoteObject, Standing


class Mode(StrEnum):
    """Who makes the secret."""

    AFORO_PROVIDED = "AFORO_PROVIDED"
    GATEWAY_GENERATED = "GATEWAY_GENERATED"


class CredentialState(StrEnum):
    """GRACE: its successor works already, and this one still does for a while. REVOKED is the end."""

    ACTIVE = "ACTIVE"
    GRACE = "GRACE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


LIVE: Final = frozenset({CredentialState.ACTIVE, CredentialState.GRACE})
PENDING: Final = "PENDING"
"""What is observed before anything was."""


@dataclass(frozen=True, slots=True)
class Place:
    """A credential at one gateway.

    observed   a Standing, or PENDING
    sealed     the secret that this gateway made, until it has been shown
    made_at    when it was first seen live there
    """

    integration_id: str
    type: str | None = None
    native_id: str | None = None
    observed: str = PENDING
    key_sha256: str | None = None
    hint: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    shown: bool = False
    made_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """What a customer calls with, at all gateways of its subscription.

    sealed    the secret, until it is revoked; only of AFORO_PROVIDED ones, since a gateway that is connected later is
              to accept it too
    adopted   it was at the gateway before Aforo, which never knew its secret
    replaces  the credential whose successor this is
    """

    id: str
    tenant_id: str
    subscription_id: str
    mode: Mode
    state: CredentialState
    created_at: datetime
    adopted: bool = False
    replaces: str | None = None
    grace_until: datetime | None = None
    sealed: bytes | None = field(default=None, repr=False)
    key_sha256: str | None = None
    hint: str | None = None
    revoked_at: datetime | None = None
    places: tuple[Place, ...] = ()

    def place(self, integration_id: str) -> Place | None:
        return next((place for place in self.places if place.integration_id == integration_id), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret that leaves Aforo, once: `integration_id` is None if every gateway accepts it."""

    integration_id: str | None
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential, and the secrets that are shown with it."""

    credential: Credential
    secrets: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A subscription at one gateway as it was last seen. `left_out` are products of its plan that it is not to open."""

    subscription_id: str
    integration_id: str
    tenant_id: str
    wanted: Standing
    observed: str = PENDING
    reason: str | None = None
    notes: tuple[str, ...] = ()
    objects: tuple[RemoteObject, ...] = ()
    scope: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    adopted: Adopted | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A seat that was tried several times without success, and is tried on."""

    subscription_id: str
    integration_id: str
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """A seat to converge; with an empty `integration_id` the subscription whose seats are to be found first.

    `generation` grows whenever somebody asks again, so that finishing an older round does not drop the newer wish.
    """

    subscription_id: str
    integration_id: str
    tenant_id: str
    attempts: int
    urgent: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """What matching looks at of a customer."""

    id: str
    name: str
    external_id: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """A customer that an existing consumer seems to be, and why; no customer where it is unclear, with why."""

    customer_id: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """Something with Aforo's mark at a gateway that no record explains."""

    id: str
    tenant_id: str
    integration_id: str
    consumer: str
    application: str | None
    name: str
    subscription_id: str
    keys: tuple[ExistingKey, ...]
    reason: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look for orphans told; per integration that could not be read whole, why."""

    orphans: tuple[Orphan, ...]
    incomplete: Mapping[str, str]
