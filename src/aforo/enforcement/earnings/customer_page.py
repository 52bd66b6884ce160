"""`/margin/{customer}`: why this customer earns or loses money."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.enforcement.earnings.customer import CustomerMargin
from aforo.enforcement.earnings.reading import CustomerMargins
from aforo.enforcement.earnings.spans import SPANS
from aforo.enforcement.earnings.table import money
from aforo.kit.pages import PageRender, counting
from aforo.kit.patience import PAGE_SECONDS, StillCounting

_LABELS: Final = 5
_PARTS: Final = 50


def add_customer(pages: APIRouter, customers: CustomerMargins, visitor: VisitorFor, render: PageRender) -> None:
    reader = Annotated[Session, Depends(visitor(Scope.CONTROL_READ))]

    @pages.get("/margin/{customer_id}")
    async def show(request: Request, customer_id: str, session: reader, span: str = "month") -> Response:
        asked = span if span in SPANS else "month"
        try:
            answer = await customers.read(session.caller.tenant_id, customer_id, asked, PAGE_SECONDS)
        except StillCounting:
            return counting(render, request, "Margin")
        found, figures = answer.margin, answer.margin.figures
        labels = [_label(one, asked) for one in figures.span.buckets]
        return render(
            "enforcement/margin_customer.html",
            request,
            one=answer.customer,
            found=found,
            figures=figures,
            line=found.line,
            parts=found.parts[:_PARTS],
            hidden=max(0, len(found.parts) - _PARTS),
            subscriptions=answer.subscriptions,
            names=answer.names,
            asked=asked,
            spans=SPANS,
            curves=_curves(found),
            labels=labels,
            axis=_few(labels),
        )


def _curves(found: CustomerMargin) -> list[tuple[str, list[float | None], str]]:
    """Revenue and cost by day; one of which nothing is known is not drawn."""
    both = (
        ("Revenue", [_figure(money(day.revenue)) for day in found.days], "money"),
        ("Cost", [_figure(money(day.cost)) for day in found.days], "2"),
    )
    return [(name, values, ink) for name, values, ink in both if any(value is not None for value in values)]


def _figure(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _label(moment: datetime, span: str) -> str:
    return f"{moment:%H:%M}" if span == "today" else f"{moment.day} {moment:%b}"


def _few(labels: list[str]) -> list[str]:
    places = min(_LABELS, len(labels))
    if places < 2:
        return labels
    return list(dict.fromkeys(labels[round(place * (len(labels) - 1) / (places - 1))] for place in range(places)))
