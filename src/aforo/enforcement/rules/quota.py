"""How much of a quota is left, and how much of it is made durable ahead of need. Nano-units throughout."""

from typing import Final

UNIT: Final = 10**9
_PART_OF_REST: Final = 100


def first_chunk(rest: int) -> int:
    """What a counter takes before anybody knows how busy it is."""
    return min(16 * UNIT, largest_chunk(rest))


def largest_chunk(rest: int) -> int:
    """At most 1 % of what remains in whole units, at least one unit, never more than there is."""
    if rest <= 0:
        return 0
    return min(rest, max(UNIT, rest // _PART_OF_REST // UNIT * UNIT))


def next_chunk(last: int, rest: int, seconds_since_last: float) -> int:
    """Chunks follow demand: twice the last one where it was used up within a second, half where it lasted five."""
    if seconds_since_last < 1:
        wanted = last * 2
    elif seconds_since_last > 5:
        wanted = last // 2
    else:
        wanted = last
    return min(max(wanted, UNIT), largest_chunk(rest))


def taken_until(given: int, rest: int, chunk: int, asked: int) -> int:
    """Up to where units are to be durable: what was given, what somebody waits for, and one chunk; never past the end.

    So a crash strands at most one chunk beside calls that were not answered yet.
    """
    return given + min(rest, asked + chunk) if rest > 0 else given


def approaches(limit: int, used: int) -> bool:
    """From 80 % on the caller is warned."""
    return used * 5 >= limit * 4


def shown(nanos: int) -> str:
    """Nano-units as the shortest plain decimal."""
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    whole, nano = divmod(nanos, UNIT)
    return f"{sign}{whole}.{nano:09d}".rstrip("0") if nano else f"{sign}{whole}"
