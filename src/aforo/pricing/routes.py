"""Plans at a gateway over HTTP: preview, sync, how it stands, and the deletion guard's template."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integrations
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.errors import NotFound
from aforo.kit.jsontree import Json
from aforo.kit.wire import WireModel
from aforo.pricing import views
from aforo.pricing.service import Pricing

Key = Annotated[str, Field(max_length=2_048)]


class PricingSyncRequest(WireModel):
    """`select` names rows of the preview by key; `confirm` those among them whose dangers are accepted."""

    plan_id: Annotated[str, Field(max_length=64)]
    select: Annotated[list[Key], Field(max_length=50_000)]
    confirm: Annotated[list[Key], Field(max_length=50_000)] = Field(default_factory=list)

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"planId": "pprev_01k9q3", "select": ["plan:pro"], "confirm": ["plan:pro"]}]}
    }


def router(
    pricing: Pricing, integrations: Integrations, accounts: Accounts, jobs: Jobs, caller: CallerFor
) -> APIRouter:
    """`/api/v1/integrations/{id}/pricing` and `…/guard`."""
    api = APIRouter(prefix="/api/v1/integrations/{integration_id}", tags=["pricing"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.post(
        "/pricing/preview",
        response_model=views.PricingPreviewView,
        responses=SLOW,
        summary="Compare the plans that this gateway sells with what it holds of them",
    )
    async def preview(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            return views.to_json(views.preview_view(await pricing.preview(who.tenant_id, integration_id, report)))

        return await answer(jobs, who, "pricing.preview", "Preview pricing", work, prefer=prefer)

    @api.post(
        "/pricing/sync",
        response_model=views.PricingSyncView,
        responses=SLOW,
        summary="Write exactly what a preview showed, and read it back",
    )
    async def sync(integration_id: str, wanted: PricingSyncRequest, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            result = await pricing.sync(
                who.tenant_id,
                integration_id,
                wanted.plan_id,
                wanted.select,
                wanted.confirm,
                who.actor_id,
                report,
            )
            detail: dict[str, Json] = {one.key: one.outcome.value for one in result.results}
            await accounts.note(who.tenant_id, who.actor_id, "pricing.sync", integration_id, detail)
            return views.to_json(views.sync_view(result))

        return await answer(jobs, who, "pricing.sync", f"Sync {len(wanted.select)} plans", work, prefer=prefer)

    @api.get(
        "/pricing",
        response_model=views.PricingStateView,
        responses=SLOW,
        summary="What was synced, beside the gateway as it is now",
    )
    async def state(integration_id: str, who: reader, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            return views.to_json(views.state_view(await pricing.standing(who.tenant_id, integration_id, report)))

        return await answer(jobs, who, "pricing.state", "Compare pricing", work, prefer=prefer)

    @api.get("/guard", summary="A template by which the vendor refuses to delete what is sold")
    async def guard(integration_id: str, who: reader) -> views.DeletionGuardView:
        integration = await integrations.get(who.tenant_id, integration_id)
        document = gateways()[integration.gateway].guard()
        if document is None:
            name = integrations.manifest(integration).name
            raise NotFound(f"{name} has nothing by which it could refuse to delete what is sold.")
        return views.guard_view(document)

    return api
