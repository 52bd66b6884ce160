"""`/search?q=`: what the palette shows, as a page. Pasting a whole id opens the thing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.app.search.finding import LONGEST, find
from aforo.app.wiring import Rooms
from aforo.kit.pages import PageRender


def router(rooms: Rooms, visitor: VisitorFor, render: PageRender) -> APIRouter:
    """The page."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/search")
    async def search(
        request: Request,
        session: Annotated[Session, Depends(visitor(Scope.CONTROL_READ))],
        q: Annotated[str, Query(max_length=LONGEST)] = "",
    ) -> Response:
        q = q.strip()
        kinds = await find(rooms, session.caller.tenant_id, q)
        exact = next((hit for kind in kinds for hit in kind.hits if hit.id == q), None)
        if exact is not None:
            return RedirectResponse(exact.href, 303)
        count = sum(len(kind.hits) for kind in kinds)
        more = any(kind.more for kind in kinds)
        return render("shell/search.html", request, q=q, kinds=kinds, count=count, more=more)

    return pages
