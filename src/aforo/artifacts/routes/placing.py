"""Putting the artifact at a gateway, and taking it away."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from aforo.accounts import Caller, CallerFor, Scope
from aforo.artifacts import views
from aforo.artifacts.room import ArtifactsRoom
from aforo.artifacts.routes.acting import Acting
from aforo.artifacts.shapes import DeployRequest, WishesShape
from aforo.jobs import SLOW, Prefer, Report, answer

_AS_BEFORE: Final = WishesShape()
_DEPLOY: Final = DeployRequest()


def add(api: APIRouter, room: ArtifactsRoom, acting: Acting, caller: CallerFor) -> None:
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]
    artifacts = room.artifacts

    @api.post(
        "/preview",
        response_model=views.ArtifactPreviewView,
        responses=SLOW,
        summary="What deploying and attaching would do; nothing is changed",
    )
    async def preview(
        integration_id: str, who: writer, wanted: WishesShape = _AS_BEFORE, prefer: Prefer = None
    ) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            del report
            told = await artifacts.preview(who.tenant_id, integration_id, wanted.wishes())
            return views.to_json(views.preview_view(told))

        return await answer(acting.jobs, who, "enforcement.preview", "Preview enforcement", work, prefer=prefer)

    @api.post(
        "/deploy",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Install the artifact without routing a call through it",
    )
    async def deploy(
        integration_id: str, who: writer, wanted: DeployRequest = _DEPLOY, prefer: Prefer = None
    ) -> JSONResponse:
        async def act(report: Report) -> object:
            return await artifacts.deploy(
                who.tenant_id, integration_id, who.actor_id, report, wanted.wishes(), rotate_key=wanted.rotate_key
            )

        return await acting.acted(who, integration_id, "deploy", act, prefer, rotateKey=wanted.rotate_key)

    @api.post(
        "/attach",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Route calls through the artifact; the first time it observes",
    )
    async def attach(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def act(report: Report) -> object:
            return await artifacts.attach(who.tenant_id, integration_id, who.actor_id, report)

        return await acting.acted(who, integration_id, "attach", act, prefer)

    @api.post(
        "/detach",
        response_model=views.EnforcementView,
        responses=SLOW,
        summary="Take the artifact away, put back what stood there, and revoke its key",
    )
    async def detach(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def act(report: Report) -> object:
            return await artifacts.detach(who.tenant_id, integration_id, who.actor_id, report)

        return await acting.acted(who, integration_id, "detach", act, prefer)
