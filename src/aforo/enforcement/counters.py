"""Counters in memory: what one subscription has used of one metric in one period."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from aforo.enforcement.model import Log, Span
from aforo.kit.errors import Overloaded

COST: Final = "\0cost"
"""The pseudo-metric under which a subscription's cost is counted, in 10^-21 of the currency."""
_MOST: Final = 1_000_000
Moved = Callable[["Counter", int, int], None]
"""Told of each move: the counter, and what it showed before and after."""


class CounterKey(NamedTuple):
    log: Log
    tenant_id: str
    subscription_id: str
    metric: str
    span: Span
    starts_ms: int

    def id(self) -> int:
        """64 bits that stand for the key, the same after every restart: decisions name counters by it."""
        text = "\0".join((*self[:4], *map(str, self.span), str(self.starts_ms)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


@dataclass(slots=True, eq=False)
class Counter:
    """`given` went out by reservations, `settled` is what events, settle calls and leases moved; `used` is the sum.

    Where HARD units hang on it, `given` never passes `taken`, which is durable: a crash finds at most `taken` given.
    Elsewhere `given` is what is reserved now, and is forgotten by a crash as if it had expired.
    """

    key: CounterKey
    id: int
    ends_ms: int
    hard: bool
    given: int = 0
    taken: int = 0
    settled: int = 0
    stranded: int = 0
    asked: int = 0
    chunk: int = 0
    chunk_at: float = -1e9
    limit: int | None = None
    moved: Moved | None = field(default=None, repr=False)

    @property
    def used(self) -> int:
        return self.given + self.settled


class Counters:
    """All counters by key and by id. `dirty` are those that the ledger does not know as they are."""

    def __init__(self) -> None:
        self._by_key: dict[CounterKey, Counter] = {}
        self._by_id: dict[int, Counter] = {}
        self.dirty: set[Counter] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, counter: Counter) -> None:
        self._by_key[counter.key] = counter
        self._by_id[counter.id] = counter

    def get(self, counter_id: int) -> Counter | None:
        return self._by_id.get(counter_id)

    def at(self, key: CounterKey, ends_ms: int, *, hard: bool) -> Counter:
        """The counter, made when it is not there yet. Raises Overloaded rather than let memory grow."""
        known = self._by_key.get(key)
        if known is None:
            if len(self._by_id) >= _MOST:
                raise Overloaded("Too many counters are open.", next_step="Try again in a while.")
            known = Counter(key, key.id(), ends_ms, hard)
            self.add(known)
        elif hard and not known.hard:
            known.hard = True
            known.taken = known.given
            self.dirty.add(known)
        return known

    def give(self, counter: Counter, units: int) -> None:
        """Reserve units, or, where they are not HARD, take a reservation back."""
        before = counter.used
        counter.given += units
        self.dirty.add(counter)
        if counter.moved is not None:
            counter.moved(counter, before, before + units)

    def settle(self, counter: Counter, units: int) -> None:
        """Move the counter by what was used beyond, or returned from, what it showed."""
        before = counter.used
        counter.settled += units
        self.dirty.add(counter)
        if counter.moved is not None:
            counter.moved(counter, before, before + units)

    def drop_ended(self, before_ms: int) -> list[Counter]:
        """Forget periods that were over by then; no decision hangs on them any more."""
        ended = [one for one in self._by_id.values() if one.ends_ms < before_ms]
        for one in ended:
            del self._by_id[one.id], self._by_key[one.key]
            self.dirty.discard(one)
        return ended

    def all(self) -> list[Counter]:
        return list(self._by_id.values())
