"""Which idempotency keys were seen in the last 91 days, and with what content."""

from aforo.usage.dedupe.dedupe import Dedupe, Seen

__all__ = ["Dedupe", "Seen"]
