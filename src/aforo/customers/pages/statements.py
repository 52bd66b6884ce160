"""`/statements`: can finance believe the bill? The list, and a statement from its lines to its total."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from aforo.accounts import Scope, Session
from aforo.customers.pages.parts import Parts
from aforo.customers.pages.words import exact_words, part_words
from aforo.customers.rules.currency import payable
from aforo.customers.rules.rating import PartKind
from aforo.customers.service import Told
from aforo.customers.statement_views import (
    BillingPeriodView,
    StatementDocument,
    as_csv,
    csv_headers,
    document,
    row_view,
)
from aforo.customers.terms import Model
from aforo.customers.views import LineView, PartView
from aforo.kit.errors import AforoError, Invalid
from aforo.kit.pages import counting
from aforo.kit.patience import Patience, StillCounting

_ROWS: Final = 25
_BESIDE: Final = 3
_Page = tuple[list[Told], str | None]


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    statements, patience = parts.room.statements, Patience[_Page]()

    @pages.get("/statements")
    async def list_(
        request: Request,
        session: reader,
        period: str = "",
        customer: str = "",
        subscription: str = "",
        cursor: str = "",
    ) -> Response:
        tenant_id, failed, found, following = session.caller.tenant_id, "", list[Told](), None

        async def page() -> _Page:
            if subscription:
                return await statements.of_subscription(tenant_id, subscription, cursor=cursor or None, limit=_ROWS)
            return await statements.of_month(
                tenant_id, period.strip() or None, customer_id=customer or None, cursor=cursor or None, limit=_ROWS
            )

        try:
            found, following = await patience.get((tenant_id, period, customer, subscription, cursor), page)
        except StillCounting:
            return counting(parts.render, request, "Statements")
        except Invalid as fault:
            failed = str(fault)
        asked = {"period": period.strip(), "customer": customer, "subscription": subscription}
        kept = {name: value for name, value in asked.items() if value}
        return parts.render(
            "customers/statements.html",
            request,
            status=422 if failed else 200,
            **asked,
            failed=failed,
            rows=_rows(found),
            whose=await _whose(parts, tenant_id, found, customer, subscription),
            total_words=_total_words(found),
            newer=f"/statements?{urlencode(kept)}" if cursor else "",
            older=f"/statements?{urlencode({**kept, 'cursor': following})}" if following else "",
        )

    @pages.get("/statements/{statement_id}.csv")
    async def spreadsheet(statement_id: str, session: reader) -> Response:
        made = await _document(parts, session, statement_id)
        return Response(as_csv(made), media_type="text/csv; charset=utf-8", headers=csv_headers(made))

    @pages.get("/statements/{statement_id}.json")
    async def data(statement_id: str, session: reader) -> Response:
        made = await _document(parts, session, statement_id)
        named = {"content-disposition": f'attachment; filename="{made.id}.json"', "cache-control": "no-store"}
        return JSONResponse(made.model_dump(mode="json", by_alias=True), headers=named)

    @pages.get("/statements/{statement_id}")
    async def show(request: Request, statement_id: str, session: reader) -> Response:
        made = await _document(parts, session, statement_id)
        zone = ZoneInfo(made.period.time_zone)
        return parts.render(
            "customers/statement.html",
            request,
            one=made,
            rows=_aligned(list(_lines(made))),
            period=_period_words(made.period),
            final_at=exact_words(made.final_at, zone),
            as_of=exact_words(made.as_of, zone),
            begins=exact_words(made.period.start, zone),
            ends=exact_words(made.period.end, zone),
            used_from=_maybe(made.provenance.hours_from, zone),
            used_to=_maybe(made.provenance.hours_to, zone),
        )


async def shown(parts: Parts, tenant_id: str, subscription_id: str) -> dict[str, Any]:
    """The newest of one subscription, for its page."""
    try:
        found, _ = await parts.room.statements.of_subscription(tenant_id, subscription_id, limit=_BESIDE)
    except AforoError as fault:
        return {"statements": [], "statements_failed": str(fault)}
    return {"statements": _rows(found), "statements_failed": ""}


async def shown_of_customer(parts: Parts, tenant_id: str, customer_id: str) -> dict[str, Any]:
    """The newest of each of a customer's subscriptions, for its page."""
    try:
        found, _ = await parts.room.statements.of_month(
            tenant_id, None, customer_id=customer_id, cursor=None, limit=_BESIDE
        )
    except AforoError as fault:
        return {"statements": [], "statements_failed": str(fault)}
    return {"statements": _rows(found), "statements_failed": ""}


async def _document(parts: Parts, session: Session, statement_id: str) -> StatementDocument:
    told = await parts.room.statements.one(session.caller.tenant_id, statement_id)
    return document(told, await parts.room.statements.provenance(told))


def _rows(found: Sequence[Told]) -> list[dict[str, Any]]:
    views = [row_view(told) for told in found]
    return [
        {"one": one, "period": _period_words(one.period), "state": _state(one.status, one.final_at, one.period)}
        for one in views
    ]


def _state(status: str, final_at: datetime, period: BillingPeriodView) -> str:
    return "Final" if status == "final" else f"Open until {exact_words(final_at, ZoneInfo(period.time_zone))}"


async def _whose(parts: Parts, tenant_id: str, found: Sequence[Told], customer: str, subscription: str) -> str:
    if not customer and not subscription:
        return ""
    if found:
        return found[0].customer.name
    return (await parts.room.customers.names(tenant_id)).get(customer, customer or subscription)


def _total_words(found: Sequence[Told]) -> str:
    """What those on the page come to; a tenant has one currency."""
    if not found:
        return ""
    total = sum((told.bill.total for told in found), Decimal(0))
    so_far = " so far" if any(not told.is_final for told in found) else ""
    return f"{total:,f} {found[0].bill.own.told.currency} in all{so_far}"


def _period_words(period: BillingPeriodView) -> str:
    """`November 2026`, or from which day it runs."""
    local = period.start.astimezone(ZoneInfo(period.time_zone))
    return f"{local:%B %Y}" if local.day == 1 else f"month from {local.day} {local:%B %Y}"


def _maybe(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return exact_words(moment, zone) if moment else None


def _lines(made: StatementDocument) -> Iterator[dict[str, Any]]:
    for line in made.lines:
        yield from _line(line)
    if made.spend_cap is not None or made.adjustments:
        yield _row("Subtotal", amount=_money(made.subtotal))
    if made.spend_cap is not None:
        cap = made.spend_cap
        most = payable(Decimal(cap.amount), made.currency)
        capped = f"capped at {most:,f}, {_money(cap.amount_before)} before"
        yield _row("Spend cap", gloss=cap.note or capped, amount=_money(cap.reduction) if cap.applied else "—")
    for one in made.adjustments:
        gloss = f"{one.late_events:,} late events" if one.late_events != 1 else "1 late event"
        href = f"/statements/{one.statement_id}"
        yield _row(f"Adjustment of {_period_words(one.period)}", gloss=gloss, href=href, amount=_money(one.amount))
    yield _row("Total so far" if made.status == "open" else "Total", strong=True, amount=_money(made.total))


def _line(line: LineView) -> Iterator[dict[str, Any]]:
    name = line.name or line.metric or "Fee"
    steps = [_step(part) for part in line.parts]
    if len(steps) == 1:
        yield _row(name, gloss=part_words(line.parts[0].kind), amount=_money(line.amount), **steps[0])
        return
    words = [part_words(part.kind) for part in line.parts]
    if line.model is Model.GRADUATED:
        words = ["the first", *["the next"] * (len(words) - 1)]
    for gloss, step in zip(words, steps, strict=True):
        yield _row(name, gloss=gloss, **step)
    whole = {"quantity": _figure(line.quantity), "exact": _figure(line.exact)}
    yield _row(name, gloss="together", amount=_money(line.amount), **whole)


def _step(part: PartView) -> dict[str, str]:
    price = f"{part.price} %" if part.kind is PartKind.PERCENT else _figure(part.price)
    return {"quantity": _figure(part.quantity), "price": price, "exact": _figure(part.amount)}


def _aligned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Equal decimals down each column; a percentage keeps its own."""
    for column in ("quantity", "price", "exact"):
        most = max((len(_fraction(row[column])) for row in rows), default=0)
        for row in rows:
            text = row[column]
            if most and text and not text.endswith("%"):
                row[column] = f"{text.partition('.')[0]}.{_fraction(text):0<{most}}"
    return rows


def _fraction(text: str) -> str:
    return "" if text.endswith("%") else text.partition(".")[2]


def _row(name: str, **members: Any) -> dict[str, Any]:
    blank = {"gloss": "", "href": "", "strong": False, "quantity": "", "price": "", "exact": "", "amount": ""}
    return {"name": name, **blank, **members}


def _figure(text: str) -> str:
    return f"{Decimal(text):,f}".replace("-", "\N{MINUS SIGN}")


def _money(text: str) -> str:
    """As it is paid: with the currency's decimals, which the text already has."""
    return _figure(text)
