"""Customers, metrics, plans, rating and subscriptions; the grants that follow from them."""

from aforo.customers.model import Change, Customer, Grant, Mode, Plan, ProductRef, Subscription
from aforo.customers.room import CustomersRoom, open_room
from aforo.customers.rules.states import State
from aforo.customers.service import AtGateways, Observed, ProductsOf
from aforo.customers.shapes import NewCustomer, NewSubscription
from aforo.customers.sql import OnChange, note_change
from aforo.customers.terms import QuotaMode, Terms

__all__ = [
    "AtGateways",
    "Change",
    "Customer",
    "CustomersRoom",
    "Grant",
    "Mode",
    "NewCustomer",
    "NewSubscription",
    "Observed",
    "OnChange",
    "Plan",
    "ProductRef",
    "ProductsOf",
    "QuotaMode",
    "State",
    "Subscription",
    "Terms",
    "note_change",
    "open_room",
]
