"""What is told, to whom, and how the telling went."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from aforo.kit.jsontree import Json, JsonObject


class Kind(StrEnum):
    """What an alert is about; a channel may be there for some of them only."""

    DRIFT = "drift"
    HEALTH = "health"
    BREAKER = "breaker"
    CREDENTIAL = "credential"
    PROVISIONING = "provisioning"
    MARGIN = "margin"
    QUOTA = "quota"
    DEAD_LETTERS = "dead_letters"
    COMPLETENESS = "completeness"


class Severity(StrEnum):
    """INFO: good to know. WARNING: somebody has to look. CRITICAL: customers or money are hit now."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Affected:
    """Subscriptions, live credentials and money a month that something touches; None while it cannot be known."""

    subscriptions: int | None = None
    credentials: int | None = None
    monthly_revenue: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a room hands in.

    episode  names this one occurrence, such as a drift's id; who hands in the same one again raises nothing
    subject  the id of what it is about, and `name` what people call that
    path     of the page that shows it
    lasts    False for what merely happened, such as a revocation: it is told once and is over at once
    """

    kind: Kind
    episode: str
    subject: str
    name: str
    severity: Severity
    title: str
    detail: str
    path: str
    since: datetime
    affected: Affected = Affected()
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Alert:
    """A notice that was taken in. `ended_at` is None while it holds; `resolution` says how it ended."""

    id: str
    tenant_id: str
    notice: Notice
    raised_at: datetime
    ended_at: datetime | None = None
    resolution: str | None = None


class ChannelKind(StrEnum):
    """BROAD: anything that apprise knows by its URL."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"
    BROAD = "apprise"


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach people. Its address is sealed; `hint` is what may be shown of it.

    kinds      what it is there for; empty for everything
    paused     why nothing is sent to it any more, such as a webhook that answered 410; None while it works
    """

    id: str
    tenant_id: str
    kind: ChannelKind
    name: str
    hint: str
    kinds: frozenset[Kind]
    min_severity: Severity
    created_at: datetime
    paused: str | None = None
    sealed: bytes = field(default=b"", repr=False)

    def wants(self, kind: Kind, severity: Severity) -> bool:
        return not self.paused and severity.rank >= self.min_severity.rank and (not self.kinds or kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a channel leads, in clear: only in memory, only while it is used. `secret` signs webhooks."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


class Event(StrEnum):
    RAISED = "raised"
    RESOLVED = "resolved"
    TEST = "test"


class DeliveryState(StrEnum):
    """PENDING: still to be tried, or to be tried again."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel. `payload` never changes, so that every try sends the same.

    due_at    when it is tried next
    answer    what the last try brought, in the receiver's words
    """

    id: str
    tenant_id: str
    channel_id: str
    channel_name: str
    alert_id: str | None
    event: Event
    state: DeliveryState
    attempts: int
    due_at: datetime
    created_at: datetime
    payload: JsonObject
    ended_at: datetime | None = None
    answer: str | None = None
    replay_of: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `ok` is None when Aforo stopped before the answer came: it may have arrived."""

    number: int
    at: datetime
    ok: bool | None
    answer: str | None
    took_ms: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try brought. `gone`: the receiver wants nothing more. `wait_seconds`: it asked for that much patience."""

    ok: bool
    answer: str
    gone: bool = False
    wait_seconds: float = 0.0


MOST_CHANNELS: Final = 50
"""A tenant's."""


def plain(affected: Affected) -> dict[str, Json]:
    """As it stands in payloads and answers."""
    return {
        "subscriptions": affected.subscriptions,
        "credentials": affected.credentials,
        "monthlyRevenue": affected.monthly_revenue,
        "currency": affected.currency,
    }
