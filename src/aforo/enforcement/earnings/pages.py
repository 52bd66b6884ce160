"""`/margin`: who loses money, why, and what enforcement would have done."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session, VisitorFor
from aforo.enforcement.earnings.customer_page import add_customer
from aforo.enforcement.earnings.fold import FEES, GROUPS
from aforo.enforcement.earnings.reading import Asked, CustomerMargins, MarginTables
from aforo.enforcement.earnings.spans import SPANS
from aforo.enforcement.earnings.table import ORDERS, Line, money
from aforo.kit.pages import PageRender, counting
from aforo.kit.patience import PAGE_SECONDS, StillCounting

_ROWS: Final = 50
_COLUMNS: Final = (
    ("name", "", "text"),
    ("calls", "Calls", "number"),
    ("revenue", "Revenue", "number"),
    ("cost", "Cost", "number"),
    ("margin", "Margin", "number"),
    ("share", "Margin, %", "number"),
)
_PLACES: Final = {"customer": "/margin/", "plan": "/plans/", "product": "/products/"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page is given."""

    tables: MarginTables
    customers: CustomerMargins
    visitor: VisitorFor
    render: PageRender


def router(parts: Parts) -> APIRouter:
    """`/margin`, `/margin.csv` and `/margin/{customer}`."""
    pages = APIRouter(include_in_schema=False)
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/margin")
    async def show(
        request: Request,
        session: reader,
        by: str = "customer",
        span: str = "month",
        sort: str = "margin",
        q: Annotated[str, Query(max_length=200)] = "",
        losing: str = "",
        page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    ) -> Response:
        asked = _asked(by, span, sort, q, losing)
        try:
            figures, lines, everyone = await parts.tables.read(session.caller.tenant_id, asked, PAGE_SECONDS)
        except StillCounting:
            return counting(parts.render, request, "Margin")
        losers = [line for line in everyone if line.loses]
        first = (page - 1) * _ROWS
        return parts.render(
            "enforcement/margin.html",
            request,
            asked=asked,
            figures=figures,
            spans=SPANS,
            groups=GROUPS,
            total=_total(figures),
            losers=len(losers),
            lost=-sum((line.margin or Decimal(0) for line in losers), Decimal(0)),
            all_count=len(everyone),
            matching=len(lines),
            rows=[_row(one, asked) for one in lines[first : first + _ROWS]],
            first=first,
            columns=[_column(asked, *one) for one in _COLUMNS],
            address=lambda **other: _address(asked, **other),
            newer=_address(asked, page=page - 1) if page > 1 else "",
            older=_address(asked, page=page + 1) if len(lines) > first + _ROWS else "",
        )

    @pages.get("/margin.csv")
    async def download(
        session: reader, by: str = "customer", span: str = "month", sort: str = "margin", q: str = "", losing: str = ""
    ) -> Response:
        asked = _asked(by, span, sort, q, losing)
        figures, lines, _ = await parts.tables.read(session.caller.tenant_id, asked)
        named = {"content-disposition": 'attachment; filename="margin.csv"', "cache-control": "no-store"}
        sheet = _csv(asked, lines, figures.currency or "")
        return Response(sheet, media_type="text/csv; charset=utf-8", headers=named)

    add_customer(pages, parts.customers, parts.visitor, parts.render)
    return pages


def _asked(by: str, span: str, sort: str, words: str, losing: str) -> Asked:
    """What the address says; unknown words mean the usual."""
    known = sort if sort.removeprefix("-") in ORDERS else "margin"
    return Asked(
        by if by in GROUPS else "customer", span if span in SPANS else "month", known, words.strip(), bool(losing)
    )


def _address(asked: Asked, **other: Any) -> str:
    told = {"by": asked.by, "span": asked.span, "sort": asked.sort, "q": asked.words, "losing": asked.losing or ""}
    usual = {"by": "customer", "span": "month", "sort": "margin"}
    kept = {name: value for name, value in (told | other).items() if value and usual.get(name) != value}
    return f"/margin?{urlencode(kept)}" if kept else "/margin"


def _column(asked: Asked, key: str, label: str, kind: str) -> dict[str, Any]:
    down = asked.sort.startswith("-")
    is_sorted = asked.sort.removeprefix("-") == key
    begins = key if key in ("name", "margin", "share") else f"-{key}"
    following = (key if down else f"-{key}") if is_sorted else begins
    return {
        "key": key,
        "label": label or asked.by.capitalize(),
        "kind": kind,
        "sort": _address(asked, sort=following),
        "sorted": ("descending" if down else "ascending") if is_sorted else "none",
    }


def _row(one: Line, asked: Asked) -> dict[str, Any]:
    """A key that has no name is what somebody sent: there is no page to lead to."""
    is_ours = one.name != one.key and one.key not in ("", FEES)
    span = f"?span={asked.span}" if asked.by == "customer" and asked.span != "month" else ""
    return {"id": one.key, "line": one, "href": f"{_PLACES[asked.by]}{one.key}{span}" if is_ours else ""}


def _total(figures: Any) -> dict[str, Decimal | None]:
    now = figures.now
    return {"revenue": money(now.revenue), "cost": money(now.cost), "margin": money(now.margin)}


def _csv(asked: Asked, lines: Sequence[Line], currency: str) -> str:
    text = io.StringIO()
    sheet = csv.writer(text)
    heads = ("calls", "revenue", "cost", "margin", "margin_share", "level", "guard_enforces")
    week = ("refused_calls_7d", "would_refuse_calls_7d", "missed_revenue_estimate", "saved_cost_estimate", "unknown")
    sheet.writerow([asked.by, "name", "currency", *heads, *week])
    for one in lines:
        amounts = (one.calls, one.revenue, one.cost, one.margin)
        share = "" if one.share is None else f"{one.share:.4f}"
        sheet.writerow(
            [
                _safe(one.key), _safe(one.name), currency,
                *("" if amount is None else f"{amount:f}" for amount in amounts), share, one.level or "",
                one.enforced, one.refused, one.would_refuse,
                *("" if amount is None else f"{amount:.2f}" for amount in (one.missed, one.saved)), one.why,
            ]
        )  # fmt: skip
    return text.getvalue()


def _safe(text: str) -> str:
    """A spreadsheet takes what begins like this for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
