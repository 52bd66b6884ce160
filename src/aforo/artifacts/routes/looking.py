"""How the artifact stands, and the proof that it works."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from aforo.accounts import Caller, CallerFor, Scope
from aforo.artifacts import views
from aforo.artifacts.room import ArtifactsRoom
from aforo.artifacts.routes.acting import Acting
from aforo.artifacts.shapes import VerifyRequest
from aforo.jobs import SLOW, Prefer, Report, answer
from aforo.kit.jsontree import Json

_NO_CALL: Final = VerifyRequest()


def add(api: APIRouter, room: ArtifactsRoom, acting: Acting, caller: CallerFor) -> None:
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]
    verifying = room.verifying

    @api.get("", response_model=views.EnforcementView, responses=SLOW, summary="How the artifact stands")
    async def show(integration_id: str, who: reader, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            del report
            return await acting.standing(who, integration_id)

        return await answer(acting.jobs, who, "enforcement.status", "Read enforcement", work, prefer=prefer)

    @api.post(
        "/verify",
        response_model=views.VerificationView,
        responses=SLOW,
        summary="Prove that it works: read it back, and with a url have a canary call twice",
    )
    async def verify(
        integration_id: str, who: writer, wanted: VerifyRequest = _NO_CALL, prefer: Prefer = None
    ) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            told = await verifying.verify(who.tenant_id, integration_id, who.actor_id, report, wanted.url)
            detail: dict[str, Json] = {"passed": told.passed, "called": told.url is not None}
            await acting.accounts.note(who.tenant_id, who.actor_id, "artifact.verify", integration_id, detail)
            return views.to_json(views.verification_view(told))

        return await answer(acting.jobs, who, "enforcement.verify", "Verify enforcement", work, prefer=prefer)
