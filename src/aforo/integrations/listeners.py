"""Who is told when an integration comes, goes or changes, and when its health or breaker does."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from aforo.gateway_sdk.errors import GatewayError
from aforo.integrations.model import BreakerState, Health

log = logging.getLogger(__name__)


class News(StrEnum):
    """What an operator is told of health: once when an episode is an ERROR, and once when it is over."""

    ERROR = "ERROR"
    RECOVERED = "RECOVERED"


@dataclass(frozen=True, slots=True)
class HealthChange:
    """An integration's health became another. `since` is when it had last been well; None if it never was."""

    tenant_id: str
    integration_id: str
    name: str
    before: Health
    after: Health
    at: datetime
    since: datetime | None
    code: str | None = None
    reason: str | None = None

    @property
    def news(self) -> News | None:
        """None for what nobody need be told, such as a single failure."""
        if self.after is Health.ERROR:
            return News.ERROR
        return News.RECOVERED if self.before is Health.ERROR else None


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """An integration's breaker changed its state. `probe_at`: while OPEN, when one call may try."""

    tenant_id: str
    integration_id: str
    name: str
    before: BreakerState
    after: BreakerState
    at: datetime
    probe_at: datetime | None = None
    reason: str | None = None


Change = TypeVar("Change")
OnHealth = Callable[[HealthChange], Awaitable[None]]
OnBreaker = Callable[[BreakerChange], Awaitable[None]]
OnChange = Callable[[str, str], Awaitable[None]]
"""Given a tenant and an integration that was made, changed, paused, resumed or removed."""


OnCall = Callable[[str, float | None, GatewayError | None], None]
"""Given the kind of gateway, how long a call to it took in ms if it was answered, and what went wrong."""


@dataclass(slots=True)
class Listeners:
    """Lists to add to while the rooms are wired. One that fails is logged, and spoils nothing for the caller."""

    on_health: list[OnHealth] = field(default_factory=list)
    on_breaker: list[OnBreaker] = field(default_factory=list)
    on_change: list[OnChange] = field(default_factory=list)
    on_call: list[OnCall] = field(default_factory=list)

    def called(self, gateway: str, took_ms: float | None, fault: GatewayError | None) -> None:
        for listener in self.on_call:
            listener(gateway, took_ms, fault)

    async def health(self, change: HealthChange) -> None:
        if change.news:
            log.warning("%s: health %s after %s. %s", change.name, change.after, change.before, change.reason or "")
        await _tell(self.on_health, change)

    async def breaker(self, change: BreakerChange) -> None:
        level = logging.INFO if change.after is BreakerState.HALF_OPEN else logging.WARNING
        log.log(level, "%s: breaker %s after %s. %s", change.name, change.after, change.before, change.reason or "")
        await _tell(self.on_breaker, change)

    async def changed(self, tenant_id: str, integration_id: str) -> None:
        for listener in self.on_change:
            await _safely(listener(tenant_id, integration_id))


async def _tell(listeners: Sequence[Callable[[Change], Awaitable[None]]], change: Change) -> None:
    for listener in listeners:
        await _safely(listener(change))


async def _safely(told: Awaitable[None]) -> None:
    try:
        await told
    except Exception:
        log.exception("telling of a change failed")
