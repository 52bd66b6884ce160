"""Previews, syncs, and how what was synced stands."""

from aforo.pricing.service.pricing import Pricing, SyncResult
from aforo.pricing.service.wishes import Wishes

__all__ = ["Pricing", "SyncResult", "Wishes"]
