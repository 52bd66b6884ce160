"""Health and breaker of an integration over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.integrations.model import BreakerState, Health, HealthPoint, Integration
from aforo.integrations.service import Integrations
from aforo.kit.wire import Moment, WireModel


class HealthPointView(WireModel):
    at: Moment
    health: Health
    took_ms: float | None
    error_code: str | None
    detail: str | None


class HealthView(WireModel):
    health: Health
    consecutive_failures: int
    last_ok_at: Moment | None
    last_failed_at: Moment | None
    last_error_code: str | None
    last_error: str | None
    history: list[HealthPointView]


class BreakerView(WireModel):
    state: BreakerState
    consecutive_failures: int
    since: Moment | None
    last_failure: str | None
    probe_at: str | None


def router(integrations: Integrations, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/integrations/{id}/health` and `/breaker`."""
    api = APIRouter(prefix="/api/v1", tags=["integrations"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("/integrations/{integration_id}/health", summary="Health, and its history of 24 hours")
    async def health(integration_id: str, who: reader) -> HealthView:
        one = await integrations.get(who.tenant_id, integration_id)
        return _health(one, await integrations.history(who.tenant_id, integration_id))

    @api.get("/integrations/{integration_id}/breaker", summary="State of the circuit breaker")
    async def breaker(integration_id: str, who: reader) -> BreakerView:
        one = await integrations.get(who.tenant_id, integration_id)
        return _breaker(one, integrations.probe_at(one))

    @api.post("/integrations/{integration_id}/breaker/reset", summary="Let calls pass again at once")
    async def reset(integration_id: str, who: writer) -> BreakerView:
        one = await integrations.reset_breaker(who.tenant_id, integration_id)
        await accounts.note(who.tenant_id, who.actor_id, "breaker.reset", integration_id, {})
        return _breaker(one, integrations.probe_at(one))

    return api


def _health(one: Integration, history: list[HealthPoint]) -> HealthView:
    vitals = one.vitals
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
