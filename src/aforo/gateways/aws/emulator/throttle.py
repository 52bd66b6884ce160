"""API Gateway's own call limits, per account and region, as token buckets. They are fixed and cannot be raised.

Source: API Gateway's quotas for its management API, as listed in its developer guide.
"""

import math
from dataclasses import dataclass

from aforo.gateways.aws.emulator.wire import AwsError
from aforo.kit.clock import Clock

EVERY = "*"
LIMITS: dict[str, tuple[float, float]] = {
    EVERY: (10, 1),
    "CreateApiKey": (5, 1),
    "DeleteApiKey": (5, 1),
    "CreateResource": (5, 1),
    "GetResources": (5, 2),
    "PutRestApi": (1, 1),
    "CreateDeployment": (1, 5),
    "ImportRestApi": (1, 3),
    "DeleteRestApi": (1, 30),
    "UpdateAccount": (1, 20),
    "UpdateUsagePlan": (1, 20),
}
"""Operation of REST APIs → (calls, in seconds). An edge-optimised import, 1 in 30 s at AWS, is not told apart here."""

_BURST = {EVERY: 40.0}


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """Counts calls and refuses those above a limit; a refused call costs nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def admit(self, account_id: str, region: str, operation: str) -> None:
        """Raises TooManyRequestsException with Retry-After in whole seconds."""
        names = [name for name in (operation, EVERY) if name in LIMITS]
        waits = [self._wait((account_id, region, name), LIMITS[name]) for name in names]
        if max(waits) > 0:
            seconds = math.ceil(max(waits))
            raise AwsError("TooManyRequestsException", "Too Many Requests", 429, {"retry-after": str(seconds)})
        for name in names:
            self._buckets[account_id, region, name].tokens -= 1

    def _wait(self, key: tuple[str, str, str], limit: tuple[float, float]) -> float:
        calls, seconds = limit
        burst = _BURST.get(key[2], calls)
        now = self._clock.monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * calls / seconds)
        bucket.at = now
        return 0.0 if bucket.tokens >= 1 else (1 - bucket.tokens) * seconds / calls
