"""What a gateway counted beside what its artifact pushed, by product and day, with the reasons that are known. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum


class Why(StrEnum):
    """Why two figures may differ. The order is that in which they are told."""

    NOT_READ = "not_read"
    NOT_COUNTED = "not_counted"
    DAY_NOT_OVER = "day_not_over"
    VENDOR_LAG = "vendor_lag"
    NO_ARTIFACT = "no_artifact"
    ATTACHED_SINCE = "attached_since"
    TOGETHER = "counted_together"
    REFUSED_CALLS = "refused_calls"
    EVENTS_MISSING = "events_missing"
    BEST_EFFORT = "best_effort"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason and a sentence that names this row's facts."""

    why: Why
    words: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known beside the figures.

    attached_at     since when the artifact has been attached; None where none is
    read_at         the days that were read from the gateway, and when last
    missing         numbered events of each day that have not arrived, of all gateways of the tenant
    uncounted       prefixes of products that the vendor never counts
    counts_refused  whether the vendor counts refused calls; None where it does not say
    """

    now: datetime
    zone: tzinfo = UTC
    lag: timedelta | None = None
    attached_at: datetime | None = None
    missing: Mapping[date, int] = field(default_factory=dict)
    read_at: Mapping[date, datetime] = field(default_factory=dict)
    uncounted: tuple[str, ...] = ()
    counts_refused: bool | None = None
    best_effort: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One day of one product, or of several that the vendor counts together; no product: of calls without one.

    pulled  what the gateway counted, None where that is not known; pushed: events that arrived
    """

    day: date
    products: tuple[str, ...]
    pulled: int | None
    pushed: int
    reasons: tuple[Reason, ...] = ()

    @property
    def difference(self) -> int | None:
        """Pushed less pulled: negative where events are lacking."""
        return None if self.pulled is None else self.pushed - self.pulled

    @property
    def percent(self) -> Decimal | None:
        """The difference in hundredths of what the gateway counted, to two digits; None of nothing."""
        if not self.pulled:
            return None
        return (Decimal(100 * (self.pushed - self.pulled)) / self.pulled).quantize(Decimal("0.01"))


Counts = Mapping[date, Mapping[tuple[str, ...], int]]
"""The gateway's calls by day and by the products that it counted together."""


def reconcile(pulled: Counts, pushed: Mapping[date, Mapping[str, int]], terms: Terms) -> list[Row]:
    """A row for each day and product of which either side has a figure: newest day first, then by product.

    Calls of no product are no difference: the gateway could not tell whose they were, so they stand alone.
    """
    rows = []
    for day in sorted({*pulled, *pushed}, reverse=True):
        theirs, ours = pulled.get(day, {}), dict(pushed.get(day, {}))
        known = day in terms.read_at
        for group, calls in _joined(theirs).items():
            rows.append(_row(day, group, calls, sum(ours.pop(one, 0) for one in group or ("",)), terms))
        for product, events in sorted(ours.items()):
            is_counted = known and product and not product.startswith(terms.uncounted or ("\0",))
            rows.append(_row(day, (product,) if product else (), 0 if is_counted else None, events, terms))
    return rows


def _joined(counts: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """Sets of products that overlap made one, since what they share cannot be divided."""
    groups: list[tuple[set[str], int]] = []
    for products, calls in sorted(counts.items()):
        mine, total, apart = set(products), calls, []
        for others, more in groups:
            if mine & others or (not mine and not others):
                mine, total = mine | others, total + more
            else:
                apart.append((others, more))
        groups = [*apart, (mine, total)]
    return {tuple(sorted(mine)): total for mine, total in sorted(groups, key=lambda one: sorted(one[0]))}


def _row(day: date, products: tuple[str, ...], pulled: int | None, pushed: int, terms: Terms) -> Row:
    row = Row(day, products, pulled, pushed)
    return row if row.difference == 0 else Row(day, products, pulled, pushed, tuple(_reasons(row, terms)))


def _reasons(row: Row, terms: Terms) -> list[Reason]:
    if row.pulled is None:
        return [_untold(row, terms)]
    found = [*_by_time(row, terms), *_by_artifact(row, terms)]
    if len(row.products) > 1:
        found.append(Reason(Why.TOGETHER, f"The gateway counts these {len(row.products)} products together."))
    found += _by_calls(row, terms)
    return found or [Reason(Why.UNKNOWN, "No reason is known. Look at the dead letters and at the artifact's checks.")]


def _untold(row: Row, terms: Terms) -> Reason:
    if row.day not in terms.read_at:
        return Reason(Why.NOT_READ, "This day was not read from the gateway.")
    return Reason(Why.NOT_COUNTED, "The gateway has no figure for such calls.")


def _by_time(row: Row, terms: Terms) -> Sequence[Reason]:
    read_at = terms.read_at.get(row.day, terms.now)
    ends = datetime.combine(row.day + timedelta(days=1), time(), terms.zone)
    if terms.now < ends:
        return [Reason(Why.DAY_NOT_OVER, "The day is not over: both figures still grow, and not at the same moments.")]
    if read_at < ends + (terms.lag or timedelta()):
        minutes = f" and its figures are about {terms.lag // timedelta(minutes=1)} min late" if terms.lag else ""
        return [Reason(Why.VENDOR_LAG, f"The gateway was read before the day's end was counted{minutes}; pull again.")]
    return []


def _by_artifact(row: Row, terms: Terms) -> Sequence[Reason]:
    if terms.attached_at is None:
        return [Reason(Why.NO_ARTIFACT, "No artifact is attached: the gateway's figure is all that is known.")]
    since = terms.attached_at.astimezone(terms.zone)
    if (row.difference or 0) < 0 and row.day <= since.date():
        words = f"The artifact is attached since {since:%Y-%m-%d %H:%M}: earlier calls may not have been metered."
        return [Reason(Why.ATTACHED_SINCE, words)]
    return []


def _by_calls(row: Row, terms: Terms) -> Iterable[Reason]:
    lacks = (row.difference or 0) < 0
    if terms.attached_at is None:
        return
    if lacks and terms.counts_refused is not False:
        may = "counts" if terms.counts_refused else "may count"
        yield Reason(Why.REFUSED_CALLS, f"The gateway {may} refused and failed calls, which are not metered.")
    elif not lacks and terms.counts_refused is not True:
        yield Reason(Why.REFUSED_CALLS, "Calls without a key, or refused ones, may be metered and not counted there.")
    if lacks and (missing := terms.missing.get(row.day)):
        yield Reason(Why.EVENTS_MISSING, f"{missing:,} numbered events of this day have not arrived, of all gateways.")
    if lacks and terms.best_effort:
        yield Reason(Why.BEST_EFFORT, "This artifact delivers best effort: see the loss that its page states.")
