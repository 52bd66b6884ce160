"""A connected gateway: how to reach it, how it is, and what holds calls back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aforo.gateway_sdk.contract import Check, Verdict


class Health(StrEnum):
    """UNKNOWN until the first call; DEGRADED after 1 or 2 consecutive failures, ERROR from the third."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    ERROR = "ERROR"


class BreakerState(StrEnum):
    """CLOSED: calls pass. OPEN: calls are held. HALF_OPEN: one probe is under way."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The circuit breaker of one integration, as a value. `since` is when `state` began."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    since: datetime | None = None
    last_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the calls told: health by consecutive failures, the last fault in words, and the breaker."""

    health: Health = Health.UNKNOWN
    failures: int = 0
    last_ok_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error_code: str | None = None
    last_error: str | None = None
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class TestResult:
    """The last connection test. `revision` is that of the settings which it tried.

    `proven`: these settings have passed a test, and none since has found that using them would do harm.
    """

    __test__ = False  # pytest takes the name for a test otherwise

    at: datetime
    checks: tuple[Check, ...]
    revision: int
    proven: bool

    @property
    def passed(self) -> bool:
        return bool(self.checks) and not self.failures

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if check.verdict is Verdict.FAILED]


@dataclass(frozen=True, slots=True)
class Pause:
    """A maintenance pause: nothing is scheduled at this integration until then. What people do by hand still goes."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Integration:
    """One connection of one tenant. `settings` holds no secret; `secret_hints` shows the last four of each.

    `revision` counts the changes of what is connected and how; a test is good for one revision.
    """

    id: str
    tenant_id: str
    name: str
    gateway: str
    sign_in: str
    settings: Mapping[str, str]
    secret_hints: Mapping[str, str]
    facts: Mapping[str, str]
    emulated: bool
    revision: int
    created_at: datetime
    vitals: Vitals = field(default_factory=Vitals)
    last_test: TestResult | None = None
    pause: Pause | None = None

    def paused_at(self, now: datetime) -> Pause | None:
        """The pause that holds now; one that is over is none."""
        return self.pause if self.pause and self.pause.until > now else None


@dataclass(frozen=True, slots=True)
class Uses:
    """What hangs on an integration: names of imported products, and of what works at the gateway: credentials, and
    an artifact that calls pass through.
    """

    products: Sequence[str] = ()
    credentials: Sequence[str] = ()
    artifacts: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.products) + len(self.credentials) + len(self.artifacts)


@dataclass(frozen=True, slots=True)
class HealthPoint:
    """One entry of the health history: a call or test whose outcome differed, or the regular check."""

    at: datetime
    health: Health
    took_ms: float | None
    error_code: str | None
    detail: str | None
