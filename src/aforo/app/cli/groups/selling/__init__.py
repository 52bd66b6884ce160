"""What is sold, to whom and at what cost: metrics, customers, plans, subscriptions, costs and margins."""

from aforo.app.cli.groups.selling import costs, customers, metrics, plans, subscriptions

GROUPS = {
    "metrics": metrics.app,
    "customers": customers.app,
    "plans": plans.app,
    "subscriptions": subscriptions.app,
    "costs": costs.costs,
    "margins": costs.margins,
}

__all__ = ["GROUPS"]
