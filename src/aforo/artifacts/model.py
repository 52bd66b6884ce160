"""What Aforo knows of the artifact at one gateway: how far it is, what it was told, what is unfinished."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from aforo.gateway_sdk.artifact import ArtifactStatus, FailMode, Phase, Receipt, Rollout, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.manifest import Bounds

KEY_FROM: Final = Wiring("", "", "").key_from
"""Where the caller's key is looked for unless an operator says otherwise."""


class Mode(StrEnum):
    """What becomes of a refusal: told only, obeyed, or told only until somebody resumes."""

    OBSERVE = "observe"
    ENFORCE = "enforce"
    PAUSED = "paused"


class Intent(StrEnum):
    """What was begun at the gateway and is not known to have ended. SWITCH: settings of a running artifact."""

    DEPLOY = "deploy"
    ATTACH = "attach"
    DETACH = "detach"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an operator decides of a `Wiring`; its members are told there."""

    targets: tuple[str, ...] = ()
    key_from: tuple[str, ...] = KEY_FROM
    excluded: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    fail_mode: FailMode = FailMode.OPEN
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """Who told an artifact to refuse nothing, why, and what resuming brings back."""

    since: datetime
    by: str
    reason: str
    mode_before: Mode
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """The last proof. `url` is None where no call was made; `canary_left` names what could not be taken away."""

    at: datetime
    by: str
    url: str | None
    checks: tuple[Check, ...]
    canary_left: str | None = None

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(check.verdict is not Verdict.FAILED for check in self.checks)


@dataclass(frozen=True, slots=True)
class Installed:
    """The record of one artifact. There is none until the first deploy, and none after a detach.

    wiring      as last written, its API key with it; None until a key was made
    wired_key   the id of that key
    key_ids     every key that was made for this artifact and is not known to be revoked
    unfinished  what the last run began and did not end: the next run of any verb finishes it first
    fault       why, in the gateway's words
    """

    integration_id: str
    tenant_id: str
    changed_at: datetime
    changed_by: str
    phase: Phase = Phase.ABSENT
    mode: Mode = Mode.OBSERVE
    version: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    wiring: Wiring | None = field(default=None, repr=False)
    wired_key: str | None = None
    key_ids: tuple[str, ...] = ()
    receipt: Receipt | None = field(default=None, repr=False)
    unfinished: Intent | None = None
    fault: str | None = None
    deployed_at: datetime | None = None
    attached_at: datetime | None = None
    pause: Pause | None = None
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class WouldRefuse:
    """Calls of one caller to one product that enforcing would have refused, and why; no customer: nobody known."""

    customer_id: str | None
    customer: str
    product_id: str
    product: str
    reason: str
    calls: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Refusals:
    """Since when was looked, and who would have been refused, the most calls first.

    `unnamed` are refusals that name no product: they may have been made through other gateways.
    """

    since: datetime
    rows: tuple[WouldRefuse, ...] = ()
    unnamed: int = 0

    @property
    def calls(self) -> int:
        return sum(row.calls for row in self.rows)

    @property
    def strangers(self) -> int:
        """Calls of nobody known."""
        return sum(row.calls for row in self.rows if row.customer_id is None)

    @property
    def customers(self) -> int:
        return len({row.customer_id for row in self.rows if row.customer_id})


@dataclass(frozen=True, slots=True)
class Standing:
    """The record beside the gateway. `observed` is None where it could not be asked; `fault` says why."""

    integration_id: str
    installed: Installed | None
    available: str
    bounds: Bounds | None
    observed: ArtifactStatus | None
    fault: str | None
    refusals: Refusals
    enforced: tuple[str, ...]
    products: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What deploying and attaching would do, and the settings that they would be done with."""

    integration_id: str
    rollout: Rollout
    wishes: Wishes
    ingest_url: str
    products: int
