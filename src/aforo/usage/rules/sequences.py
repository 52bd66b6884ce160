"""Which sequence numbers of a node's epoch are there, and which are not. Pure.

Numbers that follow each other without a gap are one run; the gaps between runs are the holes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple


class Run(NamedTuple):
    """The numbers `first` to `last` are all there; their events occurred between `from_ns` and `to_ns`."""

    first: int
    last: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Hole:
    """The numbers `first` to `last` are missing. They lie between events of `after_ns` and `before_ns`; None at the
    front, where nothing came before."""

    first: int
    last: int
    after_ns: int | None
    before_ns: int

    def touches(self, from_ns: int, to_ns: int) -> bool:
        """Whether a missing event may have occurred in a period."""
        ends = [self.before_ns] if self.after_ns is None else [self.after_ns, self.before_ns]
        return (self.after_ns is None or min(ends) < to_ns) and max(ends) >= from_ns


def joined(runs: Iterable[Run], numbers: Iterable[tuple[int, int]]) -> tuple[list[Run], list[int]]:
    """Runs with some (number, occurred) added, in order; and those numbers that were there already, once for each time.

    The order in which numbers come makes no difference.
    """
    again: list[int] = []
    merged: list[Run] = []
    singles = (Run(number, number, moment, moment) for number, moment in numbers)
    for run in sorted([*runs, *singles], key=lambda one: (one.first, one.first - one.last)):
        if not merged or run.first > merged[-1].last + 1:
            merged.append(run)
            continue
        before = merged[-1]
        if run.last <= before.last:
            again.append(run.first)
        merged[-1] = Run(
            before.first, max(before.last, run.last), min(before.from_ns, run.from_ns), max(before.to_ns, run.to_ns)
        )
    return merged, again


def holes(runs: Sequence[Run]) -> list[Hole]:
    """What is missing between runs, and before the first of them: numbers begin at 1, or at 0 where a 0 was seen."""
    found = [Hole(1, runs[0].first - 1, None, runs[0].from_ns)] if runs and runs[0].first > 1 else []
    for before, behind in pairwise(runs):
        found.append(Hole(before.last + 1, behind.first - 1, before.to_ns, behind.from_ns))
    return found
