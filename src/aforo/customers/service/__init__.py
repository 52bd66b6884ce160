"""What this room does, a class a noun."""

from aforo.customers.service.customers import Customers
from aforo.customers.service.margins import Margins
from aforo.customers.service.metrics import Metrics
from aforo.customers.service.plans import Plans, ProductsOf
from aforo.customers.service.statements import Provenance, Sources, Statements, Told
from aforo.customers.service.subscriptions import NOWHERE, AtGateways, Observed, Subscriptions

__all__ = [
    "NOWHERE",
    "AtGateways",
    "Customers",
    "Margins",
    "Metrics",
    "Observed",
    "Plans",
    "ProductsOf",
    "Provenance",
    "Sources",
    "Statements",
    "Subscriptions",
    "Told",
]
