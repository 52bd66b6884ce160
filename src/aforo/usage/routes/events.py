"""GET /v1/events."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from aforo.accounts import Caller, CallerFor, Scope, TenantMismatch
from aforo.usage.event_query import MAX_LIMIT, EventQuery
from aforo.usage.query import EventLog
from aforo.usage.routes.moments import moment_ns

_EXAMPLE: Final = {
    "data": [
        {
            "id": "evt_0b5f1c2d3e4f5a6b7c8d9e0f1a",
            "customerId": "acme",
            "metricName": "api_calls",
            "quantity": "1",
            "occurredAt": "2026-11-22T12:00:00.000Z",
            "receivedAt": "2026-11-22T12:00:00.412Z",
            "late": False,
            "idempotencyKey": "kong-1:42",
            "productType": "API",
            "endpointPath": "/v1/pay",
            "httpMethod": "POST",
            "statusCode": 200,
            "metadata": {},
        }
    ],
    "nextCursor": None,
}


def router(events: EventLog, caller: CallerFor) -> APIRouter:
    """`GET /v1/events`."""
    routes = APIRouter()
    reader = caller(Scope.USAGE_READ)

    @routes.get(
        "/v1/events",
        summary="List usage events, newest received first",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    def list_events(
        who: Annotated[Caller, Depends(reader)],
        tenant_id: Annotated[str | None, Query(description="Optional; must be the key's own, by id or slug.")] = None,
        customer_id: Annotated[str | None, Query()] = None,
        metric: Annotated[str | None, Query()] = None,
        product: Annotated[str | None, Query(description="An Aforo id or the gateway's own name.")] = None,
        since: Annotated[str | None, Query(alias="from", description="Occurred at or after; RFC 3339.")] = None,
        until: Annotated[str | None, Query(alias="to", description="Occurred before; RFC 3339.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
        cursor: Annotated[str | None, Query(description="`nextCursor` of the page before.")] = None,
    ) -> Response:
        """Events are visible at most one second after their 202. A page may be shorter than `limit` and still have a
        `nextCursor`; only a null `nextCursor` ends the list."""
        if tenant_id is not None and not who.is_tenant(tenant_id):
            raise TenantMismatch("The request names a tenant that is not the key's.")
        query = EventQuery(
            customer_id=customer_id,
            metric=metric,
            product=product,
            from_ns=moment_ns(since, "from"),
            to_ns=moment_ns(until, "to"),
            limit=limit,
            cursor=cursor,
        )
        return Response(msgspec.json.encode(events.page(who, query)), media_type="application/json")

    return routes
