"""Health and breaker of an integration over HTTP."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.integrations.model import BreakerState, Health, HealthPoint, Integration
from aforo.integrations.rules import day
from aforo.integrations.service import Integrations
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid
from aforo.kit.wire import Moment, WireModel

_LONGEST_REASON: Final = 500


class HealthPointView(WireModel):
    at: Moment
    health: Health
    took_ms: float | None
    error_code: str | None
    detail: str | None


class HealthEpisodeView(WireModel):
    """A span of DEGRADED or ERROR, named after its worst; `end` is null while it lasts."""

    state: Health
    start: Moment
    end: Moment | None
    reason: str


class HealthView(WireModel):
    """`day` holds 96 intervals of 15 minutes that end at `dayEndsAt`, oldest first: the worst state of each, or NONE
    where no call was made. `episodes`: newest first.
    """

    health: Health
    consecutive_failures: int
    last_ok_at: Moment | None
    last_failed_at: Moment | None
    last_error_code: str | None
    last_error: str | None
    history: list[HealthPointView]
    day: list[str]
    day_ends_at: Moment
    summary: str
    episodes: list[HealthEpisodeView]


class BreakerReset(WireModel):
    """`reason` stands in the audit trail."""

    reason: str


class BreakerView(WireModel):
    state: BreakerState
    consecutive_failures: int
    since: Moment | None
    last_failure: str | None
    probe_at: str | None


def router(integrations: Integrations, accounts: Accounts, caller: CallerFor, clock: Clock) -> APIRouter:
    """`/api/v1/integrations/{id}/health` and `/breaker`."""
    api = APIRouter(prefix="/api/v1", tags=["integrations"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("/integrations/{integration_id}/health", summary="Health, and its history of 24 hours")
    async def health(integration_id: str, who: reader) -> HealthView:
        one = await integrations.get(who.tenant_id, integration_id)
        return _health(one, await integrations.history(who.tenant_id, integration_id), clock.now())

    @api.get("/integrations/{integration_id}/breaker", summary="State of the circuit breaker")
    async def breaker(integration_id: str, who: reader) -> BreakerView:
        one = await integrations.get(who.tenant_id, integration_id)
        return _breaker(one, integrations.probe_at(one))

    @api.post("/integrations/{integration_id}/breaker/reset", summary="Let calls pass again at once")
    async def reset(integration_id: str, given: BreakerReset, who: writer) -> BreakerView:
        reason = _reason(given.reason)
        one = await integrations.reset_breaker(who.tenant_id, integration_id)
        await accounts.note(who.tenant_id, who.actor_id, "breaker.reset", integration_id, {"reason": reason})
        return _breaker(one, integrations.probe_at(one))

    return api


def _reason(text: str) -> str:
    if words := text.strip()[:_LONGEST_REASON]:
        return words
    raise Invalid(
        "A reset needs a reason.", (("/reason", "must say why"),), next_step="It stands in the audit trail: send one."
    )


def _health(one: Integration, history: list[HealthPoint], now: datetime) -> HealthView:
    vitals = one.vitals
    bars, spans = day.beats(history, now), day.episodes(history)
    return HealthView(
        health=vitals.health,
        consecutive_failures=vitals.failures,
        last_ok_at=vitals.last_ok_at,
        last_failed_at=vitals.last_failed_at,
        last_error_code=vitals.last_error_code,
        last_error=vitals.last_error,
        history=[
            HealthPointView(
                at=point.at,
                health=point.health,
                took_ms=point.took_ms,
                error_code=point.error_code,
                detail=point.detail,
            )
            for point in history
        ],
        day=bars,
        day_ends_at=now,
        summary=day.sentence(bars, spans),
        episodes=[
            HealthEpisodeView(state=Health(span.state), start=span.start, end=span.end, reason=span.reason)
            for span in spans
        ],
    )


def _breaker(one: Integration, probe_at: str | None) -> BreakerView:
    breaker = one.vitals.breaker
    return BreakerView(
        state=breaker.state,
        consecutive_failures=breaker.failures,
        since=breaker.since,
        last_failure=breaker.last_failure,
        probe_at=probe_at,
    )
