"""`/settings/events`: for how long events are kept whole, and erasing a customer's."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.jobs import PAGE_PATIENCE_SECONDS, Jobs, Report, onward
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender
from aforo.usage.keeping import LEAST_DAYS, Keeping

_HERE = "/settings/events"


@dataclass(frozen=True, slots=True)
class KeepingParts:
    """What these pages are given."""

    keeping: Keeping
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender


def router(parts: KeepingParts) -> APIRouter:
    """For administrators."""
    pages = APIRouter(include_in_schema=False)
    admin = Annotated[Session, Depends(parts.visitor(Scope.ADMIN))]

    async def page(request: Request, session: Session, status: int = 200, **told: str) -> Response:
        found = await parts.keeping.retention(session.caller.tenant_id)
        told = {"days": "" if found.days is None else str(found.days), "error": "", "erase_error": "", **told}
        return parts.render(
            "usage/keeping.html", request, status=status, kept=found, least=LEAST_DAYS, admin=True, **told
        )

    @pages.get(_HERE)
    async def show(request: Request, session: admin, done: str = "", events: int = 0, letters: int = 0) -> Response:
        words = {
            "kept": "That is how long events are kept whole from now on.",
            "erased": f"{_some(events, 'event')} reduced, {_some(letters, 'dead letter')} removed.",
        }
        return await page(request, session, done=words.get(done, ""))

    @pages.post(_HERE)
    async def keep(request: Request, session: admin, days: Annotated[str, Form()] = "") -> Response:
        told = days.strip()
        try:
            if told and not (told.isascii() and told.isdigit()):
                raise Invalid("That is no number of days.", (("/days", "is a whole number"),))
            number = int(told) if told else None
            await parts.keeping.keep(session.caller.tenant_id, number, session.person.id)
        except Invalid as fault:
            return await page(request, session, 422, days=days, error=str(fault))
        return RedirectResponse(f"{_HERE}?done=kept", 303)

    @pages.get(f"{_HERE}/erase")
    async def ask(request: Request, session: admin, customer: str = "") -> Response:
        if not (customer := customer.strip()):
            return await page(request, session, 422, erase_error="Whose events? Name the customer.")
        return parts.render("usage/erase.html", request, customer=customer, error="")

    @pages.post(f"{_HERE}/erase")
    async def erase(
        request: Request, session: admin, customer: Annotated[str, Form()], typed_name: Annotated[str, Form()] = ""
    ) -> Response:
        if typed_name.strip() != customer:
            error = f"Nothing was erased: {customer} was not typed."
            return parts.render("usage/erase.html", request, status=422, customer=customer, error=error)

        async def work(report: Report) -> JsonObject:
            del report
            told = await parts.keeping.erase(session.caller.tenant_id, customer, session.person.id)
            return {"href": f"{_HERE}?done=erased&events={told.events}&letters={told.letters}"}

        job = await parts.jobs.follow(
            session.caller.tenant_id, "erasure", f"Erase events of {customer}", work, wait_seconds=PAGE_PATIENCE_SECONDS
        )
        return onward(job, f"{_HERE}/erase?customer={quote(customer, safe='')}")

    return pages


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
