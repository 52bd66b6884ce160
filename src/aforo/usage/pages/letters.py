"""`/dead-letters`: what was not counted, and why; and sending it once more when the reason is gone."""

import json
from collections import Counter
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Scope, Session
from aforo.kit.clock import from_rfc3339
from aforo.kit.errors import AforoError
from aforo.kit.jsontree import Json
from aforo.usage.commands import EdgeLink
from aforo.usage.dead_letters import DeadLetters, Letter, LetterQuery, Replayed
from aforo.usage.pages.parts import Parts

_ROWS: Final = 100
_COUNTED: Final = 10_000
_WAY_OUT: Final = {
    "unknown_metric": "Define the metric, then replay.",
    "idempotency_conflict": "The same key came with another content; the first one counts. Mend the sender.",
    "timestamp_in_future": "The sender's clock is ahead. Set it right; later events will pass.",
    "too_late": "Over 90 days old. It can only be booked by hand.",
    "customer_mismatch": "The key is bound to another customer. Use that customer's key.",
}


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.USAGE_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    letters, edge = DeadLetters(parts.data_dir / "deadletters.db"), EdgeLink(parts.data_dir)

    async def page(
        request: Request, session: Session, code: str, cursor: str, done: Replayed | None, failed: str, status: int
    ) -> Response:
        every = await run_in_threadpool(letters.page, session.caller, LetterQuery(None, _COUNTED))
        query = LetterQuery(code or None, _ROWS + 1, cursor or None)
        found = await run_in_threadpool(letters.page, session.caller, query)
        counts = Counter(one.code for one in every)
        shown = found[:_ROWS]
        return parts.render(
            "usage/dead_letters.html",
            request,
            status=status,
            rows=[_row(one) for one in shown],
            counts=dict(counts.most_common()),
            total=len(every),
            many=len(every) == _COUNTED,
            code=code,
            ways={name: _WAY_OUT[name] for name in counts if name in _WAY_OUT},
            older=_address(code, shown[-1].id) if len(found) > _ROWS else "",
            is_first=not cursor,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
            done=done,
            failed=failed,
        )

    @pages.get("/dead-letters")
    async def show(request: Request, session: reader, code: str = "", cursor: str = "") -> Response:
        return await page(request, session, code, cursor, None, "", 200)

    @pages.post("/dead-letters/replay")
    async def replay(request: Request, session: writer, code: Annotated[str, Form()] = "") -> Response:
        who = session.caller
        try:
            done = await edge.ask(Replayed, "replay", caller=msgspec.to_builtins(who), ids=None, code=code or None)
        except AforoError as fault:
            return await page(request, session, code, "", None, fault.detail, 503)
        told: dict[str, Json] = {"code": code or None, "accepted": done.accepted, "failed": done.failed}
        await parts.accounts.note(who.tenant_id, who.actor_id, "dead_letters.replay", code or "all", told)
        return await page(request, session, code, "", done, "", 200)


def _row(letter: Letter) -> dict[str, Any]:
    event = json.loads(bytes(letter.event)) if letter.event is not None else None
    told = event if isinstance(event, dict) else {}
    return {
        "id": letter.id,
        "code": letter.code,
        "error": letter.error,
        "at": from_rfc3339(letter.received_at),
        "times": letter.times,
        "customer": told.get("customerId"),
        "metric": told.get("metricName"),
        "quantity": told.get("quantity"),
        "json": msgspec.json.format(bytes(letter.event), indent=2).decode() if letter.event is not None else "",
    }


def _address(code: str, cursor: str) -> str:
    return "/dead-letters?" + urlencode({name: value for name, value in (("code", code), ("cursor", cursor)) if value})
