"""The room's parts, joined."""

from dataclasses import dataclass
from pathlib import Path

from aforo.customers.service import (
    NOWHERE,
    AtGateways,
    Customers,
    Margins,
    Metrics,
    Plans,
    ProductsOf,
    Sources,
    Statements,
    Subscriptions,
)
from aforo.customers.service.margins import Scopes
from aforo.customers.service.statements import OwnersOf, owned_by_nobody
from aforo.customers.service.subscriptions import Stores
from aforo.customers.sql import (
    CustomerStore,
    MarginStore,
    MetricStore,
    OnChange,
    PlanStore,
    SubscriptionStore,
    tell_nobody,
)
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.usage import CompletenessLog, UsageLog


@dataclass(frozen=True, slots=True)
class CustomersRoom:
    """What is counted, who buys, what is sold, who is on what, and what it costs and must leave."""

    metrics: Metrics
    customers: Customers
    plans: Plans
    subscriptions: Subscriptions
    margins: Margins
    statements: Statements


def open_room(
    db: Database,
    products_of: ProductsOf,
    clock: Clock,
    on_change: OnChange = tell_nobody,
    at_gateways: AtGateways = NOWHERE,
    *,
    data_dir: Path,
    owners_of: OwnersOf = owned_by_nobody,
) -> CustomersRoom:
    """The room on the records; `products_of` looks products up in the catalog.

    `on_change` hears of every written subscription inside its transaction, `at_gateways` tells where it stands.
    `data_dir` is where usage is kept; `owners_of` tells whose a credential is.
    """
    customer_store, plan_store = CustomerStore(db), PlanStore(db)
    metrics = Metrics(MetricStore(db))
    plans = Plans(plan_store, metrics, products_of, clock)
    stores = Stores(SubscriptionStore(db, on_change), customer_store, plan_store)
    sources = Sources(UsageLog(data_dir), CompletenessLog(data_dir), products_of, owners_of)
    return CustomersRoom(
        metrics,
        Customers(customer_store, clock),
        plans,
        Subscriptions(stores, plans, products_of, clock, at_gateways),
        Margins(MarginStore(db), Scopes(metrics, products_of, customer_store, plan_store), clock),
        Statements(stores, metrics, sources, clock),
    )
