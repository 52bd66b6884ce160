"""Products over HTTP: discover, preview, import. Drift and its answers stand in drift_routes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.catalog import views
from aforo.catalog.service import Catalog, ImportResult
from aforo.jobs import SLOW, Jobs, Prefer, Report, answer
from aforo.kit.jsontree import Json
from aforo.kit.wire import Page, WireModel


class PreviewRequest(WireModel):
    integration_id: Annotated[str, Field(max_length=views.LONGEST_ID)]

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"integrationId": "int_01k9q3"}]}}


class ImportRequest(WireModel):
    """`select` names rows by `key` where a row has one, else by `ref`."""

    plan_id: Annotated[str, Field(max_length=views.LONGEST_ID)]
    select: Annotated[list[Annotated[str, Field(max_length=views.LONGEST_NAME)]], Field(max_length=200_000)]

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"planId": "prev_01k9q3", "select": ["payments-v2", "search"]}]}
    }


class ProductPatch(WireModel):
    monetized: bool


def router(catalog: Catalog, accounts: Accounts, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/products`. What its jobs found is captured configuration: from here on, results are kept sealed."""
    jobs.seal_results(catalog.vault.seal_result, catalog.vault.open_result)
    api = APIRouter(prefix="/api/v1/products", tags=["products"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get(
        "/discover",
        response_model=views.DiscoveryView,
        responses=SLOW,
        summary="Products at the gateway that are not yet in Aforo",
    )
    async def discover(
        who: writer, integration_id: Annotated[str, Query(alias="integrationId")], prefer: Prefer = None
    ) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            return views.to_json(views.discovery_view(await catalog.discover(who.tenant_id, integration_id, report)))

        return await answer(jobs, who, "discover", "Discover products", work, prefer=prefer)

    @api.post(
        "/preview",
        response_model=views.PreviewView,
        responses=SLOW,
        summary="Compare everything at the gateway with the record",
    )
    async def preview(wanted: PreviewRequest, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            saved = await catalog.preview(who.tenant_id, wanted.integration_id, who.actor_id, report)
            return views.to_json(views.preview_view(saved))

        return await answer(jobs, who, "preview", "Preview changes", work, prefer=prefer)

    @api.get("/previews/{plan_id}", summary="A stored preview")
    async def show_preview(plan_id: str, who: reader) -> views.PreviewView:
        return views.preview_view(await catalog.saved_preview(who.tenant_id, plan_id))

    @api.post(
        "/import",
        response_model=views.ImportView,
        responses=SLOW,
        summary="Import exactly what a preview showed",
    )
    async def import_(wanted: ImportRequest, who: writer, prefer: Prefer = None) -> JSONResponse:
        async def work(_: Report) -> dict[str, Any]:
            done = await catalog.import_(who.tenant_id, wanted.plan_id, wanted.select, who.actor_id)
            detail: dict[str, Json] = {
                "planId": wanted.plan_id,
                "created": len(done.created),
                "updated": len(done.updated),
            }
            await accounts.note(who.tenant_id, who.actor_id, "products.import", wanted.plan_id, detail)
            return views.to_json(_imported(done))

        return await answer(jobs, who, "import", f"Import {len(wanted.select)} products", work, prefer=prefer)

    @api.get("", summary="List products, those that differ first")
    async def products(
        who: reader,
        integration_id: Annotated[str | None, Query(alias="integrationId")] = None,
        q: Annotated[str | None, Query(description="words in the name")] = None,
        drifted: bool | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[views.ProductView]:
        rows, following = await catalog.products(
            who.tenant_id, integration_id=integration_id, words=q, drifted=drifted, cursor=cursor, limit=limit
        )
        return Page(data=[views.product_view(row) for row in rows], next_cursor=following)

    @api.get("/{product_id}", summary="One product")
    async def show(product_id: str, who: reader) -> views.ProductView:
        return views.product_view(await catalog.product(who.tenant_id, product_id))

    @api.patch("/{product_id}", summary="Mark a product as monetized, or not")
    async def change(product_id: str, patch: ProductPatch, who: writer) -> views.ProductView:
        return views.product_view(await catalog.monetize(who.tenant_id, product_id, monetized=patch.monetized))

    @api.delete("/{product_id}", status_code=204, summary="Forget a product; the gateway is not touched")
    async def remove(product_id: str, who: writer) -> None:
        await catalog.remove(who.tenant_id, product_id)
        await accounts.note(who.tenant_id, who.actor_id, "product.remove", product_id, {})

    return api


def _imported(done: ImportResult) -> views.ImportView:
    return views.ImportView(
        created=[views.product_view(row) for row in done.created],
        updated=[views.product_view(row) for row in done.updated],
        untouched=list(done.untouched),
    )
