"""What checks have reserved and nobody has settled yet; gone after two minutes."""

from collections import deque
from typing import Final

import msgspec

from aforo.enforcement.counters import Counter, Counters
from aforo.kit.errors import Overloaded

LIFE_MS: Final = 120_000
_MOST: Final = 500_000


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """`soft` counters give the units back at expiry; `cost` was added to the counter of costs, and goes back too."""

    units: int
    soft: tuple[Counter, ...]
    cost: int
    cost_counter: Counter


class Reservations:
    """By the decision's serial. HARD units are not here: they stay counted until something corrects them."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._open: dict[int, Reservation] = {}
        self._queue: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def refuse_when_full(self) -> None:
        if len(self._open) >= _MOST or len(self._queue) >= 2 * _MOST:
            raise Overloaded("Too many calls are reserved and not settled.", next_step="Use the plan's fail mode.")

    def add(self, serial: int, now_ms: int, reservation: Reservation) -> None:
        self._open[serial] = reservation
        self._queue.append((now_ms + LIFE_MS, serial))
        for counter in reservation.soft:
            self._counters.give(counter, reservation.units)
        if reservation.cost:
            self._counters.give(reservation.cost_counter, reservation.cost)

    def close(self, serial: int) -> bool:
        """Give back what it holds; whether it was open."""
        found = self._open.pop(serial, None)
        if found is None:
            return False
        for counter in found.soft:
            self._counters.give(counter, -found.units)
        if found.cost:
            self._counters.give(found.cost_counter, -found.cost)
        return True

    def expire(self, now_ms: int) -> None:
        while self._queue and self._queue[0][0] <= now_ms:
            self.close(self._queue.popleft()[1])
