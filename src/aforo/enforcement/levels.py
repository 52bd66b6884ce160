"""How far a subscription's quotas are used in their present periods. Pure but for the rows that are handed in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aforo.enforcement.rules.quota import UNIT

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class QuotaNow:
    """A quota of a plan in the period that holds the present moment."""

    metric: str
    period: str
    anchor_day: int
    time_zone: str
    mode: str
    limit: Decimal
    starts_at: datetime
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Level:
    """`used` counts what is reserved or leased as well; `stranded` is the part of it that a crash keeps from use."""

    quota: QuotaNow
    used: Decimal
    stranded: Decimal

    @property
    def remaining(self) -> Decimal:
        return max(Decimal(0), self.quota.limit - self.used)


def levels(quotas: Sequence[QuotaNow], rows: Iterable[tuple[Any, ...]]) -> list[Level]:
    """One for each quota, in the plan's order. A counter that nobody has moved yet has no row, and stands at zero."""
    found = {row[:5]: row[5:] for row in rows}
    return [_level(quota, found.get(_key(quota), ("0", "0", "0"))) for quota in quotas]


def plain(amount: Decimal) -> str:
    """Decimal text without an exponent or trailing zeros."""
    return format(amount.normalize(), "f")


def _key(quota: QuotaNow) -> tuple[Any, ...]:
    starts_ms = (quota.starts_at - _EPOCH) // timedelta(milliseconds=1)
    return quota.metric, quota.period, quota.anchor_day, quota.time_zone, starts_ms


def _level(quota: QuotaNow, row: tuple[Any, ...]) -> Level:
    given, settled, stranded = (int(text) for text in row)
    return Level(quota, Decimal(given + settled) / UNIT, Decimal(stranded) / UNIT)
