"""Resource Manager's own call limits: token buckets for reads, writes and deletes of one principal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aforo.gateways.azure.emulator.wire import ArmError
from aforo.kit.clock import Clock

LIMITS: Final[Mapping[str, tuple[float, float]]] = {"reads": (250, 25), "writes": (200, 10), "deletes": (200, 10)}
"""Bucket → (size, refilled in a second); source: Azure Resource Manager's documented throttling."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """Counts always, and tells what is left; refuses only when switched on."""

    def __init__(self, clock: Clock, *, refuses: bool) -> None:
        self._clock = clock
        self.refuses = refuses
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def count(self, caller: str, method: str) -> dict[str, str]:
        """The header that tells what is left; raises 429 with Retry-After in whole seconds."""
        which = "reads" if method in ("GET", "HEAD") else "deletes" if method == "DELETE" else "writes"
        size, refill = LIMITS[which]
        now = self._clock.monotonic()
        bucket = self._buckets.setdefault((caller, which), _Bucket(size, now))
        bucket.tokens, bucket.at = min(size, bucket.tokens + (now - bucket.at) * refill), now
        if bucket.tokens < 1 and self.refuses:
            wait = str(math.ceil((1 - bucket.tokens) / refill))
            words = f"Number of {which} for this principal exceeded the limit."
            raise ArmError(429, "SubscriptionRequestsThrottled", words, headers={"retry-after": wait})
        bucket.tokens = max(0.0, bucket.tokens - 1)
        return {f"x-ms-ratelimit-remaining-subscription-{which}": str(int(bucket.tokens))}
