"""GET /v1/completeness."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from aforo.accounts import Caller, CallerFor, Scope
from aforo.usage.completeness import CompletenessLog
from aforo.usage.routes.moments import period_ns

_MONTH_NS: Final = 31 * 24 * 3600 * 10**9
_EXAMPLE: Final = {
    "complete": False,
    "received": 998,
    "missingCount": 2,
    "nodes": [
        {
            "node": "kong-1",
            "epoch": "3",
            "received": 998,
            "missingCount": 2,
            "missing": [
                {"first": 41, "last": 42, "after": "2026-11-22T12:00:00.000Z", "before": "2026-11-22T12:00:01.000Z"}
            ],
            "duplicates": 1,
            "repeated": [{"seq": 7, "times": 1}],
        }
    ],
}


def router(data_dir: Path, caller: CallerFor) -> APIRouter:
    """The certificate."""
    routes = APIRouter()
    log = CompletenessLog(data_dir)

    @routes.get(
        "/v1/completeness",
        summary="Whether every event that nodes numbered is there",
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    async def completeness(
        who: Annotated[Caller, Depends(caller(Scope.USAGE_READ))],
        customer: Annotated[str | None, Query()] = None,
        since: Annotated[str | None, Query(alias="from", description="RFC 3339; else 31 days before `to`.")] = None,
        until: Annotated[str | None, Query(alias="to", description="RFC 3339; now unless told.")] = None,
    ) -> dict[str, Any]:
        """Per node and epoch: how many numbered events were received, which numbers are missing, which came again.

        The numbers of an epoch begin at 0 or 1. A hole counts if a missing event may have occurred in the period; whose
        it was nobody can know, so it counts for each customer that the node served then."""
        period = period_ns(since, until, time.time_ns(), _MONTH_NS)
        certificate = await run_in_threadpool(log.certificate, who, customer, period)
        told: dict[str, Any] = msgspec.to_builtins(certificate)
        return told

    return routes
