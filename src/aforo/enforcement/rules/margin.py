"""How far a margin has fallen, and which share of calls a throttle lets through.

Margin is (revenue - cost) / revenue. It is compared without dividing, so a customer who costs something and brings
nothing is below every floor, and one who does neither is below none.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """Alert, throttle a share, block."""

    NONE = "NONE"
    L1_ALERT = "L1_ALERT"
    L2_THROTTLE = "L2_THROTTLE"
    L3_BLOCK = "L3_BLOCK"


LEVELS: Final = (Level.L1_ALERT, Level.L2_THROTTLE, Level.L3_BLOCK)
FLOOR_SCALE: Final = 10**9


def level(revenue: int, cost: int, floors: Sequence[int | None]) -> Level:
    """The worst level whose floor (in 10^-9 of the revenue; None where unused) is not reached."""
    if revenue == cost == 0:
        return Level.NONE
    left = (revenue - cost) * FLOOR_SCALE
    found = Level.NONE
    for one, floor in zip(LEVELS, floors, strict=True):
        if floor is not None and left < floor * revenue:
            found = one
    return found


def lets_through(number: int, percent: int) -> bool:
    """Whether the call with this running number (from 1) is among the `percent` of a hundred: evenly spread, exact."""
    return number * percent // 100 > (number - 1) * percent // 100
