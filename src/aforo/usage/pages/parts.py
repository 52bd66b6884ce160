"""What the pages of this room are given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from starlette.requests import Request

from aforo.accounts import Accounts, VisitorFor
from aforo.kit.clock import Clock
from aforo.kit.pages import PageRender
from aforo.usage.query import EventLog

SECOND_NS: Final = 10**9
SPANS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
}
"""What a page can look back on, by the word in its address."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is shown instead of an id: `customers` by id and external id, `products` by id and gateway ref."""

    customers: Mapping[str, str]
    products: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """`names` are of one tenant; `aggregations` tells how each of its metrics is summed up; `zone` is the page's."""

    data_dir: Path
    log: EventLog
    accounts: Accounts
    names: Callable[[str], Awaitable[Names]]
    aggregations: Callable[[str], Awaitable[Mapping[str, str]]]
    visitor: VisitorFor
    render: PageRender
    zone: Callable[[Request], tzinfo]
    clock: Clock


def nanoseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def moment_of(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def span_words(span: str) -> str:
    """`last 24 hours`."""
    return {"hour": "last hour", "day": "last 24 hours", "week": "last 7 days", "month": "last 31 days"}[span]


def chosen_span(asked: str, usual: str) -> str:
    return asked if asked in SPANS else usual


def bucket_word(moment: datetime, window: str, zone: tzinfo) -> str:
    """How a bucket is called on an axis."""
    local = moment.astimezone(zone)
    return f"{local:%d %b}" if window == "day" else f"{local:%d %b %H:%M}" if window == "hour" else f"{local:%H:%M}"
