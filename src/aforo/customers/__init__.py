"""Customers, metrics, plans, rating and subscriptions; the grants that follow from them."""

from aforo.customers.model import Change, Grant, Plan, ProductRef
from aforo.customers.room import CustomersRoom, open_room
from aforo.customers.service import ProductsOf

__all__ = ["Change", "CustomersRoom", "Grant", "Plan", "ProductRef", "ProductsOf", "open_room"]
