"""Cost rules as people work with them: what holds, what a change would come to, and many at once from a sheet."""

from aforo.enforcement.costs.desk import CostDesk
from aforo.enforcement.costs.sheet import Label

__all__ = ["CostDesk", "Label"]
