"""The edge's paths on the api's origin, for clients that know one URL only: the same bytes, one hop further."""

from typing import Final

import httpx2
from fastapi import APIRouter, Request
from fastapi.responses import Response

from aforo.accounts import presented_key
from aforo.app.edge import forwarded
from aforo.app.edge.operations import OPERATIONS
from aforo.app.place import near, origin
from aforo.app.settings import Settings
from aforo.kit.errors import Overloaded, Unauthenticated

_PASSED_ON: Final = (
    "authorization",
    "x-api-key",
    "x-aforo-key",
    "x-tenant-id",
    "x-product-id",
    "content-type",
    "content-encoding",
)
_WITHOUT_KEY: Final = "/internal/"
_PASSED_BACK: Final = ("retry-after", "www-authenticate", "allow")
_SECONDS: Final = 30.0  # more than the longest wait for changes
_CONNECTIONS: Final = httpx2.Limits(max_connections=1_000, max_keepalive_connections=50)


def router(settings: Settings) -> APIRouter:
    """503 when the edge does not answer, so that clients keep their events."""
    routes = APIRouter(include_in_schema=False)
    place = origin(near(settings.host), settings.edge_port)
    edge = httpx2.AsyncClient(trust_env=False, timeout=_SECONDS, limits=_CONNECTIONS)

    async def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        if not presented_key(headers) and not request.url.path.startswith(_WITHOUT_KEY):
            raise Unauthenticated("The API key is missing.", next_step="Send it as `Authorization: Bearer <key>`.")
        body = await request.body()
        try:
            headers[forwarded.HEADER] = forwarded.said(settings.data_dir, request.client.host if request.client else "")
            answer = await edge.request(request.method, place + _target(request), content=body, headers=headers)
        except (httpx2.TransportError, OSError) as fault:
            raise Overloaded(
                "The edge does not answer; nothing was accepted.", next_step="Send the same request again."
            ) from fault
        kept = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, kept, media_type=answer.headers.get("content-type"))

    for one in OPERATIONS:
        routes.add_api_route(one.path, forward, methods=[one.method])
    return routes


def _target(request: Request) -> str:
    """Path and query as they came, nothing decoded."""
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{path.partition('?')[0]}?{query}" if query else path.partition("?")[0]
