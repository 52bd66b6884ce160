"""The edge's paths on the api's origin, for clients that know one URL only: the same bytes, one hop further."""

from typing import Final

import httpx2
from fastapi import APIRouter, Request
from fastapi.responses import Response

from aforo.app.edge.handlers import INGEST_PATHS
from aforo.app.place import near, origin
from aforo.app.settings import Settings
from aforo.kit.errors import Overloaded

_PASSED_ON: Final = (
    "authorization",
    "x-api-key",
    "x-aforo-key",
    "x-tenant-id",
    "content-type",
    "content-encoding",
)


def router(settings: Settings) -> APIRouter:
    """POST to any ingest path; 503 when the edge does not answer, so that clients keep their events."""
    routes = APIRouter(include_in_schema=False)
    place = origin(near(settings.host), settings.edge_port)
    edge = httpx2.AsyncClient(base_url=place, trust_env=False, timeout=30)

    async def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        body = await request.body()
        try:
            answer = await edge.post(request.url.path, content=body, headers=headers, params=request.query_params)
        except httpx2.TransportError as fault:
            raise Overloaded(
                "The edge does not answer; nothing was accepted.", next_step="Send the same events again."
            ) from fault
        kept = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
        return Response(answer.content, answer.status_code, kept, media_type=answer.headers.get("content-type"))

    for path in sorted(INGEST_PATHS):
        routes.add_api_route(path, forward, methods=["POST"])
    return routes
