"""How long a vendor asks us to wait (RFC 9110, 10.2.3): seconds, or a date."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 3600.0
_UNTOLD_SECONDS: Final = 1.0


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Between 0 and 3,600 seconds; 1 where the vendor says nothing that can be read. Header names in lower case.

    A date is reckoned from the answer's own `Date`, since the vendor's clock may differ from ours; without one from
    `now`.
    """
    told = headers.get("retry-after", "").strip()
    until = _moment(told)
    if until is not None:
        return _within((until - (_moment(headers.get("date", "")) or now)).total_seconds())
    try:
        seconds = float(told)
    except ValueError:
        return _UNTOLD_SECONDS
    return _within(seconds) if math.isfinite(seconds) else _UNTOLD_SECONDS


def _within(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_SECONDS)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
