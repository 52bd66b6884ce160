"""What clients were told, and so may rely on. Shared by all of them."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Lease:
    """`units` until a settlement is tried; from then on no more than was `used` can have been spent."""

    id: str
    customer: str
    units: int


@dataclass(slots=True)
class Tally:
    """`acknowledged`: keys of events with a 202. `spent`: units of HARD quotas that were allowed and may be used up.

    `windows` holds, for each answer that promises something durable, when its request was sent and when it came, in
    nanoseconds of the monotonic clock, by the file that must have been synced in between.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: set[str] = field(default_factory=set)
    spent: Counter[str] = field(default_factory=Counter)
    leases: list[Lease] = field(default_factory=list)
    windows: list[tuple[int, int, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def violated(self, what: str) -> None:
        with self.lock:
            self.violations.append(what)

    def promised(self, kind: int, window: tuple[int, int]) -> None:
        with self.lock:
            self.windows.append((kind, *window))
