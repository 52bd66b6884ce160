"""Joins the parts in plain calls."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aforo.accounts import Accounts, Door
from aforo.accounts.sql import AccountStore
from aforo.app.first_answers import FirstAnswers
from aforo.app.problems import problem
from aforo.app.settings import Settings
from aforo.catalog import Catalog, DriftWatch, ProductStore, Vault
from aforo.customers import CustomersRoom, ProductRef, ProductsOf, open_room
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integrations, IntegrationStore, Reach
from aforo.jobs import Jobs, JobStore
from aforo.kit.clock import Clock, SystemClock
from aforo.kit.db import Database
from aforo.kit.secretbox import MasterKeys, SecretBox

_READ_ONE_BY_ONE = 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """The api's rooms, ready to serve."""

    settings: Settings
    clock: Clock
    db: Database
    accounts: Accounts
    door: Door
    integrations: Integrations
    catalog: Catalog
    watch: DriftWatch
    customers: CustomersRoom
    jobs: Jobs
    first_answers: FirstAnswers

    async def aclose(self) -> None:
        await self.jobs.stop()
        await self.db.aclose()


def open_rooms(settings: Settings, clock: Clock | None = None) -> Rooms:
    """Open the records of a prepared data folder and wire the rooms on them."""
    clock = clock or SystemClock()
    db = Database(settings.records_path)
    box = SecretBox(MasterKeys.load_or_create(settings.key_path))
    accounts = Accounts(AccountStore(db), clock)
    reach = Reach(settings.may_call_private, settings.gateway_facts())
    integrations = Integrations(IntegrationStore(db), box, gateways(), reach, clock)
    vault, products = Vault(box), ProductStore(db)
    watch = DriftWatch(products, integrations, vault, clock)
    customers = open_room(db, _products_of(products), clock)
    catalog = Catalog(products, integrations, vault, watch, customers.subscriptions.impact, clock)
    jobs = Jobs(JobStore(db), clock, problem)
    first_answers = FirstAnswers(db, box, clock)
    return Rooms(
        settings, clock, db, accounts, Door(accounts), integrations, catalog, watch, customers, jobs, first_answers
    )


def _products_of(products: ProductStore) -> ProductsOf:
    """What the customers room may know of products: a few are read one by one, many as the tenant's whole list."""

    async def products_of(tenant_id: str, ids: Collection[str]) -> Mapping[str, ProductRef]:
        wanted = frozenset(ids)
        if len(wanted) <= _READ_ONE_BY_ONE:
            rows = [row for one in sorted(wanted) if (row := await products.product(tenant_id, one))]
        else:
            rows = [row for row in await products.products(tenant_id) if row.id in wanted]
        return {row.id: ProductRef(row.id, row.name, row.integration_id) for row in rows}

    return products_of
