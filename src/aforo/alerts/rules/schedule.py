"""When a failed delivery is tried again: the waits that Standard Webhooks recommends, for every kind of channel."""

from typing import Final

WAITS_SECONDS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten tries within three days and three hours."""
MOST_TRIES: Final = len(WAITS_SECONDS) + 1
_LONGEST_ASKED: Final = 3_600.0


def wait_seconds(tries: int, asked: float = 0.0) -> float | None:
    """After so many tries (1 or more); None when it is given up. Patience that a receiver asked for counts up to an
    hour, since a wrong header must not silence a channel.
    """
    if tries >= MOST_TRIES:
        return None
    return max(float(WAITS_SECONDS[tries - 1]), min(asked, _LONGEST_ASKED))
