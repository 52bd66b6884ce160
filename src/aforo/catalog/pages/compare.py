"""`/products/{id}/compare`: record and gateway side by side, read now."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.catalog.drift import DriftView
from aforo.catalog.pages import fields, sides
from aforo.catalog.pages.parts import Parts
from aforo.catalog.pages.product import heading
from aforo.gateway_sdk.errors import GatewayError
from aforo.kit.errors import Conflict

_REASONS = 40


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/products/{product_id}/compare")
    async def compare(request: Request, product_id: str, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        row = await parts.catalog.product(tenant_id, product_id)
        try:
            view = await parts.watch.look(tenant_id, product_id)
        except (GatewayError, Conflict) as fault:
            episode = await parts.watch.episode(tenant_id, row)
            known = [fields.shown(change) for change in episode.changes[:50]] if episode else []
            told = await heading(parts, session, row)
            return parts.render("catalog/compare_failed.html", request, **told, lack=fault, lines=known)
        told = await heading(parts, session, view.product)
        return parts.render("catalog/compare.html", request, **told, **_compared(view))


def _compared(view: DriftView) -> dict[str, Any]:
    difference = view.difference
    skipped = difference.skipped
    return {
        "gone": view.live is None,
        "count": sum(1 for change in difference.changes if change.counts),
        "lines": sides.lines(view.recorded, view.live, difference) if view.live else [],
        "ignored": {
            "words": f"{len(skipped):,} field{'' if len(skipped) == 1 else 's'}.",
            "reasons": [f"{one.path}: {one.why}" for one in skipped[:_REASONS]],
        }
        if skipped
        else None,
    }
