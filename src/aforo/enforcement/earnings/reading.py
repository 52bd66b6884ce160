"""One way to margins for the pages, the API and the CSV: figures, refusals of a week, names."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from aforo.customers import Customer, Customers, Placed, Subscriptions
from aforo.enforcement.desk import EnforcementDesk, Refusals
from aforo.enforcement.earnings.customer import CustomerMargin, customer_margin
from aforo.enforcement.earnings.figures import Earnings, Figures
from aforo.enforcement.earnings.table import REFUSED_DAYS, Line, Names, lines, ordered

_WEEK = timedelta(days=REFUSED_DAYS)
_MOST: Final = 100
_TABLES: Final = 8


class Asked(NamedTuple):
    """Which lines, in which order. `sort` begins with `-` for the greatest first."""

    by: str = "customer"
    span: str = "month"
    sort: str = "margin"
    words: str = ""
    losing: bool = False


class MarginTable(NamedTuple):
    """The figures of the span, the lines that were asked for, and all there are."""

    figures: Figures
    lines: list[Line]
    everyone: list[Line]


class _Kept(NamedTuple):
    """Lines, and what they were made from."""

    figures: Figures
    refusals: list[Refusals]
    names: Names
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class MarginTables:
    """`names` are those of one tenant."""

    earnings: Earnings
    desk: EnforcementDesk
    names: Callable[[str], Awaitable[Names]]
    _kept: OrderedDict[tuple[str, str, str], _Kept] = field(default_factory=OrderedDict)

    async def read(self, tenant_id: str, asked: Asked, patience: float | None = None) -> MarginTable:
        """Answers with what is known now. Raises StillCounting after `patience` seconds."""
        figures = await self.earnings.figures(tenant_id, asked.span, patience)
        refusals = await self.week(tenant_id, figures.span.end)
        found = self._lines((tenant_id, asked.by, figures.span.name), figures, refusals, await self.names(tenant_id))
        words = asked.words.casefold()
        chosen = [
            one
            for one in found
            if (not asked.losing or one.loses) and (words in one.name.casefold() or one.key.startswith(asked.words))
        ]
        shown = ordered(chosen, asked.sort.removeprefix("-"), descending=asked.sort.startswith("-"))
        return MarginTable(figures, shown, found)

    def _lines(self, key: tuple[str, str, str], figures: Figures, refusals: list[Refusals], names: Names) -> list[Line]:
        """Ten thousand lines take a while to make, and the next page, filter or order wants the same ones."""
        kept = self._kept.pop(key, None)
        if kept is None or kept.figures is not figures or (kept.refusals, kept.names) != (refusals, names):
            kept = _Kept(figures, refusals, names, lines(figures, key[1], refusals, names))
        self._kept[key] = kept
        while len(self._kept) > _TABLES:
            self._kept.popitem(last=False)
        return kept.lines

    async def week(self, tenant_id: str, end: datetime) -> list[Refusals]:
        """What was decided against in the 7 days before."""
        return await self.desk.refusals(tenant_id, end - _WEEK, end, int(_WEEK.total_seconds()))


class CustomerAnswer(NamedTuple):
    """What there is to say of one customer's margin, and what it is subscribed to."""

    customer: Customer
    margin: CustomerMargin
    subscriptions: list[Placed]
    names: Names


@dataclass(frozen=True, slots=True)
class CustomerMargins:
    """One customer at a time."""

    tables: MarginTables
    customers: Customers
    subscriptions: Subscriptions

    async def read(self, tenant_id: str, customer_id: str, span: str, patience: float | None = None) -> CustomerAnswer:
        """`span` is one of SPANS. Raises NotFound, for another tenant's customer too; StillCounting after `patience`
        seconds."""
        customer = await self.customers.one(tenant_id, customer_id)
        figures = await self.tables.earnings.figures(tenant_id, span, patience)
        names = await self.tables.names(tenant_id)
        refusals = await self.tables.week(tenant_id, figures.span.end)
        held, _ = await self.subscriptions.page(tenant_id, customer_id=customer_id, limit=_MOST)
        found = customer_margin(figures, customer_id, refusals, names)
        return CustomerAnswer(customer, found, held, names)
