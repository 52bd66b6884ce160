"""`/completeness`: is everything there that gateways numbered, or where is the hole?"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Scope, Session
from aforo.kit.clock import from_rfc3339
from aforo.usage.completeness import CompletenessLog, NodeCertificate
from aforo.usage.pages.parts import SPANS, Parts, chosen_span, nanoseconds, span_words

_HOLES: Final = 50


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.USAGE_READ))]
    log = CompletenessLog(parts.data_dir)

    @pages.get("/completeness")
    async def show(request: Request, session: reader, span: str = "day", customer: str = "") -> Response:
        span, now = chosen_span(span, "day"), parts.clock.now()
        period = (nanoseconds(now - SPANS[span]), nanoseconds(now))
        told = await run_in_threadpool(log.certificate, session.caller, customer.strip() or None, period)
        holes = [hole for node in told.nodes for hole in _holes(node)]
        return parts.render(
            "usage/completeness.html",
            request,
            told=told,
            nodes=[{"id": f"{one.node} {one.epoch}", **_node(one)} for one in told.nodes],
            holes=holes[:_HOLES],
            hidden=max(0, len(holes) - _HOLES),
            span=span,
            spans={name: span_words(name) for name in SPANS},
            customer=customer.strip(),
        )


def _node(node: NodeCertificate) -> dict[str, Any]:
    return {
        "node": node.node,
        "epoch": node.epoch,
        "received": node.received,
        "missing": node.missing_count,
        "duplicates": node.duplicates,
    }


def _holes(node: NodeCertificate) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{node.node}-{node.epoch}-{hole.first}",
            "node": node.node,
            "epoch": node.epoch,
            "numbers": f"{hole.first:,}" if hole.first == hole.last else f"{hole.first:,} to {hole.last:,}",
            "count": hole.last - hole.first + 1,
            "after": from_rfc3339(hole.after) if hole.after else None,
            "before": from_rfc3339(hole.before),
        }
        for hole in node.missing
    ]
