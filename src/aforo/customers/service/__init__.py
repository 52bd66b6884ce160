"""What this room does, a class a noun."""

from aforo.customers.service.customers import Customers
from aforo.customers.service.margins import Margins
from aforo.customers.service.metrics import Metrics
from aforo.customers.service.plans import Plans, ProductsOf
from aforo.customers.service.subscriptions import Subscriptions

__all__ = ["Customers", "Margins", "Metrics", "Plans", "ProductsOf", "Subscriptions"]
