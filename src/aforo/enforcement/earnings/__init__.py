"""What usage earned and cost: revenue, cost and margin of a span, by customer, plan and product."""

from aforo.enforcement.earnings.figures import Earnings, Figures
from aforo.enforcement.earnings.reading import Asked, CustomerMargins, MarginTables
from aforo.enforcement.earnings.spans import SPANS, Span
from aforo.enforcement.earnings.table import Names, money, units

__all__ = [
    "SPANS",
    "Asked",
    "CustomerMargins",
    "Earnings",
    "Figures",
    "MarginTables",
    "Names",
    "Span",
    "money",
    "units",
]
