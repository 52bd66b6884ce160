"""Customers, metrics, plans, rating and subscriptions; the grants that follow from them.

Names come on first use: the edge counts periods by this room's rules, and does without the database library and the
validation of requests that the rest brings along.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aforo.customers.model import (
        Change,
        CostRule,
        Customer,
        GatewayStatus,
        Grant,
        Mode,
        Placed,
        Plan,
        PlanState,
        ProductRef,
        Subscription,
    )
    from aforo.customers.room import CustomersRoom, open_room
    from aforo.customers.rules.currency import EXACT, payable
    from aforo.customers.rules.periods import Period, period_at
    from aforo.customers.rules.plan import priced
    from aforo.customers.rules.statement import fixed_fees
    from aforo.customers.rules.states import State, Verb
    from aforo.customers.service import AtGateways, Customers, Margins, Observed, ProductsOf, Subscriptions
    from aforo.customers.shapes import CostScope, NewCostRule, NewCustomer, NewPlan, NewSubscription, PlanPatch
    from aforo.customers.sql import OnChange, note_change
    from aforo.customers.terms import Quota, QuotaMode, Rate, Terms

__all__ = [
    "EXACT",
    "AtGateways",
    "Change",
    "CostRule",
    "CostScope",
    "Customer",
    "Customers",
    "CustomersRoom",
    "GatewayStatus",
    "Grant",
    "Margins",
    "Mode",
    "NewCostRule",
    "NewCustomer",
    "NewPlan",
    "NewSubscription",
    "Observed",
    "OnChange",
    "Period",
    "Placed",
    "Plan",
    "PlanPatch",
    "PlanState",
    "ProductRef",
    "ProductsOf",
    "Quota",
    "QuotaMode",
    "Rate",
    "State",
    "Subscription",
    "Subscriptions",
    "Terms",
    "Verb",
    "fixed_fees",
    "note_change",
    "open_room",
    "payable",
    "period_at",
    "priced",
]

_LATER = {
    "EXACT": "rules.currency",
    "AtGateways": "service",
    "Change": "model",
    "CostRule": "model",
    "CostScope": "shapes",
    "Customer": "model",
    "Customers": "service",
    "CustomersRoom": "room",
    "GatewayStatus": "model",
    "Grant": "model",
    "Margins": "service",
    "Mode": "model",
    "NewCostRule": "shapes",
    "NewCustomer": "shapes",
    "NewPlan": "shapes",
    "NewSubscription": "shapes",
    "Observed": "service",
    "OnChange": "sql",
    "Period": "rules.periods",
    "Placed": "model",
    "Plan": "model",
    "PlanPatch": "shapes",
    "PlanState": "model",
    "ProductRef": "model",
    "ProductsOf": "service",
    "Quota": "terms",
    "QuotaMode": "terms",
    "Rate": "terms",
    "State": "rules.states",
    "Subscription": "model",
    "Subscriptions": "service",
    "Terms": "terms",
    "Verb": "rules.states",
    "fixed_fees": "rules.statement",
    "note_change": "sql",
    "open_room": "room",
    "payable": "rules.currency",
    "period_at": "rules.periods",
    "priced": "rules.plan",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
