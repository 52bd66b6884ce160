"""The lines of a margin table: what came in, what it cost, how far enforcement has gone and what it did. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from aforo.enforcement.desk import Refusals
from aforo.enforcement.earnings.figures import Figures
from aforo.enforcement.earnings.fold import FEES, Row, settle
from aforo.enforcement.model import ScopeKey, Tenant
from aforo.enforcement.rules.margin import LEVELS, Level

REFUSED_DAYS: Final = 7
"""How far back a margin table counts what enforcement did."""
SHOWN: Final[Mapping[Level | None, str]] = {
    Level.NONE: "NONE",
    Level.L1_ALERT: "L1",
    Level.L2_THROTTLE: "L2",
    Level.L3_BLOCK: "L3",
    None: "UNKNOWN",
}
_PLACES: Final = Decimal("1e-21")
_NANO: Final = Decimal("1e-9")


class Names(NamedTuple):
    """What customers, plans and products are called, by id."""

    customers: Mapping[str, str]
    plans: Mapping[str, str]
    products: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One customer, plan or product. Amounts are exact; None where unknown, and `why` says why.

    `level` is None where nobody guards the margin. Refusals are of the last 7 days, whatever the span; the money beside
    them is an estimate: their number by what a call of this line brought and cost on average.
    """

    key: str
    name: str
    calls: Decimal
    revenue: Decimal | None
    cost: Decimal | None
    margin: Decimal | None
    share: float | None
    level: str | None
    enforced: bool
    refused: int
    would_refuse: int
    missed: Decimal | None
    saved: Decimal | None
    why: str

    @property
    def loses(self) -> bool:
        return self.margin is not None and self.margin < 0


def line_of(figures: Figures, customer_id: str, refusals: Iterable[Refusals], names: Names) -> Line:
    """One customer's line, as it stands in the table of all."""
    refused = _refused("customer", (one for one in refusals if one.customer_id == customer_id), figures.tenant)
    row = figures.rows("customer").get(customer_id) or settle(Row(customer_id), figures.tenant)
    return _line(figures, "customer", row, refused[customer_id], names)


def lines(figures: Figures, group: str, refusals: Iterable[Refusals], names: Names) -> list[Line]:
    """Losers first, then by margin; what is unknown comes last."""
    refused = _refused(group, refusals, figures.tenant)
    found = {**figures.rows(group)}
    for key in refused:
        found.setdefault(key, settle(Row(key), figures.tenant))
    made = [_line(figures, group, row, refused[key], names) for key, row in found.items()]
    return ordered(made, "margin", descending=False)


def _refused(group: str, refusals: Iterable[Refusals], tenant: Tenant) -> defaultdict[str, list[int]]:
    """By key: calls that were refused, and that would have been."""
    refused: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in refusals:
        for key in _refused_keys(group, one, tenant):
            refused[key][not one.enforced] += one.calls
    return refused


ORDERS: Final[Mapping[str, Callable[[Line], Any]]] = {
    "margin": lambda one: one.margin,
    "share": lambda one: one.share,
    "revenue": lambda one: one.revenue,
    "cost": lambda one: one.cost,
    "calls": lambda one: one.calls,
    "refused": lambda one: one.refused + one.would_refuse,
    "name": lambda one: one.name.casefold(),
}


def ordered(some: Sequence[Line], by: str, *, descending: bool) -> list[Line]:
    """By one of ORDERS; what has no value there comes last either way."""
    value = ORDERS[by]
    named = sorted(some, key=lambda one: (one.name.casefold(), one.key))
    known = sorted((one for one in named if value(one) is not None), key=value, reverse=descending)
    return [*known, *(one for one in named if value(one) is None)]


def money(amount: int | None) -> Decimal | None:
    """10^-21 of the currency as the currency."""
    return None if amount is None else (amount * _PLACES).normalize() + Decimal(0)


def units(nanos: int) -> Decimal:
    return (nanos * _NANO).normalize() + Decimal(0)


def _line(figures: Figures, group: str, row: Row, refused: Sequence[int], names: Names) -> Line:
    level, enforced = _level(figures, group, row.key)
    count = sum(refused)
    return Line(
        key=row.key,
        name=_name(group, row.key, names),
        calls=units(row.calls),
        revenue=money(row.revenue),
        cost=money(row.cost),
        margin=money(row.margin),
        share=row.share,
        level=level,
        enforced=enforced,
        refused=refused[0],
        would_refuse=refused[1],
        missed=_for(count, row.revenue, row.calls),
        saved=_for(count, row.cost, row.calls),
        why=_why(figures, row),
    )


def _for(count: int, amount: int | None, calls: int) -> Decimal | None:
    """What so many calls come to at this line's average."""
    if not count or amount is None or not calls:
        return None
    return money(amount * count * 10**9 // calls)


def _why(figures: Figures, row: Row) -> str:
    """What is not known of this line, in words."""
    told = []
    if not figures.has_costs:
        told.append("No cost rule yet: what calls cost is not known.")
    elif row.foreign:
        told.append("A cost rule is in another currency: what these calls cost is not known.")
    elif row.unruled:
        told.append(f"No cost rule covers {units(row.unruled):,f} of these calls: their cost is not in it.")
    if row.unpriced:
        told.append(f"Nothing says what {units(row.unpriced):,f} of these calls are sold for.")
    return " ".join(told)


def _level(figures: Figures, group: str, key: str) -> tuple[str | None, bool]:
    """The worst that any guard over this line has come to; an unknown margin throttles and blocks nobody."""
    found = [figures.levels[scope] for scope in scopes_of(figures.tenant, group, key) if scope in figures.levels]
    if not found:
        return None, False
    level, enforced = max(found, key=lambda one: (-1 if one[0] is None else _RANKS[one[0]], one[1]))
    return SHOWN[level], enforced


_RANKS: Final = {level: number for number, level in enumerate((Level.NONE, *LEVELS))}


def scopes_of(tenant: Tenant, group: str, key: str) -> set[ScopeKey]:
    """Whose guards watch a line: a customer's own, those of its plans and the tenant's."""
    if group == "customer":
        grants = tenant.by_customer.get(key, ())
        own: set[ScopeKey] = {("CUSTOMER", key)}
        return own | {("TIER", grant.terms.key) for grant in grants} | {("TENANT", tenant.id)} if grants else own
    if group == "plan":
        return {("TIER", one.terms.key) for one in tenant.grants.values() if one.terms.plan_id == key}
    return set()


def _refused_keys(group: str, one: Refusals, tenant: Tenant) -> Iterable[str]:
    if group == "customer":
        return (one.customer_id,)
    if group == "product":
        return (one.product,)
    plans = {grant.terms.plan_id for grant in tenant.by_customer.get(one.customer_id, ())}
    return plans if len(plans) == 1 else ("",)


def _name(group: str, key: str, names: Names) -> str:
    if group == "product" and key == FEES:
        return "Fixed fees"
    if not key:
        return {"customer": "Nobody known", "plan": "Without a subscription", "product": "No product named"}[group]
    known = {"customer": names.customers, "plan": names.plans, "product": names.products}[group]
    return known.get(key, key)
