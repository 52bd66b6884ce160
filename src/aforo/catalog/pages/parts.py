"""What the pages of this room are given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aforo.accounts import Accounts, VisitorFor
from aforo.alerts import Kind
from aforo.catalog.drift import DriftWatch
from aforo.catalog.service import Catalog
from aforo.integrations import Integrations
from aforo.jobs import Jobs
from aforo.kit.pages import PageRender


@dataclass(frozen=True, slots=True)
class Parts:
    """`told` says who was told of what holds for a product, with `at`, `words` and `href`; None where nothing does."""

    catalog: Catalog
    watch: DriftWatch
    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender
    told: Callable[[str, str, Kind], Awaitable[Any]]
