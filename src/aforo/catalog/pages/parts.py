"""What the pages of this room are given."""

from dataclasses import dataclass

from aforo.accounts import Accounts, VisitorFor
from aforo.catalog.drift import DriftWatch
from aforo.catalog.service import Catalog
from aforo.integrations import Integrations
from aforo.jobs import Jobs
from aforo.kit.pages import PageRender


@dataclass(frozen=True, slots=True)
class Parts:
    catalog: Catalog
    watch: DriftWatch
    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender
