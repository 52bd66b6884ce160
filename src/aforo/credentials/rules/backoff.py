"""When to try again."""

from typing import Final

FIRST_SECONDS: Final = 2.0
LONGEST_SECONDS: Final = 300.0


def wait_seconds(attempts: int, jitter: float) -> float:
    """After so many failed attempts (1 or more); `jitter` in [0, 1) spreads waits over the upper half of their span."""
    whole = min(FIRST_SECONDS * (1 << min(attempts - 1, 16)), LONGEST_SECONDS)
    return whole * (0.5 + jitter / 2)
