"""What runs inside a gateway: how it gets there, is attached, proves itself, and leaves without a trace.

A gateway that can run something has a part `artifact` with `connect(connection) -> Artifact`, and what it installs in
its folder `templates/`. Whatever a customer had attached at the same place is told in the receipt and put back.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from aforo.gateway_sdk.contract import Check, Document, Progress
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.jsontree import JsonObject


class FailMode(StrEnum):
    """What the artifact does while Aforo cannot be reached and no lease or plan says otherwise."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What an operator decides about enforcement at one gateway, and what Aforo adds to it.

    api_key      a key with exactly the scopes usage:ingest and entitlements:check
    ingest_url   as gateways reach the edge, ending in /v1/ingest; the addresses of checks and leases follow from it
    targets      what to attach to, in the vendor's words (environments, services, stages); empty: all
    key_from     where the caller's key is looked for, in order: "bearer", "header:<name>", "query:<name>"
    excluded     path prefixes that pass without a check and are metered as unattributed
    metrics      metric by product id; a product that is not named counts `api_calls`
    options      the gateway's own switches, as its manifest lists them
    """

    integration_id: str
    api_key: str
    ingest_url: str
    products: tuple[ScopedProduct, ...] = ()
    targets: tuple[str, ...] = ()
    key_from: tuple[str, ...] = ("bearer", "header:x-api-key", "query:apikey")
    excluded: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    fail_mode: FailMode = FailMode.OPEN
    enforce: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One thing that deploying or attaching will do, in words; `danger` where it touches somebody else's traffic."""

    action: Literal["create", "update", "wrap", "keep", "by_hand"]
    what: str
    detail: str = ""
    danger: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What deploying and attaching would do now: the steps, whose calls it sees, and files to install by hand."""

    version: str
    steps: tuple[PlannedStep, ...]
    hits: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done, as the gateway shows it afterwards, and what stood there before: all that detaching needs.

    Kept by Aforo, sealed; a later `attach` is given the earlier receipt, so that "before" stays what it was before the
    first one.
    """

    version: str
    made: tuple[str, ...]
    before: JsonObject = field(default_factory=dict)
    attached: tuple[str, ...] = ()


class Phase(StrEnum):
    """How far an artifact is at a gateway."""

    ABSENT = "ABSENT"
    DEPLOYED = "DEPLOYED"
    ATTACHED = "ATTACHED"
    DIFFERS = "DIFFERS"


@dataclass(frozen=True, slots=True)
class ArtifactStatus:
    """As read from the gateway. DIFFERS: it is there, but not as Aforo left it; `detail` says how."""

    phase: Phase
    version: str | None = None
    attached: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Canary:
    """A subscription made for verification: its key passes once, and is refused from the second call on.

    `url` is an address of the gateway that the operator names.
    """

    url: str
    key: str
    customer_id: str
    plan: str
    expects_headers: bool = True


class Artifact(Protocol):
    """Every call may raise a `GatewayError`, and nothing else that is expected. All calls may be repeated.

    A run may break off anywhere, and its receipt is then lost: what `deploy` and `attach` left half-done, and what they
    had replaced, is found again by their own marks at the gateway, by the next run of either and by `detach`.
    """

    @property
    def version(self) -> str:
        """The version that `deploy` installs."""
        ...

    async def preview(self, wiring: Wiring) -> Rollout: ...

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """Install without routing a call through it; an older version keeps serving until `attach`."""
        ...

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        """Route calls through it. Foreign attachments at the same place are wrapped or kept, and told in `before`."""
        ...

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        """Leave the gateway as if it had never been attached, with others' later edits kept."""
        ...

    def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        """Read the installation back, then send the canary's two calls; never raises. Explains the usual faults."""
        ...

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus: ...

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        """Write `enforce` and the other settings of the wiring to a deployed artifact, without a new deployment."""
        ...

    async def aclose(self) -> None: ...
