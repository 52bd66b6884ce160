"""How long a tenant's events are kept whole, and taking out what tells of one customer."""

from aforo.usage.keeping.service import LEAST_DAYS, Keeping
from aforo.usage.keeping.store import Retention, RetentionStore

__all__ = ["LEAST_DAYS", "Keeping", "Retention", "RetentionStore"]
