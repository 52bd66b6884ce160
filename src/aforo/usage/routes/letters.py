"""GET /v1/dead-letters, POST /v1/dead-letters/replay."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from aforo.accounts import Caller, CallerFor, Scope
from aforo.kit.wire import WireModel
from aforo.usage.commands import EdgeLink
from aforo.usage.dead_letters import DeadLetters, LetterQuery, Replayed

_EXAMPLE: Final = {
    "data": [
        {
            "id": "dead_01k9q3w5x7",
            "code": "unknown_metric",
            "error": "no metric of this name is defined; define it, then send the event again",
            "receivedAt": "2026-11-22T12:00:00.412Z",
            "times": 1,
            "event": {"customerId": "acme", "metricName": "tokens", "quantity": 7, "idempotencyKey": "kong-1:42"},
        }
    ],
    "nextCursor": None,
}
_FORM: Final = {"content": {"application/json": {"example": {"code": "unknown_metric"}}}}
_REPLAYED: Final = {"accepted": 12, "duplicates": 0, "failed": 0, "errors": []}


class ReplayForm(WireModel):
    """Which letters: by id, by code, or all of them."""

    ids: list[str] | None = Field(None, max_length=10_000)
    code: str | None = None


def router(data_dir: Path, caller: CallerFor) -> APIRouter:
    """Read here, replayed by the edge."""
    routes = APIRouter()
    letters, edge = DeadLetters(data_dir / "deadletters.db"), EdgeLink(data_dir)

    @routes.get(
        "/v1/dead-letters",
        summary="List refused events with the reason, newest first",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    def list_letters(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))],
        code: Annotated[str | None, Query(description="Such as unknown_metric.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[str | None, Query(description="`nextCursor` of the page before.")] = None,
    ) -> Response:
        """An event that came several times is listed once, with its last reason. `event` is null where it could not be
        kept; such a letter cannot be replayed."""
        found = letters.page(who, LetterQuery(code, limit + 1, cursor))
        page = found[:limit]
        answer = {"data": page, "nextCursor": page[-1].id if len(found) > limit else None}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    @routes.post(
        "/v1/dead-letters/replay",
        summary="Send refused events once more",
        openapi_extra={"requestBody": _FORM},
        responses={200: {"content": {"application/json": {"example": _REPLAYED}}}},
    )
    async def replay_letters(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_INGEST))],
        form: ReplayForm | None = None,
    ) -> dict[str, Any]:
        """At most 10,000 at a time, the newest. Those that are taken, or were there already, leave the dead letters."""
        form = form or ReplayForm(ids=None, code=None)
        asked = {"caller": msgspec.to_builtins(who), "ids": form.ids, "code": form.code}
        told: dict[str, Any] = msgspec.to_builtins(await edge.ask(Replayed, "replay", **asked))
        return told

    return routes
