"""`/events`: what just happened, newest first, and each event whole."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Scope, Session
from aforo.kit.clock import from_rfc3339
from aforo.kit.errors import AforoError
from aforo.usage.event_query import EventQuery
from aforo.usage.pages.parts import SPANS, Names, Parts, chosen_span, nanoseconds, span_words
from aforo.usage.query import EventPage

_ROWS: Final = 100
_NOTHING: Final = EventPage([], None)


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.USAGE_READ))]

    @pages.get("/events")
    async def show(
        request: Request,
        session: reader,
        customer: str = "",
        metric: str = "",
        product: str = "",
        span: str = "day",
        cursor: str = "",
    ) -> Response:
        now, span = parts.clock.now(), chosen_span(span, "day")
        chosen = {"customer": customer.strip(), "metric": metric.strip(), "product": product.strip()}
        query = EventQuery(
            chosen["customer"] or None,
            chosen["metric"] or None,
            chosen["product"] or None,
            nanoseconds(now - SPANS[span]),
            None,
            _ROWS,
            cursor or None,
        )
        failed = ""
        try:
            page = await run_in_threadpool(parts.log.page, session.caller, query)
        except AforoError as fault:
            page, failed = _NOTHING, fault.detail
        names = await parts.names(session.caller.tenant_id)
        return parts.render(
            "usage/events.html",
            request,
            rows=[_row(event, names) for event in page.data],
            chosen=chosen,
            chips=_chips(chosen, span),
            span=span,
            spans={name: span_words(name) for name in SPANS},
            is_first=not cursor,
            newest=_address(chosen, span),
            older=_address(chosen, span, cursor=page.next_cursor) if page.next_cursor else "",
            failed=failed,
        )


def _row(event: dict[str, Any], names: Names) -> dict[str, Any]:
    occurred: datetime = from_rfc3339(event["occurredAt"])
    product = event.get("productId") or event.get("product") or ""
    credential = event.get("credential") or {}
    return {
        "id": event["id"],
        "at": occurred,
        "millis": f"{occurred.microsecond // 1000:03}",
        "customer": names.customers.get(event["customerId"], event["customerId"]),
        "known": event["customerId"] in names.customers,
        "product": names.products.get(product, product),
        "metric": event["metricName"],
        "quantity": event["quantity"],
        "status": event.get("statusCode"),
        "key": str(credential.get("nativeId", ""))[-4:],
        "late": event.get("late", False),
        "json": msgspec.json.format(msgspec.json.encode(event), indent=2).decode(),
    }


def _chips(chosen: dict[str, str], span: str) -> list[tuple[str, str]]:
    return [
        (f"{name.capitalize()} is {value}", _address({**chosen, name: ""}, span))
        for name, value in chosen.items()
        if value
    ]


def _address(chosen: dict[str, str], span: str, **more: str) -> str:
    told = {**chosen, "span": span, **more}
    return "/events?" + urlencode({name: value for name, value in told.items() if value})
