"""What is sold, to whom and at what cost: metrics, customers, plans, subscriptions, statements, costs and margins."""

from aforo.app.cli.groups.selling import costs, customers, metrics, plans, statements, subscriptions

GROUPS = {
    "metrics": metrics.app,
    "customers": customers.app,
    "plans": plans.app,
    "subscriptions": subscriptions.app,
    "statements": statements.app,
    "costs": costs.costs,
    "margins": costs.margins,
}

__all__ = ["GROUPS", "costs"]
