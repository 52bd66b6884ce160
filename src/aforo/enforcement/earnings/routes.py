"""`GET /api/v1/margin`: who loses money, and why."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Caller, CallerFor, Scope
from aforo.enforcement.earnings.customer_views import CUSTOMER_EXAMPLE, CustomerMarginView, customer_view
from aforo.enforcement.earnings.reading import Asked, CustomerMargins, MarginTables
from aforo.enforcement.earnings.views import EXAMPLE, MarginPage, margin_page

By = Literal["customer", "plan", "product"]
SpanName = Literal["today", "7d", "30d", "month"]
Sort = Literal[
    "margin", "-margin", "share", "-share", "revenue", "-revenue", "cost", "-cost", "calls", "-calls",
    "refused", "-refused", "name", "-name",
]  # fmt: skip
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}

_CUSTOMER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": CUSTOMER_EXAMPLE}}}
}


def router(tables: MarginTables, customers: CustomerMargins, caller: CallerFor) -> APIRouter:
    """The table, and one customer of it."""
    api = APIRouter(tags=["enforcement"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]

    @api.get("/api/v1/margin", summary="Revenue, cost and margin by customer, plan or product", responses=_ANSWER)
    async def margin(
        who: reader,
        by: By = "customer",
        span: SpanName = "month",
        sort: Annotated[Sort, Query(description="A leading minus puts the greatest first.")] = "margin",
        q: Annotated[str, Query(max_length=200, description="Part of the name, or how the id begins.")] = "",
        losing: Annotated[bool, Query(description="Only those that cost more than they bring.")] = False,
        cursor: Annotated[int, Query(ge=0, le=10**7)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> MarginPage:
        figures, lines, _ = await tables.read(who.tenant_id, Asked(by, span, sort, q, losing))
        following = str(cursor + limit) if len(lines) > cursor + limit else None
        return margin_page(figures, by, lines[cursor : cursor + limit], following)

    @api.get("/api/v1/margin/{customer_id}", summary="Why one customer earns or loses money", responses=_CUSTOMER)
    async def of_customer(customer_id: str, who: reader, span: SpanName = "month") -> CustomerMarginView:
        return customer_view(await customers.read(who.tenant_id, customer_id, span))

    return api
