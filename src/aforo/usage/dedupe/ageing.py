"""Which files of keys to merge, and which to drop. Pure.

Files stand in order of time and cover UTC days of receipt. Few files are few filters to ask; old days are merged into
weeks, weeks into months, as their sizes ask for it, and never over more than a month, so that whole files can be
dropped once their last day is past.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

KEPT_DAYS: Final = 91
MOST_DAYS: Final = 31
CALM_FILES: Final = 8
"""Up to so many files are left alone. While a merge runs a few more come; 12 is what a batch usually asks at most."""


class KeyFile(msgspec.Struct, frozen=True, rename="camel"):
    """One immutable file: its number, how many keys, and the first and last day (days since 1970)."""

    number: int
    count: int
    first_day: int
    last_day: int


def to_merge(files: Sequence[KeyFile]) -> tuple[KeyFile, KeyFile] | None:
    """The cheapest two neighbours, or None while there are few files."""
    if len(files) <= CALM_FILES:
        return None
    pairs = [(one, next_) for one, next_ in pairwise(files) if _days(one, next_) <= MOST_DAYS]
    return min(pairs, key=lambda pair: pair[0].count + pair[1].count, default=None)


def is_past(file: KeyFile, today: int) -> bool:
    """Whether no key of the file is needed any more."""
    return file.last_day < today - KEPT_DAYS


def _days(one: KeyFile, other: KeyFile) -> int:
    return max(one.last_day, other.last_day) - min(one.first_day, other.first_day) + 1
