"""Drift over HTTP: compare now, restore, accept, ignore; versions and episodes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.catalog import views
from aforo.catalog.drift import DriftWatch
from aforo.catalog.service import Catalog
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.errors import NotFound
from aforo.kit.jsontree import Json
from aforo.kit.wire import Page, WireModel

Name = Annotated[str, Field(max_length=views.LONGEST_NAME)]


class RestoreRequest(WireModel):
    """`version` restores an older record; `remove` ticks children added by others; `observed` guards against races."""

    dry_run: bool = False
    version: Annotated[int | None, Field(ge=1, le=views.HIGHEST_VERSION)] = None
    remove: Annotated[list[Name], Field(max_length=10_000)] = Field(default_factory=list)
    observed: Name | None = None


class AcceptRequest(WireModel):
    observed: Name | None = None


class IgnoreRequest(WireModel):
    path: Name
    ignored: bool = True

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"path": "/plugin/rate-limiting@payments-v2/config/minute"}]}
    }


def router(catalog: Catalog, watch: DriftWatch, accounts: Accounts, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/products/{id}/drift` and what answers it."""
    api = APIRouter(prefix="/api/v1/products", tags=["drift"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get(
        "/{product_id}/drift",
        response_model=views.DriftViewOut,
        responses=SLOW,
        summary="Read the product at its gateway now, and compare",
    )
    async def drift(product_id: str, who: reader, prefer: Prefer = None) -> JSONResponse:
        async def work(_: Report) -> dict[str, Any]:
            return views.to_json(views.drift_view(await watch.look(who.tenant_id, product_id)))

        return await answer(jobs, who, "drift", "Compare a product", work, prefer=prefer)

    @api.post(
        "/{product_id}/restore",
        response_model=views.RestoreView,
        responses=SLOW,
        summary="Bring the gateway back to the record, or to an older version of it",
    )
    async def restore(product_id: str, wanted: RestoreRequest, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            result = await watch.restore(
                who.tenant_id,
                product_id,
                who.actor_id,
                dry_run=wanted.dry_run,
                version=wanted.version,
                remove=frozenset(wanted.remove),
                observed=wanted.observed,
                progress=report,
            )
            if not wanted.dry_run:
                detail: dict[str, Json] = {"steps": len(result.steps)}
                await accounts.note(who.tenant_id, who.actor_id, "product.restore", product_id, detail)
            return views.to_json(views.restore_view(result))

        return await answer(jobs, who, "restore", "Restore to gateway", work, prefer=prefer)

    @api.post("/{product_id}/accept", summary="Take the gateway's version as the new record")
    async def accept(product_id: str, wanted: AcceptRequest, who: writer) -> views.ProductView:
        row = await watch.accept(who.tenant_id, product_id, who.actor_id, wanted.observed)
        await accounts.note(who.tenant_id, who.actor_id, "product.accept", product_id, {"version": row.record_version})
        return views.product_view(await catalog.product(who.tenant_id, product_id))

    @api.post("/{product_id}/ignore", summary="Leave one path out of every later comparison, or take it in again")
    async def ignore(product_id: str, wanted: IgnoreRequest, who: writer) -> views.ProductView:
        row = await watch.ignore(who.tenant_id, product_id, wanted.path, ignored=wanted.ignored)
        await accounts.note(who.tenant_id, who.actor_id, "product.ignore", product_id, {"path": wanted.path})
        return views.product_view(row)

    @api.get("/{product_id}/export", summary="The record as the vendor's own file, for a gateway managed elsewhere")
    async def export(product_id: str, who: reader) -> views.DocumentView:
        document = await catalog.export(who.tenant_id, product_id)
        if document is None:
            raise NotFound("This gateway has no declarative file format.", next_step="Restore from Aforo instead.")
        return views.DocumentView(filename=document.filename, media_type=document.media_type, text=document.text)

    @api.get("/{product_id}/versions", summary="The recorded versions, newest first")
    async def versions(product_id: str, who: reader) -> Page[views.VersionView]:
        return Page(data=[views.version_view(row) for row in await catalog.versions(who.tenant_id, product_id)])

    @api.get("/{product_id}/episodes", summary="Drift episodes, newest first")
    async def episodes(product_id: str, who: reader) -> Page[views.EpisodeView]:
        await catalog.product(who.tenant_id, product_id)
        return Page(data=[views.episode_view(one) for one in await watch.episodes(who.tenant_id, product_id)])

    return api
