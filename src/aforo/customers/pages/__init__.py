"""The console's pages on what is sold and to whom: plans, customers, subscriptions."""

from fastapi import APIRouter

import aforo.customers.pages.customers as customers
import aforo.customers.pages.plan_form as plan_form
import aforo.customers.pages.plans as plans
import aforo.customers.pages.statements as statements
import aforo.customers.pages.subscriptions as subscriptions
from aforo.customers.pages.parts import Key, Parts, Place, QuotaLevel, Sellable

__all__ = ["Key", "Parts", "Place", "QuotaLevel", "Sellable", "router"]


def router(parts: Parts) -> APIRouter:
    """`/plans`, `/customers`, `/statements` and `/subscriptions`."""
    pages = APIRouter(include_in_schema=False)
    for add in (plan_form.add, plans.add, customers.add, statements.add, subscriptions.add):
        add(pages, parts)
    return pages
