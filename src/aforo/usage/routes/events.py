"""GET /v1/events."""

import re
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from aforo.accounts import Caller, Scope, TenantMismatch
from aforo.kit.errors import Invalid
from aforo.usage.model import Refused
from aforo.usage.query import MAX_LIMIT, EventLog, EventQuery
from aforo.usage.rules.moment import from_number, from_text

_PLUS_LOST: Final = re.compile(r" (\d\d:\d\d)$")  # an offset's `+` that was not percent-encoded
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


def router(events: EventLog, caller: Callable[[Scope], Callable[..., object]]) -> APIRouter:
    """`caller(scope)` gives a dependency that yields the Caller or raises."""
    routes = APIRouter(tags=["usage"])
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
            from_ns=_moment(since, "from"),
            to_ns=_moment(until, "to"),
            limit=limit,
            cursor=cursor,
        )
        return Response(msgspec.json.encode(events.page(who, query)), media_type="application/json")

    return routes


def _moment(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        return from_number(text) if text.lstrip("-").isdigit() else from_text(_PLUS_LOST.sub(r"+\1", text))
    except Refused:
        fault = ((f"/{name}", "must be RFC 3339 with an offset, or epoch milliseconds"),)
        raise Invalid(f"`{name}` is not a time that can be read.", fault) from None
