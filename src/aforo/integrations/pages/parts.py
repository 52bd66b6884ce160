"""What the pages of this room are given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aforo.accounts import Accounts, VisitorFor
from aforo.integrations.service import Integrations, InUseBy
from aforo.jobs import Jobs, Schedules
from aforo.kit.clock import Clock
from aforo.kit.pages import PageRender

Counts = Callable[[str], Awaitable[Mapping[str, tuple[int, int]]]]
"""Given a tenant: per integration its products, and how many of them drift. Comes from the room above."""


@dataclass(frozen=True, slots=True)
class Parts:
    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    schedules: Schedules
    counts: Counts
    in_use_by: InUseBy
    visitor: VisitorFor
    render: PageRender
    clock: Clock
