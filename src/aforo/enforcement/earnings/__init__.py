"""What usage earned and cost: revenue, cost and margin of a span, by customer, plan and product."""

from aforo.enforcement.earnings.counting import PATIENCE_SECONDS
from aforo.enforcement.earnings.figures import Earnings, Figures, StillCounting
from aforo.enforcement.earnings.reading import Asked, CustomerMargins, MarginTables
from aforo.enforcement.earnings.spans import SPANS, Span
from aforo.enforcement.earnings.table import Names, money, units

__all__ = [
    "PATIENCE_SECONDS",
    "SPANS",
    "Asked",
    "CustomerMargins",
    "Earnings",
    "Figures",
    "MarginTables",
    "Names",
    "Span",
    "StillCounting",
    "money",
    "units",
]
