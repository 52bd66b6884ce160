"""Switches and decisions over HTTP, on the api."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.enforcement.desk import EnforcementDesk
from aforo.enforcement.views import (
    QUOTA_EXAMPLE,
    DecisionRow,
    DecisionView,
    ModeShape,
    PauseView,
    QuotaView,
    decision_row,
    decision_view,
    quota_view,
)
from aforo.kit.wire import Page

_ROW: Final = {
    "decisionId": "dec_hYH1cQ",
    "at": "2026-11-22T12:00:00.000Z",
    "customerId": "cust_01k9q3",
    "product": "prod_01k9q3",
    "metric": "api_calls",
    "units": "1",
    "reason": "quota_exceeded",
    "status": 429,
    "enforced": True,
}
_LIST: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": {"data": [_ROW], "nextCursor": None}}}}
}


def router(desk: EnforcementDesk, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/v1/decisions/{id}`, `/v1/denials`, `/api/v1/enforcement/…` and `/api/v1/products/{id}/enforcement`."""
    api = APIRouter(tags=["enforcement"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("/v1/decisions/{decision_id}", summary="Why a call was let through or refused")
    async def decision(decision_id: str, who: reader) -> DecisionView:
        return decision_view(decision_id, *await desk.decision(who.tenant_id, decision_id))

    @api.get(
        "/v1/denials",
        summary="List denials of the last days, newest first; with `allowed`, the sample of passes",
        responses=_LIST,
    )
    async def denials(
        who: reader,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        allowed: bool = False,
    ) -> Page[DecisionRow]:
        found = await desk.decisions(who.tenant_id, test=who.test, denied=not allowed, before=cursor, limit=limit + 1)
        following = str(found[limit - 1].number) if len(found) > limit else None
        return Page(data=[decision_row(one) for one in found[:limit]], next_cursor=following)

    @api.get(
        "/api/v1/subscriptions/{subscription_id}/quotas",
        summary="How far each quota of a subscription is used in its present period",
        responses={200: {"content": {"application/json": {"example": {"data": [QUOTA_EXAMPLE], "nextCursor": None}}}}},
    )
    async def quotas(subscription_id: str, who: reader) -> Page[QuotaView]:
        found = await desk.levels(who.tenant_id, subscription_id, test=who.test)
        return Page(data=[quota_view(one) for one in found])

    @api.get("/api/v1/enforcement", summary="Whether the kill switch is on")
    async def state(who: reader) -> PauseView:
        return await _state(desk, who)

    @api.post("/api/v1/enforcement/pause", summary="Kill switch: from now on nothing is refused, only observed")
    async def pause(who: writer) -> PauseView:
        if await desk.pause(who.tenant_id, who.actor_id):
            await accounts.note(who.tenant_id, who.actor_id, "enforcement.pause", who.tenant_id, {})
        return await _state(desk, who)

    @api.post("/api/v1/enforcement/resume", summary="Products that enforce refuse again")
    async def resume(who: writer) -> PauseView:
        if await desk.resume(who.tenant_id):
            await accounts.note(who.tenant_id, who.actor_id, "enforcement.resume", who.tenant_id, {})
        return await _state(desk, who)

    @api.get("/api/v1/products/{product_id}/enforcement", summary="Whether a product observes or enforces")
    async def mode(product_id: str, who: reader) -> ModeShape:
        return ModeShape.model_validate({"mode": await desk.mode(who.tenant_id, product_id)})

    @api.put("/api/v1/products/{product_id}/enforcement", summary="Let a product observe or enforce")
    async def set_mode(product_id: str, wanted: ModeShape, who: writer) -> ModeShape:
        before = await desk.set_mode(who.tenant_id, product_id, wanted.mode)
        if before != wanted.mode:
            detail = {"from": before, "to": wanted.mode}
            await accounts.note(who.tenant_id, who.actor_id, "product.enforcement", product_id, detail)
        return wanted

    return api


async def _state(desk: EnforcementDesk, who: Caller) -> PauseView:
    since = await desk.paused_since(who.tenant_id)
    return PauseView(paused=since is not None, since=since)
