"""The api's routes of usage: events, sums, dead letters, completeness, uploads."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import APIRouter

from aforo.accounts import CallerFor
from aforo.jobs import Jobs
from aforo.usage.query import EventLog
from aforo.usage.routes import completeness, events, letters, stream, sums, upload

Aggregations = Callable[[str], Awaitable[Mapping[str, str]]]
"""A tenant's metrics with how each is aggregated."""


async def all_summed_up(_tenant_id: str) -> Mapping[str, str]:
    """Nothing is known of metrics: each is summed up."""
    return {}


def router(
    log: EventLog, caller: CallerFor, *, jobs: Jobs | None = None, aggregations: Aggregations = all_summed_up
) -> APIRouter:
    """`caller(scope)` gives a dependency that yields the Caller or raises. Without `jobs` there are no uploads."""
    data_dir: Path = log.folder.parent
    routes = APIRouter(tags=["usage"])
    routes.include_router(stream.router(log, caller))
    routes.include_router(events.router(log, caller))
    routes.include_router(sums.router(data_dir, caller, aggregations))
    routes.include_router(completeness.router(data_dir, caller))
    routes.include_router(letters.router(data_dir, caller))
    if jobs is not None:
        routes.include_router(upload.router(data_dir, caller, jobs))
    return routes
