"""Joins what gateways told, what artifacts pushed, and what is known beside them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from aforo.accounts import Caller
from aforo.gateway_sdk.manifest import UsageFacts
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid
from aforo.usage.completeness import CompletenessLog
from aforo.usage.pulled.reading import Place, PlaceOf
from aforo.usage.pulled.store import Figure, PulledStore
from aforo.usage.rollups import RollupReader
from aforo.usage.rollups.reader import Selection
from aforo.usage.rules.cells import QUARTER_SECONDS
from aforo.usage.rules.reconcile import Row, Terms, reconcile

MOST_DAYS: Final = 92
USUAL_DAYS: Final = 7

ProductsAt = Callable[[str, str], Awaitable[Sequence[ScopedProduct]]]
AttachedAt = Callable[[str, str], Awaitable[datetime | None]]
"""Since when an integration's artifact has been attached; None where none is."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Rows of the days `first` to `last`, both included. `names` are of recorded products by id."""

    place: Place
    facts: UsageFacts
    first: date
    last: date
    attached_at: datetime | None
    read_at: datetime | None
    rows: list[Row]
    names: Mapping[str, str]

    def named(self, row: Row) -> list[str]:
        """What people call the row's products; one that is not recorded keeps the gateway's own id."""
        return [self.names.get(one, one) for one in row.products]


class Reconciling:
    """Compares, and changes nothing: neither an event nor a bill."""

    def __init__(
        self,
        store: PulledStore,
        data_dir: Path,
        places: PlaceOf,
        products: ProductsAt,
        attached_at: AttachedAt,
        clock: Clock,
    ) -> None:
        self._store = store
        self._rollups = RollupReader(data_dir / "rollups.db")
        self._completeness = CompletenessLog(data_dir)
        self._places = places
        self._products = products
        self._attached_at = attached_at
        self._clock = clock

    async def of(
        self, tenant_id: str, integration_id: str, first: date | None = None, last: date | None = None
    ) -> Reconciled:
        """The last seven days unless told. Raises NotFound, NoUsageFigures, Invalid."""
        place = await self._places(tenant_id, integration_id)
        facts = place.told()
        zone = ZoneInfo(facts.zone)
        last = last or self._clock.now().astimezone(zone).date()
        first = first or last - timedelta(days=USUAL_DAYS - 1)
        _check(first, last)
        products = await self._products(tenant_id, integration_id)
        terms = Terms(
            self._clock.now(),
            zone,
            None if facts.lag_minutes is None else timedelta(minutes=facts.lag_minutes),
            await self._attached_at(tenant_id, integration_id),
            uncounted=tuple(one.id for one in products if one.native_id.startswith(place.uncounted or ("\0",))),
            counts_refused=facts.counts_refused,
            best_effort=place.best_effort,
        )
        rows, read_at = await asyncio.to_thread(self._rows, tenant_id, integration_id, (first, last), products, terms)
        return Reconciled(place, facts, first, last, terms.attached_at, read_at, rows, _names(products))

    def _rows(
        self, tenant: str, integration: str, days: tuple[date, date], products: Sequence[ScopedProduct], terms: Terms
    ) -> tuple[list[Row], datetime | None]:
        read_at = self._store.read_at(tenant, integration, *days)
        figures = self._store.figures(tenant, integration, *days)
        pulled = _pulled(figures, {one.native_id: one.id for one in products})
        pushed = self._pushed(tenant, integration, days, products, terms)
        lacking = [
            day for day in pulled if sum(pulled[day].values()) > sum(pushed.get(day, {}).values())
        ]  # a hole can only be a reason where events lack
        known = replace(terms, read_at=read_at, missing=self._missing(tenant, lacking, terms))
        return reconcile(pulled, pushed, known), max(read_at.values(), default=None)

    def _pushed(
        self, tenant: str, integration: str, days: tuple[date, date], products: Sequence[ScopedProduct], terms: Terms
    ) -> dict[date, dict[str, int]]:
        """Events by day and product id: one event is one call, whatever its metric and quantity."""
        ids = {name: one.id for one in products for name in (one.native_id, one.ref, one.id) if name}
        begin, end = (int(datetime.combine(day, time(), terms.zone).timestamp()) for day in (days[0], _after(days[1])))
        chosen = Selection(tenant, begin // QUARTER_SECONDS, end // QUARTER_SECONDS)
        found: dict[date, dict[str, int]] = {}
        for quarter, product, where, events, *_ in self._rollups.cells("live", chosen, ("product", "integration")):
            if where == integration:
                day = found.setdefault(datetime.fromtimestamp(quarter * QUARTER_SECONDS, terms.zone).date(), {})
                name = str(ids.get(product, product))
                day[name] = day.get(name, 0) + events
        return found

    def _missing(self, tenant: str, days: Sequence[date], terms: Terms) -> dict[date, int]:
        who = Caller(tenant, tenant, "reconciliation", frozenset())
        found = {}
        for day in days:
            begin, end = (int(datetime.combine(one, time(), terms.zone).timestamp()) for one in (day, _after(day)))
            found[day] = self._completeness.certificate(who, None, (begin * 10**9, end * 10**9)).missing_count
        return found


def _pulled(figures: Sequence[Figure], ids: Mapping[str, str]) -> dict[date, dict[tuple[str, ...], int]]:
    found: dict[date, dict[tuple[str, ...], int]] = {}
    for one in figures:
        products = tuple(sorted(ids.get(native, native) for native in one.products))
        day = found.setdefault(one.day, {})
        day[products] = day.get(products, 0) + one.calls
    return found


def _names(products: Sequence[ScopedProduct]) -> dict[str, str]:
    """Names by id; what shares its name with another, as the stages of an API, is called by its ref."""
    often = Counter(one.name for one in products)
    return {one.id: one.name if often[one.name] == 1 else one.ref for one in products}


def _after(day: date) -> date:
    return day + timedelta(days=1)


def _check(first: date, last: date) -> None:
    if first > last:
        raise Invalid("The period is empty.", (("/from", "must not be after `to`"),))
    if (last - first).days >= MOST_DAYS:
        raise Invalid(f"At most {MOST_DAYS} days at a time.", (("/from", f"at most {MOST_DAYS} days before `to`"),))
