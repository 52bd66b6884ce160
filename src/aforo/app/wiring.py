"""Joins the parts in plain calls."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from aforo.accounts import Accounts, Door, People
from aforo.accounts.oidc import CompanySignIn, open_company_sign_in
from aforo.accounts.people_sql import PeopleStore
from aforo.accounts.sql import AccountStore
from aforo.alerts import AlertsRoom
from aforo.alerts import open_room as open_alerts
from aforo.app.company_sign_in import company_setting
from aforo.app.first_answers import FirstAnswers
from aforo.app.problems import problem
from aforo.app.scheduling import open_schedules
from aforo.app.settings import Settings
from aforo.app.telling import Telling
from aforo.app.wiring_artifacts import outside
from aforo.app.wiring_margin import cost_desk, margin_tables
from aforo.app.wiring_usage import open_keeping, pulled
from aforo.artifacts import ArtifactsRoom
from aforo.artifacts import open_room as open_artifacts
from aforo.catalog import Catalog, DriftWatch, Impact, ImpactOf, ProductStore, Sweeper, Vault
from aforo.catalog.model import ProductRow
from aforo.credentials import (
    CredentialsRoom,
    NotProvisionable,
    Provisioners,
    Shelf,
    SoldProduct,
    Standby,
)
from aforo.credentials import open_room as open_credentials
from aforo.customers import CustomersRoom, Period, ProductRef, ProductsOf, Quota, open_room, period_at
from aforo.enforcement.costs import CostDesk
from aforo.enforcement.desk import EnforcementDesk, QuotasOf, poke_edge
from aforo.enforcement.earnings import CustomerMargins, MarginTables
from aforo.enforcement.levels import QuotaNow
from aforo.enforcement.sql import SwitchStore
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integrations, IntegrationStore, InUseBy, PartMissing, Reach, Uses
from aforo.jobs import Jobs, JobStore, Schedules
from aforo.kit.clock import Clock, SystemClock
from aforo.kit.db import Database
from aforo.kit.secretbox import MasterKeys, SecretBox
from aforo.pricing import Pricing, Sellable, SellableAt
from aforo.pricing import open_room as open_pricing
from aforo.usage import EventLog
from aforo.usage.keeping import Keeping
from aforo.usage.pulled import Pulling, Reconciling

_READ_ONE_BY_ONE = 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """The api's rooms, ready to serve."""

    settings: Settings
    clock: Clock
    db: Database
    accounts: Accounts
    people: People
    company: CompanySignIn
    door: Door
    integrations: Integrations
    catalog: Catalog
    watch: DriftWatch
    sweeper: Sweeper
    customers: CustomersRoom
    credentials: CredentialsRoom
    pricing: Pricing
    desk: EnforcementDesk
    events: EventLog
    artifacts: ArtifactsRoom
    jobs: Jobs
    schedules: Schedules
    first_answers: FirstAnswers
    alerts: AlertsRoom
    telling: Telling
    margin: MarginTables
    customer_margins: CustomerMargins
    costs: CostDesk
    pulling: Pulling
    reconciling: Reconciling
    keeping: Keeping

    async def aclose(self) -> None:
        await self.alerts.deliverer.stop()
        await self.schedules.stop()
        await self.jobs.stop()
        await self.credentials.driver.stop()
        self.margin.earnings.close()
        await self.db.aclose()


def open_rooms(settings: Settings, clock: Clock | None = None) -> Rooms:
    """Open the records of a prepared data folder and wire the rooms on them."""
    clock = clock or SystemClock()
    db = Database(settings.records_path)
    box = SecretBox(MasterKeys.load_or_create(settings.key_path))
    accounts, people = Accounts(AccountStore(db), clock), PeopleStore(db)
    reach = Reach(settings.may_call_private, settings.gateway_facts(), settings.oauth_facts())
    alerts = open_alerts(db, box, clock, settings.base_url, allow_private=settings.may_call_private)
    telling = Telling(alerts.alerts, clock)
    integrations = Integrations(IntegrationStore(db), box, gateways(), reach, clock)
    vault, products = Vault(box), ProductStore(db)
    watch = DriftWatch(products, integrations, vault, clock, telling.drift_noted)
    standby = Standby(db)
    customers = open_room(
        db,
        _products_of(products),
        clock,
        standby.on_change,
        standby.at_gateways(),
        data_dir=settings.data_dir,
        owners_of=standby.owners,
    )
    shelf, provisioners = _shelf(products), _provisioners(integrations)
    keys_changed = _keys_changed(telling, settings.data_dir)
    credentials = open_credentials(db, standby, customers, shelf, provisioners, box, clock, changed=keys_changed)
    impact_of = _impact_of(customers, credentials)
    catalog = Catalog(products, integrations, vault, watch, impact_of, clock)
    live_counts = credentials.credentials.live_counts
    pricing = open_pricing(
        db,
        vault,
        integrations,
        customers,
        _sellable(products),
        live_counts,
        watch.turn,
        clock,
        on_sync=credentials.seating.wake,
    )
    desk = EnforcementDesk(SwitchStore(db, clock), settings.data_dir, catalog.product, _quotas_of(customers, clock))
    events = EventLog(settings.data_dir / "log")
    around = outside(integrations, shelf.at, desk, events)
    artifacts = open_artifacts(db, box, accounts, customers, credentials, around, settings.edge_url, clock)
    jobs = Jobs(JobStore(db), clock, problem)
    sweeper = Sweeper(products, integrations, vault, watch, clock)
    pulling, reconciling = pulled(settings.data_dir, integrations, shelf.at, artifacts, clock)
    keeping = open_keeping(db, settings.data_dir, accounts, customers, clock)
    schedules = open_schedules(db, accounts, integrations, sweeper, credentials.orphans, pulling, keeping, clock)
    first_answers = FirstAnswers(db, box, clock)
    margin = margin_tables(settings, customers, catalog, desk, clock)
    rooms = Rooms(
        settings,
        clock,
        db,
        accounts,
        People(people, accounts, clock, passwords=settings.password_sign_in),
        open_company_sign_in(company_setting(settings), people, accounts, box, clock),
        Door(accounts),
        integrations,
        catalog,
        watch,
        sweeper,
        customers,
        credentials,
        pricing,
        desk,
        events,
        artifacts,
        jobs,
        schedules,
        first_answers,
        alerts,
        telling,
        margin,
        CustomerMargins(margin, customers.customers, customers.subscriptions),
        cost_desk(customers, margin, catalog, clock),
        pulling,
        reconciling,
        keeping,
    )
    telling.serves(rooms, impact_of)
    integrations.listeners.on_health.append(telling.health_changed)
    integrations.listeners.on_breaker.append(telling.breaker_changed)
    return rooms


def _keys_changed(telling: Telling, data_dir: Path) -> Callable[[str], Awaitable[None]]:
    """Whoever gets a key can call with it at once, and whoever lost one cannot."""

    async def keys_changed(tenant_id: str) -> None:
        await poke_edge(data_dir)
        await telling.keys_changed(tenant_id)

    return keys_changed


def _impact_of(customers: CustomersRoom, credentials: CredentialsRoom) -> ImpactOf:
    """What products touch: subscriptions and money from one room, live credentials from the other."""

    async def impact_of(tenant_id: str, product_ids: Collection[str]) -> Mapping[str, Impact]:
        told = await customers.subscriptions.impact(tenant_id, product_ids)
        if not told:
            return told
        live = await credentials.credentials.live_counts(tenant_id)
        keys = await customers.subscriptions.sums(tenant_id, told.keys(), live)
        return {one: replace(impact, credentials=keys[one]) for one, impact in told.items()}

    return impact_of


def uses_of(rooms: Rooms) -> InUseBy:
    """What hangs on an integration: imported products, and what works at the gateway."""

    async def uses(tenant_id: str, integration_id: str) -> Uses:
        products = await rooms.catalog.in_use_by(tenant_id, integration_id)
        live = await rooms.credentials.credentials.at(tenant_id, integration_id)
        artifact = await rooms.artifacts.artifacts.exists(tenant_id, integration_id)
        return replace(
            products,
            credentials=[f"{one.id} of {one.subscription_id}" for one in live],
            artifacts=["enforcement"] if artifact else [],
        )

    return uses


def _quotas_of(customers: CustomersRoom, clock: Clock) -> QuotasOf:
    """The quotas of the plan that a subscription is on, in the periods that hold this moment."""

    async def quotas(tenant_id: str, subscription_id: str) -> list[QuotaNow]:
        one = (await customers.subscriptions.one(tenant_id, subscription_id)).subscription
        plan = await customers.plans.one(tenant_id, one.plan_id, one.plan_version)
        now = clock.now()
        return [_quota_now(quota, period_at(now, quota.spec())) for quota in plan.terms.quotas]

    return quotas


def _quota_now(quota: Quota, period: Period) -> QuotaNow:
    named = quota.metric, quota.period.value, quota.anchor_day, quota.time_zone, quota.mode.value
    return QuotaNow(*named, Decimal(quota.units), period.start, period.end)


def _provisioners(integrations: Integrations) -> Provisioners:
    """Opens gateways for the credentials room."""

    @asynccontextmanager
    async def provisioners(tenant_id: str, integration_id: str, urgent: bool) -> AsyncIterator[Provisioner]:
        try:
            async with integrations.provisioner(tenant_id, integration_id, urgent=urgent) as provisioner:
                yield provisioner
        except PartMissing as fault:
            raise NotProvisionable(fault.detail) from fault

    return provisioners


def _shelf(products: ProductStore) -> Shelf:
    """Products as gateways know them, for the credentials room."""

    async def sold(tenant_id: str, ids: Collection[str]) -> Mapping[str, SoldProduct]:
        rows = await _read(products, tenant_id, frozenset(ids))
        return {row.id: SoldProduct(row.integration_id, _scoped(row)) for row in rows}

    async def at(tenant_id: str, integration_id: str) -> list[ScopedProduct]:
        return [_scoped(row) for row in await products.products(tenant_id, integration_id=integration_id)]

    return Shelf(sold, at)


def _sellable(products: ProductStore) -> SellableAt:
    """Products as the pricing room needs them."""

    async def sellable(tenant_id: str, integration_id: str) -> list[Sellable]:
        rows = await products.products(tenant_id, integration_id=integration_id)
        return [Sellable(_scoped(row), row.version, row.monetized) for row in rows]

    return sellable


def _scoped(row: ProductRow) -> ScopedProduct:
    return ScopedProduct(row.id, row.ref, row.native_id, row.name)


def _products_of(products: ProductStore) -> ProductsOf:
    """What the customers room may know of products."""

    async def products_of(tenant_id: str, ids: Collection[str]) -> Mapping[str, ProductRef]:
        rows = await _read(products, tenant_id, frozenset(ids))
        return {row.id: ProductRef(row.id, row.name, row.integration_id) for row in rows}

    return products_of


async def _read(products: ProductStore, tenant_id: str, wanted: frozenset[str]) -> list[ProductRow]:
    """A few are read one by one, many as the tenant's whole list."""
    if len(wanted) <= _READ_ONE_BY_ONE:
        return [row for one in sorted(wanted) if (row := await products.product(tenant_id, one))]
    return [row for row in await products.products(tenant_id) if row.id in wanted]
