"""What is at gateways already, over HTTP: consumers to adopt, and orphans."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.credentials.service.adoption import Adoption
from aforo.credentials.service.orphans import Orphans
from aforo.credentials.shapes import Adoptions, OrphanScan
from aforo.credentials.views import (
    AdoptedView,
    ConsumersView,
    OrphanView,
    ScanView,
    consumers_view,
    orphan_view,
    scan_view,
)
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.errors import NotFound
from aforo.kit.wire import Page

IntegrationsOf = Callable[[str], Awaitable[Sequence[str]]]
"""The ids of a tenant's integrations."""
_EVERYWHERE: Final = OrphanScan()


def adoption(room: Adoption, accounts: Accounts, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/integrations/{id}/consumers`."""
    api = APIRouter(prefix="/api/v1/integrations", tags=["adoption"])
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get(
        "/{integration_id}/consumers",
        response_model=ConsumersView,
        responses=SLOW,
        summary="Existing consumers, applications and keys, each with the customer that it seems to be",
    )
    async def consumers(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            found = await room.consumers(who.tenant_id, integration_id, report)
            return consumers_view(found).model_dump(mode="json", by_alias=True)

        return await answer(jobs, who, "consumers", "Read consumers", work, prefer=prefer)

    @api.post(
        "/{integration_id}/consumers/adopt",
        status_code=201,
        response_model=AdoptedView,
        responses=SLOW,
        summary="Make subscriptions of them; nothing is changed at the gateway",
    )
    async def adopt(integration_id: str, wanted: Adoptions, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            wishes = [one.wish() for one in wanted.adopt]
            made = await room.adopt(who.tenant_id, integration_id, wishes, report)
            for subscription_id in made:
                detail = {"integrationId": integration_id}
                await accounts.note(who.tenant_id, who.actor_id, "subscription.adopt", subscription_id, detail)
            return AdoptedView(subscription_ids=made).model_dump(mode="json", by_alias=True)

        return await answer(jobs, who, "adopt", "Adopt consumers", work, prefer=prefer, status=201)

    return api


def orphans(
    room: Orphans, integrations_of: IntegrationsOf, accounts: Accounts, jobs: Jobs, caller: CallerFor
) -> APIRouter:
    """`/api/v1/orphans`."""
    api = APIRouter(prefix="/api/v1/orphans", tags=["orphans"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("", summary="Objects with Aforo's mark that no record explains, as last scanned")
    async def all_(who: reader) -> Page[OrphanView]:
        return Page(data=[orphan_view(one) for one in await room.all(who.tenant_id)])

    @api.post("/scan", response_model=ScanView, responses=SLOW, summary="Look for orphans at gateways")
    async def scan(who: writer, where: OrphanScan = _EVERYWHERE, prefer: Prefer = None) -> JSONResponse:
        places = list(await integrations_of(who.tenant_id))
        if one := where.integration_id:
            if one not in places:
                raise NotFound(f"There is no integration {one}.", next_step="List them: GET /api/v1/integrations.")
            places = [one]

        async def work(report: Report) -> dict[str, Any]:
            found = await room.scan(who.tenant_id, places, report)
            return scan_view(found).model_dump(mode="json", by_alias=True)

        return await answer(jobs, who, "orphans", "Look for orphans", work, prefer=prefer)

    @api.delete("/{orphan_id}", status_code=204, summary="Delete an orphan at its gateway")
    async def remove(orphan_id: str, who: writer) -> None:
        await room.remove(who.tenant_id, orphan_id)
        await accounts.note(who.tenant_id, who.actor_id, "orphan.remove", orphan_id, {})

    return api
