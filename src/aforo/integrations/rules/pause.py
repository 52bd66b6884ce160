"""What a maintenance pause may be."""

from datetime import datetime, timedelta
from typing import Final

from aforo.integrations.model import Pause
from aforo.kit.errors import Invalid

LONGEST: Final = timedelta(days=30)
_LONGEST_REASON: Final = 500


def checked_pause(until: datetime, reason: str, now: datetime) -> Pause:
    """Raises Invalid for a moment that is not soon to come, or without a reason."""
    faults: list[tuple[str, str]] = []
    if until.tzinfo is None:
        faults.append(("/until", "must name its zone, such as 2026-11-22T18:00:00Z"))
    elif not now < until <= now + LONGEST:
        faults.append(("/until", f"must be in the future, and at most {LONGEST.days} days away"))
    words = reason.strip()
    if not words or len(words) > _LONGEST_REASON:
        faults.append(("/reason", f"must say why, in at most {_LONGEST_REASON} letters"))
    if faults:
        raise Invalid("The pause is not acceptable.", tuple(faults), next_step="Correct it and try again.")
    return Pause(until, words)
