"""The OAuth emulator's pages on the api's own origin, so that a browser anywhere can consent there."""

from typing import Final

import httpx2
from fastapi import APIRouter, Request
from fastapi.responses import Response

from aforo.app.settings import Settings
from aforo.kit.errors import NotFound, Overloaded

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}


def router(settings: Settings) -> APIRouter:
    """`/emulated/oauth/…`; there is none where no emulator is set. Cookies and keys are not passed on."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/emulated/oauth/{path:path}", methods=["GET", "POST"])
    async def pass_on(request: Request, path: str) -> Response:
        if settings.oauth_emulator_url is None:
            raise NotFound("No OAuth emulator is set.", next_step="Set AFORO_OAUTH_EMULATOR_URL.")
        url = f"{settings.oauth_emulator_url.rstrip('/')}/{path}"
        headers = {"content-type": request.headers.get("content-type", "application/x-www-form-urlencoded")}
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
                answer = await http.request(
                    request.method, url, params=request.query_params, content=await request.body(), headers=headers
                )
        except httpx2.TransportError as fault:
            raise Overloaded(
                "The OAuth emulator does not answer.", next_step="Start it: aforo emulate oauth."
            ) from fault
        kept = {name: answer.headers[name] for name in ("location",) if name in answer.headers}
        media_type = answer.headers.get("content-type")
        return Response(answer.content, answer.status_code, {**_HEADERS, **kept}, media_type=media_type)

    return routes
