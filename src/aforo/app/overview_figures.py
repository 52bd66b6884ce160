"""The overview's money and traffic: tiles, charts, and what was lost or not counted. Every figure is another page's.

A tile may shorten its figure; what cannot be known is None with a reason, never 0.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aforo.accounts import Caller
from aforo.app.web.chart import Series
from aforo.app.web.words import number, percent
from aforo.app.wiring import Rooms
from aforo.enforcement.desk import KEPT, Refusals
from aforo.enforcement.earnings import SPANS, Figures, Span, money, units
from aforo.enforcement.earnings.spans import span_of
from aforo.kit.clock import from_rfc3339
from aforo.kit.patience import PAGE_SECONDS, StillCounting
from aforo.usage.completeness import CompletenessLog
from aforo.usage.dead_letters import DeadLetters

USUAL: Final = "7d"
_SHORT: Final[tuple[tuple[int, str], ...]] = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_LABELS: Final = 5
_ON_THE_WAY: Final = timedelta(minutes=10)


async def money_and_traffic(rooms: Rooms, tenant_id: str, asked: str) -> dict[str, Any]:
    """Values of the template: `span`, `tiles`, `charts`, `reasons`; no tiles before anything was used or sold, nor
    while the use is `counting` for the first time."""
    known = asked if asked in SPANS else USUAL
    try:
        figures = await rooms.margin.earnings.figures(tenant_id, known, PAGE_SECONDS)
    except StillCounting:
        span = span_of(known, rooms.clock.now())
        return {"span": span, "spans": SPANS, "tiles": [], "charts": [], "reasons": [], "sells": True, "counting": True}
    span, step = figures.span, 3600 if known == "today" else 86_400
    refusals = await rooms.desk.refusals(tenant_id, span.start, span.end, step)
    earlier = None
    if span.before_start >= span.end - KEPT:
        earlier = await rooms.desk.refusals(tenant_id, span.before_start, span.before_end, step)
    is_there = bool(figures.now.calls or figures.before.calls or figures.tenant.grants or refusals)
    return {
        "span": span,
        "spans": SPANS,
        "tiles": _tiles(figures, refusals, earlier) if is_there else [],
        "charts": _charts(figures, refusals) if is_there else [],
        "reasons": _reasons(refusals),
        "sells": bool(figures.tenant.grants),
        "counting": False,
    }


async def lost_events(rooms: Rooms, caller: Caller) -> list[dict[str, Any]]:
    """Items for "what needs you": refused events that were kept, and numbers that are missing."""
    return await asyncio.to_thread(_lost, rooms, caller)


def _lost(rooms: Rooms, caller: Caller) -> list[dict[str, Any]]:
    folder, now, found = rooms.settings.data_dir, rooms.clock.now(), []
    letters = DeadLetters(folder / "deadletters.db").by_code(caller.tenant_id)
    if letters:
        count, (usual, _, _) = sum(one[1] for one in letters), max(letters, key=lambda one: one[1])
        oldest = datetime.fromtimestamp(min(one[2] for one in letters) / 10**9, UTC)
        title = f"{count:,} refused event{'' if count == 1 else 's'}"
        found.append(_item("FAILED", title, f"usually {usual}", oldest, "/dead-letters", "Replay"))
    start, end = now - timedelta(days=31), now - _ON_THE_WAY
    certificate = CompletenessLog(folder).certificate(caller, None, (_ns(start), _ns(end)))
    if certificate.missing_count:
        holes = [hole for node in certificate.nodes for hole in node.missing]
        first = min(from_rfc3339(hole.after or hole.before) for hole in holes) if holes else start
        title = f"{certificate.missing_count:,} missing event{'' if certificate.missing_count == 1 else 's'}"
        found.append(_item("PARTIAL", title, "sums lack them", first, "/completeness", "See where"))
    return found


def _item(state: str, title: str, gloss: str, since: datetime, href: str, act: str) -> dict[str, Any]:
    shown = {"state": state, "title": title, "gloss": gloss, "since": since, "href": href, "act": act}
    return shown | {"where": "", "detail": "", "emulated": False}


def _tiles(figures: Figures, refusals: Sequence[Refusals], earlier: Sequence[Refusals] | None) -> list[dict[str, Any]]:
    now, before, span, code = figures.now, figures.before, figures.span, figures.currency or ""
    on_margin = f"/margin?span={span.name}"
    unpriced = "No plan with a price is subscribed to yet"
    uncosted = "No cost rule covers it" if figures.has_costs else "No cost rule yet: add one to know"
    revenue, cost = money(now.revenue), money(now.cost)
    usage = {"today": "day", "7d": "week"}.get(span.name, "month")
    calls = [_figure(one.calls) for one in figures.buckets]
    earned = [_money_figure(one.revenue) for one in figures.buckets]
    spent = [_money_figure(one.cost) for one in figures.buckets] if cost is not None else []
    return [
        _tile("Calls", short(units(now.calls)), f"/usage?span={usage}", calls, _change(now.calls, before.calls, span)),
        _denied(refusals, earlier, span),
        _tile("Revenue", short(revenue, 2), on_margin, earned, _change(now.revenue, before.revenue, span), code)
        | {"why": unpriced},
        _tile("Cost", short(cost, 2), on_margin, spent, _change(now.cost, before.cost, span), code) | {"why": uncosted},
        _margin(figures, on_margin, code) | {"why": unpriced if revenue is None else uncosted},
    ]


def _tile(
    label: str, figure: str | None, href: str, values: Sequence[float | None], change: str, unit: str = ""
) -> dict[str, Any]:
    """A line needs two points; a single one tells nothing."""
    drawn = values if sum(value is not None for value in values) > 1 else []
    return {"label": label, "figure": figure, "href": href, "values": drawn, "change": change, "unit": unit, "why": ""}


def _denied(refusals: Sequence[Refusals], earlier: Sequence[Refusals] | None, span: Span) -> dict[str, Any]:
    """Decisions are kept for 8 days: a longer span says since when it counts."""
    counted = sum(one.calls for one in refusals if one.enforced)
    would = sum(one.calls for one in refusals if not one.enforced)
    steps = Counter[int]()
    for one in refusals:
        steps[one.step] += one.calls if one.enforced else 0
    told = []
    if span.start < span.end - KEPT:
        told.append(f"of the last {KEPT.days} days, no longer kept")
    elif earlier is not None:
        told.append(_change(counted, sum(one.calls for one in earlier if one.enforced), span))
    if would:
        told.append(f"would deny {number(would)} more")
    values = [float(steps[step]) for step in range(len(span.buckets))] if counted else []
    return _tile("Denied", short(counted), "/decisions", values, "; ".join(filter(None, told)))


def _margin(figures: Figures, href: str, code: str) -> dict[str, Any]:
    now, before, span = figures.now, figures.before, figures.span
    left = money(now.margin)
    figure = None if left is None else percent(now.share) if now.share is not None else short(left, 2)
    told = "" if left is None else f"{number(left, 2)} {code} left"
    if now.share is not None and before.share is not None:
        points = (now.share - before.share) * 100
        told += f"; {_signed(points, 1)} points against {span.against}"
    return _tile("Margin", figure, href, [], told)


def _charts(figures: Figures, refusals: Sequence[Refusals]) -> list[dict[str, Any]]:
    span = figures.span
    denied = Counter[int]()
    for one in refusals:
        denied[one.step] += one.calls if one.enforced else 0
    passed = [_figure(one.calls) for one in figures.buckets]
    series = [
        Series("Let through", passed, "ok"),
        Series("Denied", [float(denied[step]) for step in range(len(span.buckets))], "bad"),
    ]
    whole, refused = sum(value or 0 for value in passed), sum(denied.values())
    share = f", {percent(refused / (whole + refused), 2)} of all" if refused else ""
    traffic = f"{number(whole)} metered, {number(refused)} denied{share}; the last bucket is not over."
    labels = _labels(span)
    axis = [labels[round(place * (len(labels) - 1) / (_LABELS - 1))] for place in range(min(_LABELS, len(labels)))]
    charts = [
        {
            "id": "traffic",
            "title": "Calls by decision",
            "told": traffic,
            "series": series,
            "kind": "bars",
            "decimals": 0,
        }
    ]
    sums = [
        Series(name, [_money_figure(getattr(one, part)) or 0.0 for one in figures.buckets], ink)
        for name, part, ink in (("Revenue", "revenue", "money"), ("Cost", "cost", "2"))
        if getattr(figures.now, part) is not None
    ]
    if sums and len(span.buckets) > 1:
        told = "What use earned and cost; fixed fees belong to no day and are left out."
        title = f"Revenue and cost, {figures.currency or 'no currency yet'}"
        charts.append({"id": "money", "title": title, "told": told, "series": sums, "kind": "line", "decimals": 2})
    return [one | {"labels": labels, "axis": list(dict.fromkeys(axis))} for one in charts]


def _labels(span: Span) -> list[str]:
    pattern = "%H:%M" if span.name == "today" else "%d %b"
    return [format(bucket, pattern) for bucket in span.buckets]


def _reasons(refusals: Sequence[Refusals]) -> list[tuple[str, int, int]]:
    """(reason, denied, would be denied), most first."""
    denied, would = Counter[str](), Counter[str]()
    for one in refusals:
        (denied if one.enforced else would)[one.reason] += one.calls
    both = denied + would
    return [(reason, denied[reason], would[reason]) for reason, _ in both.most_common()]


def short(value: Decimal | int | None, decimals: int = 0) -> str | None:
    """`54,812` → `54.8 k`: for tiles alone, the page behind has the exact figure."""
    if value is None:
        return None
    whole = Decimal(value)
    if abs(whole) >= (100_000 if decimals else 10_000):
        size, letter = next((size, letter) for size, letter in _SHORT if abs(whole) >= size)
        shown = whole / size
        return f"{number(shown, 2 if abs(shown) < 10 else 1)} {letter}"
    return number(whole, decimals if decimals or whole == whole.to_integral_value() else 3)


def _change(now: int | None, before: int | None, span: Span) -> str:
    """Against the span before, sign and words; nothing where there was none."""
    if now is None or before is None:
        return ""
    if not before:
        return f"nothing {span.against}" if now else ""
    return f"{_signed((now - before) / before * 100, 1)} % against {span.against}"


def _signed(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    return number(rounded, decimals) if rounded < 0 else f"{'+' if rounded else '±'}{number(rounded, decimals)}"


def _figure(value: int | None) -> float | None:
    return None if value is None else float(units(value))


def _money_figure(value: int | None) -> float | None:
    return None if value is None else float(money(value) or 0)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9
