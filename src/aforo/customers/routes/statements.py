"""Statements over HTTP."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from aforo.accounts import Caller, CallerFor, Scope
from aforo.customers.service import Statements
from aforo.customers.statement_views import StatementDocument, StatementRow, as_csv, csv_headers, document, row_view
from aforo.kit.wire import Page

_CSV: Final = (
    "statement,subscription,customer,customer_name,plan,plan_version,period_start,period_end,time_zone,status,currency,"
    "row,name,metric,model,step,quantity,unit_price,exact,amount\r\n"
    "stmt_01k9q3_20261031t230000,sub_01k9q3,cust_01k9q3,Acme,pro,3,2026-10-31T23:00:00.000Z,2026-11-30T23:00:00.000Z,"
    "Europe/Berlin,open,EUR,total,,,,,,,,61.49\r\n"
)


def router(statements: Statements, caller: CallerFor) -> APIRouter:
    """`/api/v1/statements` and `/api/v1/subscriptions/{id}/statements`."""
    api = APIRouter(prefix="/api/v1", tags=["statements"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]

    @api.get("/subscriptions/{subscription_id}/statements", summary="A subscription's statements, newest period first")
    async def of_subscription(
        subscription_id: str,
        who: reader,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=120)] = 12,
    ) -> Page[StatementRow]:
        found, following = await statements.of_subscription(who.tenant_id, subscription_id, cursor=cursor, limit=limit)
        return Page(data=[row_view(one) for one in found], next_cursor=following)

    @api.get("/statements", summary="The statements of a month, one for each subscription")
    async def of_month(
        who: reader,
        customer_id: Annotated[str | None, Query(alias="customerId")] = None,
        period: Annotated[
            str | None,
            Query(description="The month in which the period begins, such as 2026-11; the newest without it."),
        ] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Page[StatementRow]:
        """Newest subscription first. A page may hold fewer than `limit`: not every subscription has the period."""
        found, following = await statements.of_month(
            who.tenant_id, period, customer_id=customer_id, cursor=cursor, limit=limit
        )
        return Page(data=[row_view(one) for one in found], next_cursor=following)

    @api.get(
        "/statements/{statement_id}",
        summary="One statement: lines, cap, adjustments, total, and what it was made from",
        response_model=StatementDocument,
        responses={200: {"content": {"text/csv": {"example": _CSV}}}},
    )
    async def show(
        statement_id: str, who: reader, form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json"
    ) -> StatementDocument | Response:
        """As a spreadsheet with `format=csv`: one row for each step, line, adjustment and the total."""
        told = await statements.one(who.tenant_id, statement_id)
        made = document(told, await statements.provenance(told))
        return csv_answer(made) if form == "csv" else made

    return api


def csv_answer(made: StatementDocument) -> Response:
    return Response(as_csv(made), media_type="text/csv; charset=utf-8", headers=csv_headers(made))
