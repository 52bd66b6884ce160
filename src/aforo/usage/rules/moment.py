"""When an event happened: RFC 3339 text or epoch milliseconds to nanoseconds of UTC, and which moments are taken."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from aforo.usage.model import Refused

SECOND_NS: Final = 1_000_000_000
AHEAD_NS: Final = 5 * 60 * SECOND_NS
LATE_NS: Final = 24 * 3600 * SECOND_NS
TOO_LATE_NS: Final = 90 * 24 * 3600 * SECOND_NS

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)
_EPOCH_MS: Final = re.compile(r"(-?)(\d{1,16})(?:\.(\d{1,30}))?(?:[eE]\+?(\d{1,2}))?", re.ASCII)
_FORM: Final = "occurredAt must be RFC 3339 with an offset and at most 9 fraction digits, or epoch milliseconds"


def from_text(text: str) -> int:
    """RFC 3339 with 0 to 9 fraction digits and any offset; raises Refused `invalid_time`. Second 60 is the next 0."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Refused("invalid_time", _FORM)
    date, time, fraction, sign, hours, minutes = match.groups()
    seconds = _utc_seconds(date, time)
    if sign:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    return seconds * SECOND_NS + (int(fraction.ljust(9, "0")) if fraction else 0)


def from_number(text: str) -> int:
    """Epoch milliseconds as the JSON number stood in the text; what is finer than a nanosecond is cut off."""
    match = _EPOCH_MS.fullmatch(text)
    if match is None:
        raise Refused("invalid_time", _FORM)
    sign, whole, fraction, exponent = match.groups(default="")
    digits, places = whole + fraction, 6 - len(fraction) + int(exponent or 0)
    moment = int(digits) * int(10**places) if places >= 0 else int(digits) // int(10**-places)
    if moment > 2**62:
        raise Refused("invalid_time", "occurredAt is beyond the year 2100; send milliseconds, not micro or nanoseconds")
    return -moment if sign else moment


def check_window(occurred_ns: int, now_ns: int) -> None:
    """At most 5 minutes ahead, at most 90 days late; both ends belong to it. Raises Refused."""
    if occurred_ns > now_ns + AHEAD_NS:
        raise Refused("timestamp_in_future", "occurredAt is more than 5 minutes in the future; set the sender's clock")
    if occurred_ns < now_ns - TOO_LATE_NS:
        raise Refused("too_late", "occurredAt is more than 90 days ago; such usage is no longer taken")


def is_late(occurred_ns: int, received_ns: int) -> bool:
    """Received more than 24 hours after it happened."""
    return occurred_ns < received_ns - LATE_NS


def text_of(moment_ns: int) -> str:
    """RFC 3339 in UTC with milliseconds, or with nanoseconds where there are any."""
    seconds, rest = divmod(moment_ns, SECOND_NS)
    date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{date}.{rest // 1_000_000:03d}Z" if rest % 1_000_000 == 0 else f"{date}.{rest:09d}Z"


@lru_cache(maxsize=4096)
def _utc_seconds(date: str, time: str) -> int:
    leap = time.endswith(":60")
    try:
        plain = datetime.fromisoformat(f"{date}T{time[:6]}59+00:00" if leap else f"{date}T{time}+00:00")
    except ValueError:
        raise Refused("invalid_time", "occurredAt is not a date and time that exists") from None
    return int(plain.timestamp()) + leap
