"""Joins the parts in plain calls."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aforo.accounts import Accounts, Door
from aforo.accounts.sql import AccountStore
from aforo.app.first_answers import FirstAnswers
from aforo.app.problems import problem
from aforo.app.settings import Settings
from aforo.catalog import Catalog, DriftWatch, Impact, ProductStore, Vault
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integrations, IntegrationStore, Reach
from aforo.jobs import Jobs, JobStore
from aforo.kit.clock import Clock, SystemClock
from aforo.kit.db import Database
from aforo.kit.secretbox import MasterKeys, SecretBox


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
    catalog = Catalog(products, integrations, vault, watch, _no_impact_yet, clock)
    jobs = Jobs(JobStore(db), clock, problem)
    first_answers = FirstAnswers(db, box, clock)
    return Rooms(settings, clock, db, accounts, Door(accounts), integrations, catalog, watch, jobs, first_answers)


async def _no_impact_yet(tenant_id: str, product_ids: Collection[str]) -> Mapping[str, Impact]:
    """Subscriptions and money are not known before there are customers: every impact stays null."""
    del tenant_id, product_ids
    return {}
