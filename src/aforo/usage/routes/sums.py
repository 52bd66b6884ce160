"""GET /v1/usage."""

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Caller, CallerFor, Scope
from aforo.kit.errors import Invalid
from aforo.usage.routes.moments import period_ns
from aforo.usage.rules.windows import GROUPS, WINDOWS
from aforo.usage.usage_query import MINUTE_HOURS, UsageLog, UsageQuery

_HOUR_NS: Final = 3600 * 10**9
_SPAN_NS: Final = {None: 31 * 24 * _HOUR_NS, "minute": _HOUR_NS, "hour": 24 * _HOUR_NS}
_LONGEST_NS: Final = 3660 * 24 * _HOUR_NS
_EXAMPLE: Final = {
    "data": [
        {
            "window": "2026-11-22T12:00:00Z",
            "metric": "api_calls",
            "customer": "acme",
            "aggregation": "SUM",
            "quantity": "1204",
            "events": 1204,
        }
    ],
    "nextCursor": None,
}


def router(data_dir: Path, caller: CallerFor, aggregations: Callable[[str], Awaitable[Mapping[str, str]]]) -> APIRouter:
    """Sums by window and group."""
    routes = APIRouter()
    log = UsageLog(data_dir)

    @routes.get(
        "/v1/usage",
        summary="Sum usage by window and group",
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    async def usage(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))],
        metric: Annotated[str | None, Query()] = None,
        customer: Annotated[str | None, Query()] = None,
        customer_id: Annotated[str | None, Query(description="The same as `customer`.")] = None,
        product: Annotated[str | None, Query(description="An Aforo id or the gateway's own name.")] = None,
        subscription: Annotated[str | None, Query()] = None,
        group_by: Annotated[str | None, Query(description=f"Several of {', '.join(GROUPS)}, by commas.")] = None,
        window: Annotated[str | None, Query(description=f"One of {', '.join(WINDOWS)}; one sum without it.")] = None,
        since: Annotated[str | None, Query(alias="from", description="Occurred at or after; RFC 3339.")] = None,
        until: Annotated[str | None, Query(alias="to", description="Occurred before; RFC 3339.")] = None,
        timezone: Annotated[str, Query(description="Whose hours, days and months; such as Europe/Berlin.")] = "UTC",
    ) -> dict[str, Any]:
        """Rows stand in order of time, then of metric and groups. `from` and `to` are widened to whole quarters of an
        hour, of which sums are kept; `minute` covers the last 48 hours. Each metric is a row of its own."""
        now_ns = time.time_ns()
        groups = _groups(group_by)
        _check_one_of(window, "window", WINDOWS)
        from_ns, to_ns = period_ns(since, until, now_ns, _SPAN_NS.get(window, 31 * 24 * _HOUR_NS))
        if to_ns - from_ns > _LONGEST_NS:
            raise Invalid("The period is over ten years long.", (("/from", "too long ago"),))
        if window == "minute" and from_ns < now_ns - (MINUTE_HOURS + 1) * _HOUR_NS:
            raise Invalid(f"Minutes are there for the last {MINUTE_HOURS} hours.", (("/from", "too long ago"),))
        query = UsageQuery(
            from_ns, to_ns, window, groups, _zone(timezone), metric, customer or customer_id, product, subscription
        )
        known = await aggregations(who.tenant_id)
        return {"data": await run_in_threadpool(log.rows, who, query, known), "nextCursor": None}

    return routes


def _groups(text: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        _check_one_of(name, "group_by", GROUPS)
    return names


def _check_one_of(value: str | None, name: str, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise Invalid(f"`{name}` is not known.", ((f"/{name}", f"must be one of {', '.join(known)}"),))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("The time zone is not known.", (("/timezone", "must be a name such as Europe/Berlin"),)) from None
