"""Tables of the customers room and what reads and writes them. Rules that span rows hold inside one transaction."""

from aforo.customers.sql.customers import CustomerStore
from aforo.customers.sql.margin import MarginStore
from aforo.customers.sql.metrics import MetricStore
from aforo.customers.sql.plans import PlanStore
from aforo.customers.sql.subscriptions import OnChange, SubscriptionStore, note_change, tell_nobody

__all__ = [
    "CustomerStore",
    "MarginStore",
    "MetricStore",
    "OnChange",
    "PlanStore",
    "SubscriptionStore",
    "note_change",
    "tell_nobody",
]
