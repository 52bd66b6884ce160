"""The room over HTTP.

`/api/v1/metrics`, `/customers`, `/plans`, `/subscriptions`, `/statements`, `/cost-rules`, `/margin-guards`.
"""

from fastapi import APIRouter

from aforo.accounts import Accounts, CallerFor
from aforo.customers.room import CustomersRoom
from aforo.customers.routes import customers, margins, metrics, plans, statements, subscriptions


def router(room: CustomersRoom, accounts: Accounts, caller: CallerFor) -> APIRouter:
    api = APIRouter()
    api.include_router(metrics.router(room.metrics, accounts, caller))
    api.include_router(customers.router(room.customers, accounts, caller))
    api.include_router(plans.router(room.plans, accounts, caller))
    api.include_router(subscriptions.router(room.subscriptions, accounts, caller))
    api.include_router(statements.router(room.statements, caller))
    api.include_router(margins.router(room.margins, accounts, caller))
    return api
