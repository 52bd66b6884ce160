"""GET /v1/events/stream: events as they come, by server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from aforo.accounts import Caller, CallerFor, Scope
from aforo.usage.event_query import EventQuery, Place
from aforo.usage.query import EventLog

_PAUSE_SECONDS: Final = 0.3
_ALIVE_EVERY: Final = 50
_EXAMPLE: Final = 'id: MS4xLjMyLjA\ndata: {"id":"evt_0b5f1c2d3e4f5a6b7c8d9e0f1a","customerId":"acme"}\n\n'


def router(log: EventLog, caller: CallerFor) -> APIRouter:
    """The stream."""
    routes = APIRouter()

    @routes.get(
        "/v1/events/stream",
        summary="Follow usage events as they are received",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"example": _EXAMPLE}}}},
    )
    async def follow_events(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))],
        customer_id: Annotated[str | None, Query()] = None,
        metric: Annotated[str | None, Query()] = None,
        product: Annotated[str | None, Query()] = None,
        last_event_id: Annotated[str | None, Header(description="Go on behind this event.")] = None,
    ) -> StreamingResponse:
        """Each message is one event, oldest first, with an id to go on from. Without one the stream begins now."""
        query = EventQuery(customer_id=customer_id, metric=metric, product=product, cursor=last_event_id)
        place = await run_in_threadpool(log.start, who, query)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_messages(log, who, query, place), headers=headers, media_type="text/event-stream")

    return routes


async def _messages(log: EventLog, who: Caller, query: EventQuery, place: Place) -> AsyncIterator[bytes]:
    yield b": follows\n\n"
    quiet = 0
    while True:
        found = await run_in_threadpool(log.behind, who, query, place)
        for cursor, event in found.events:
            yield b"id: %s\ndata: %s\n\n" % (cursor.encode(), msgspec.json.encode(event))
        place = found.place
        quiet = 0 if found.events else quiet + 1
        if quiet == _ALIVE_EVERY:
            quiet = 0
            yield b": still there\n\n"
        if not found.events:
            await asyncio.sleep(_PAUSE_SECONDS)
