"""What the pages of this room are given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aforo.accounts import Accounts, VisitorFor
from aforo.alerts import Kind
from aforo.integrations.service import Integrations, InUseBy
from aforo.jobs import Jobs, Schedules
from aforo.kit.clock import Clock
from aforo.kit.pages import PageRender

Counts = Callable[[str], Awaitable[Mapping[str, tuple[int, int]]]]
"""Given a tenant: per integration its products, and how many of them drift. Comes from the room above."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`told` says who was told of what holds for an integration; None where nothing does."""

    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    schedules: Schedules
    counts: Counts
    in_use_by: InUseBy
    visitor: VisitorFor
    render: PageRender
    clock: Clock
    told: Callable[[str, str, Kind], Awaitable[Any]]
