"""`/usage`: who used how much, when; by any group, as a chart and as the same numbers in a table."""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Caller, Scope, Session
from aforo.kit.clock import from_rfc3339
from aforo.kit.errors import Invalid
from aforo.kit.pages import counting
from aforo.kit.patience import Patience, StillCounting
from aforo.usage.completeness import Certificate, CompletenessLog
from aforo.usage.pages.parts import (
    SPANS,
    Names,
    Parts,
    bucket_word,
    chosen_span,
    nanoseconds,
    span_words,
)
from aforo.usage.rules.windows import window_of
from aforo.usage.usage_query import UsageLog, UsageQuery

_GROUPS: Final = ("customer", "product", "credential", "status")
_WINDOWS: Final = {"hour": "minute", "day": "hour", "week": "hour", "month": "day"}
_USUAL: Final = "api_calls"
_WEEK_HOURS: Final = 4
"""Hours that a bucket of a week holds: a page would be too heavy with all of them."""
_SERIES: Final = 5
_ROWS: Final = 200
_LABELS: Final = 5


class Asked(NamedTuple):
    """A view of usage, as its address says it."""

    metric: str
    group: str
    span: str
    only: str

    def address(self, **other: str) -> str:
        told = {"metric": self.metric, "group_by": self.group, "span": self.span, "only": self.only} | other
        return "/usage?" + urlencode({name: value for name, value in told.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """One group: its buckets in order, what it comes to, and what it came to in the span before."""

    key: str
    name: str
    values: tuple[Decimal, ...]
    total: Decimal
    before: Decimal

    @property
    def change(self) -> str:
        """Against the span before, in words; nothing where there was none."""
        if not self.before:
            return "new" if self.total else ""
        share = (self.total - self.before) / self.before * 100
        sign = "+" if share > 0 else "\N{MINUS SIGN}" if share < 0 else "±"
        return f"{sign}{abs(share):,.1f} %"


_Found = tuple[list[Line], list[datetime], dict[str, str]]
"""The lines, where each bucket begins, and how the tenant's metrics are summed up."""


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.USAGE_READ))]
    usage, proof = UsageLog(parts.data_dir), CompletenessLog(parts.data_dir)
    patience = Patience[_Found]()

    async def found(request: Request, session: Session, asked: Asked) -> _Found:
        caller = session.caller
        known = dict(await parts.aggregations(caller.tenant_id))
        names = await parts.names(caller.tenant_id)
        zone = parts.zone(request)
        buckets = _buckets(parts.clock.now(), asked.span, zone)
        lines = await run_in_threadpool(_lines, usage, caller, asked, buckets, zone, known, names)
        return lines, buckets, known

    @pages.get("/usage")
    async def show(
        request: Request,
        session: reader,
        metric: str = _USUAL,
        group_by: str = "customer",
        span: str = "day",
        only: str = "",
    ) -> Response:
        asked = Asked(metric, group_by if group_by in _GROUPS else "customer", chosen_span(span, "day"), only)
        failed = ""
        key = session.caller.tenant_id, session.caller.customer_id, asked, str(parts.zone(request))
        try:
            lines, buckets, known = await patience.get(key, lambda: found(request, session, asked))
        except StillCounting:
            return counting(parts.render, request, "Usage")
        except Invalid as fault:
            failed, lines, buckets, known = fault.detail, [], [], {}
        certificate = await run_in_threadpool(_certificate, proof, session.caller, parts.clock.now(), asked.span)
        total = sum((line.total for line in lines), Decimal(0))
        return parts.render(
            "usage/usage.html",
            request,
            asked=asked,
            failed=failed,
            metrics=sorted({_USUAL, asked.metric, *known}),
            groups=_GROUPS,
            spans={name: span_words(name) for name in SPANS},
            lines=lines[:_ROWS],
            hidden=max(0, len(lines) - _ROWS),
            total=total,
            before=sum((line.before for line in lines), Decimal(0)),
            series=_series(lines),
            labels=[bucket_word(one, _WINDOWS[asked.span], parts.zone(request)) for one in buckets],
            axis=_axis(buckets, asked.span, parts.zone(request)),
            certificate=certificate,
            shares=[float(line.total / total * 100) if total else 0.0 for line in lines[:_ROWS]],
        )

    @pages.get("/usage.csv")
    async def download(
        request: Request, session: reader, metric: str = _USUAL, group_by: str = "customer", span: str = "day"
    ) -> Response:
        asked = Asked(metric, group_by if group_by in _GROUPS else "customer", chosen_span(span, "day"), "")
        lines, buckets, _ = await found(request, session, asked)
        named = {"content-disposition": 'attachment; filename="usage.csv"', "cache-control": "no-store"}
        return Response(_csv(asked, lines, buckets), media_type="text/csv; charset=utf-8", headers=named)


def _buckets(now: datetime, span: str, zone: tzinfo) -> list[datetime]:
    """Where each bucket begins, the running one last; by the clock on the wall of the page's zone."""
    window = _WINDOWS[span]
    step = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[window]
    starts: list[int] = []
    moment = now - SPANS[span]
    while moment <= now:
        start = window_of(int(moment.timestamp()), window, zone)
        if not starts or start != starts[-1]:
            starts.append(start)
        moment += step
    last = window_of(int(now.timestamp()), window, zone)
    found = [datetime.fromtimestamp(one, zone) for one in [*starts, *([last] if starts[-1] != last else [])]]
    return found if span != "week" else [one for one in found if one is found[0] or one.hour % _WEEK_HOURS == 0]


def _lines(
    usage: UsageLog,
    caller: Caller,
    asked: Asked,
    buckets: Sequence[datetime],
    zone: tzinfo,
    aggregations: Mapping[str, str],
    names: Names,
) -> list[Line]:
    """Largest first. Blocks on the disk."""
    start, window = buckets[0], _WINDOWS[asked.span]
    end = nanoseconds(buckets[-1]) + _bucket_ns(asked.span)
    only = {asked.group: asked.only} if asked.only and asked.group in ("customer", "product") else {}
    now = UsageQuery(nanoseconds(start), end, window, (asked.group,), zone, asked.metric, **only)
    before = UsageQuery(
        2 * nanoseconds(start) - end, nanoseconds(start), None, (asked.group,), zone, asked.metric, **only
    )
    values: dict[str, list[Decimal]] = {}
    for row in usage.rows(caller, now, aggregations):
        key = row[asked.group] or ""
        bucket = bisect_right(buckets, from_rfc3339(row["window"])) - 1
        values.setdefault(key, [Decimal(0)] * len(buckets))[bucket] += Decimal(row["quantity"])
    earlier: dict[str, Decimal] = {}
    if window != "minute":
        earlier = {row[asked.group] or "": Decimal(row["quantity"]) for row in usage.rows(caller, before, aggregations)}
    keys = [key for key in {**values, **earlier} if not asked.only or key == asked.only]
    none = [Decimal(0)] * len(buckets)
    lines = [
        Line(
            key,
            _name(asked.group, key, names),
            tuple(values.get(key, none)),
            sum(values.get(key, none), Decimal(0)),
            earlier.get(key, Decimal(0)),
        )
        for key in keys
    ]
    return sorted(lines, key=lambda line: (-line.total, line.name))


def _bucket_ns(span: str) -> int:
    return {"hour": 60, "day": 3600, "week": _WEEK_HOURS * 3600, "month": 86_400}[span] * 10**9


def _name(group: str, key: str, names: Names) -> str:
    if not key:
        return "Unattributed" if group in ("customer", "product", "credential") else "Not told"
    known = names.customers if group == "customer" else names.products if group == "product" else {}
    return known.get(key, key)


def _series(lines: Sequence[Line]) -> list[tuple[str, list[float], str]]:
    """At most five, and what the others come to together."""
    shown = [(line.name, [float(one) for one in line.values], str(index + 1)) for index, line in enumerate(lines[:5])]
    others = lines[_SERIES:]
    if others:
        summed = [float(sum(row)) for row in zip(*(line.values for line in others), strict=True)]
        shown.append((f"Other ({len(others):,})", summed, "other"))
    return shown


def _axis(buckets: Sequence[datetime], span: str, zone: tzinfo) -> list[str]:
    if not buckets:
        return []
    places = sorted({round(index * (len(buckets) - 1) / (_LABELS - 1)) for index in range(_LABELS)})
    return [bucket_word(buckets[place], _WINDOWS[span], zone) for place in places]


def _certificate(proof: CompletenessLog, caller: Caller, now: datetime, span: str) -> Certificate:
    return proof.certificate(caller, None, (nanoseconds(now - SPANS[span]), nanoseconds(now)))


def _csv(asked: Asked, lines: Sequence[Line], buckets: Sequence[datetime]) -> str:
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["begins", asked.group, "name", "metric", "quantity"])
    sheet.writerows(_sheet_rows(asked, lines, buckets))
    return text.getvalue()


def _sheet_rows(asked: Asked, lines: Sequence[Line], buckets: Sequence[datetime]) -> Iterator[list[Any]]:
    for line in lines:
        for begins, value in zip(buckets, line.values, strict=True):
            yield [begins.isoformat(), _safe(line.key), _safe(line.name), _safe(asked.metric), value]


def _safe(text: str) -> str:
    """A spreadsheet takes what begins like this for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
