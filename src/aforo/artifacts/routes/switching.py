"""Observe, enforce, pause and resume."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from aforo.accounts import Caller, CallerFor, Scope
from aforo.artifacts import views
from aforo.artifacts.room import ArtifactsRoom
from aforo.artifacts.routes.acting import Acting
from aforo.artifacts.shapes import EnforceRequest, PauseRequest
from aforo.jobs import SLOW, Prefer, Report

_ALL: Final = EnforceRequest()


def add(api: APIRouter, room: ArtifactsRoom, acting: Acting, caller: CallerFor) -> None:
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]
    switching = room.switching

    @api.post(
        "/enforce",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Refuse from now on what plans do not allow; see `wouldRefuse` first",
    )
    async def enforce(
        integration_id: str, who: writer, wanted: EnforceRequest = _ALL, prefer: Prefer = None
    ) -> JSONResponse:
        async def act(report: Report) -> object:
            del report
            return await switching.enforce(who.tenant_id, integration_id, who.actor_id, wanted.product_ids)

        chosen = list(wanted.product_ids or ())
        return await acting.acted(who, integration_id, "enforce", act, prefer, productIds=chosen)

    @api.post(
        "/observe",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Refuse nothing any more, and note what would have been refused",
    )
    async def observe(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def act(report: Report) -> object:
            del report
            return await switching.observe(who.tenant_id, integration_id, who.actor_id)

        return await acting.acted(who, integration_id, "observe", act, prefer)

    @api.post(
        "/pause",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Refuse nothing until somebody resumes; works while the gateway is out of reach",
    )
    async def pause(integration_id: str, who: writer, wanted: PauseRequest, prefer: Prefer = None) -> JSONResponse:
        async def act(report: Report) -> object:
            del report
            return await switching.pause(who.tenant_id, integration_id, who.actor_id, wanted.reason)

        return await acting.acted(who, integration_id, "pause", act, prefer, reason=wanted.reason)

    @api.post(
        "/resume",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Back to what was before the pause",
    )
    async def resume(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def act(report: Report) -> object:
            del report
            return await switching.resume(who.tenant_id, integration_id, who.actor_id)

        return await acting.acted(who, integration_id, "resume", act, prefer)
