"""Times in queries."""

import re
from typing import Final

from aforo.kit.errors import Invalid
from aforo.usage.model import Refused
from aforo.usage.rules.moment import from_number, from_text

_PLUS_LOST: Final = re.compile(r" (\d\d:\d\d)$")  # an offset's `+` that was not percent-encoded


def moment_ns(text: str | None, name: str) -> int | None:
    """RFC 3339 or epoch milliseconds to nanoseconds. Raises Invalid."""
    if text is None:
        return None
    try:
        return from_number(text) if text.lstrip("-").isdigit() else from_text(_PLUS_LOST.sub(r"+\1", text))
    except Refused:
        fault = ((f"/{name}", "must be RFC 3339 with an offset, or epoch milliseconds"),)
        raise Invalid(f"`{name}` is not a time that can be read.", fault) from None


def period_ns(since: str | None, until: str | None, now_ns: int, span_ns: int) -> tuple[int, int]:
    """From and to; without them until now, and `span_ns` long. Raises Invalid."""
    to_ns = moment_ns(until, "to")
    to_ns = now_ns if to_ns is None else to_ns
    from_ns = moment_ns(since, "from")
    from_ns = to_ns - span_ns if from_ns is None else from_ns
    if from_ns >= to_ns:
        raise Invalid("The period is empty.", (("/from", "must be before `to`"),))
    return from_ns, to_ns
