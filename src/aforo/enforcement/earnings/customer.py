"""Why one customer earns or loses money: by product, by day, by cost rule, and what guards it. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from aforo.enforcement.desk import Refusals
from aforo.enforcement.earnings.figures import Bucket, Figures, buckets_of
from aforo.enforcement.earnings.fold import Row
from aforo.enforcement.earnings.pricing import QUARTER_SECONDS, Earned, rule_over
from aforo.enforcement.earnings.table import SHOWN, Line, Names, line_of, money, scopes_of, units
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.model import CostRule, Guard

_FLOOR: Final = Decimal("1e-9")
_UNIT_COST: Final = Decimal("1e-12")


class Part(NamedTuple):
    """One product and metric, or the fixed fees (no metric). Amounts are exact, None where not known; `sold_at` and
    `costs_at` are what a unit brought and cost on average, where that is known."""

    product: str
    name: str
    metric: str
    units: Decimal
    revenue: Decimal | None
    cost: Decimal | None
    margin: Decimal | None
    sold_at: Decimal | None
    costs_at: Decimal | None

    @property
    def loses(self) -> bool:
        return self.margin is not None and self.margin < 0


class Applied(NamedTuple):
    """A cost rule that counted, for how many units, and what they came to by it."""

    product: str | None
    metric: str | None
    unit_cost: Decimal
    currency: str
    since: datetime
    units: Decimal
    cost: Decimal | None


class GuardNow(NamedTuple):
    """A guard over this customer. `floors` are shares of revenue, `level` how far the margin of `kind` has fallen."""

    kind: str
    ref: str
    enforced: bool
    floors: tuple[Decimal | None, Decimal | None, Decimal | None]
    level: str


class Refused(NamedTuple):
    """Calls of the last 7 days decided against for one reason; `enforced` is false where they passed all the same."""

    reason: str
    enforced: bool
    calls: int


@dataclass(frozen=True, slots=True)
class CustomerMargin:
    """`line` is the customer's line of the margin table; the parts add up to it, and fees belong to no day."""

    figures: Figures
    line: Line
    parts: tuple[Part, ...]
    days: tuple[Bucket, ...]
    rules: tuple[Applied, ...]
    guards: tuple[GuardNow, ...]
    refused: tuple[Refused, ...]

    @property
    def worst(self) -> Part | None:
        """What loses most."""
        return self.parts[0] if self.parts and self.parts[0].loses else None


def customer_margin(figures: Figures, customer_id: str, refusals: Iterable[Refusals], names: Names) -> CustomerMargin:
    mine = [one for one in figures.uses if one.customer == customer_id]
    seen = list(refusals)
    return CustomerMargin(
        figures,
        line_of(figures, customer_id, seen, names),
        _parts(figures, customer_id, mine, names.products),
        buckets_of(mine, figures.starts, figures.span, figures.tenant),
        _applied(figures, mine),
        _guards(figures, customer_id),
        _refused(seen, customer_id),
    )


def _parts(figures: Figures, customer_id: str, mine: Iterable[Earned], names: Mapping[str, str]) -> tuple[Part, ...]:
    """The greatest loss first, unknown margins last."""
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    used, sold, costed = Counter[_Key](), Counter[_Key](), Counter[_Key]()
    for one in mine:
        key = (one.product, one.metric)
        rows[key].add(one)
        used[key] += one.units
        sold[key] += 0 if one.revenue is None else one.units
        costed[key] += one.units if one.ruled else 0
    found = [_part(key, row, (used[key], sold[key], costed[key]), names) for key, row in rows.items()]
    tenant = figures.tenant
    fees = sum(fee for one, fee in figures.fees.items() if tenant.grants[one].customer_id == customer_id)
    if fees:
        due = money(fees)
        found.append(Part("", "Fixed fees", "", Decimal(0), due, Decimal(0), due, None, None))
    return tuple(sorted(found, key=lambda one: (one.margin is None, one.margin or 0, one.name, one.metric)))


_Key = tuple[str, str]
"""Product and metric."""


def _part(key: _Key, row: Row, nanos: tuple[int, int, int], names: Mapping[str, str]) -> Part:
    """`nanos` are those used, those sold for something known, and those under a cost rule."""
    product, metric = key
    name = names.get(product, product) if product else "No product named"
    amounts = (money(row.revenue), money(row.cost), money(row.margin))
    used, sold, costed = nanos
    return Part(product, name, metric, units(used), *amounts, _each(row.revenue, sold), _each(row.cost, costed))


def _each(amount: int | None, nanos: int) -> Decimal | None:
    """10^-21 for so many billionths of a unit, as the currency for one unit, to 12 places."""
    if amount is None or not nanos:
        return None
    return (Decimal(amount) / nanos * _UNIT_COST).quantize(_UNIT_COST).normalize() + Decimal(0)


def _applied(figures: Figures, mine: Iterable[Earned]) -> tuple[Applied, ...]:
    """What cost most comes first."""
    book = MarginBook()
    quantities: Counter[CostRule] = Counter()
    costs: dict[CostRule, Row] = defaultdict(Row)
    for one in mine:
        rule = rule_over(book, figures.tenant, one.product, one.metric, _begins_ms(figures, one))
        if rule is not None:
            quantities[rule] += one.units
            costs[rule].add(one)
    found = [_rule(rule, quantities[rule], row) for rule, row in costs.items()]
    return tuple(sorted(found, key=lambda one: (one.cost is None, -(one.cost or 0), one.product or "", one.since)))


def _begins_ms(figures: Figures, one: Earned) -> int:
    return figures.starts[one.stretch] * QUARTER_SECONDS * 1000


def _rule(rule: CostRule, nanos: int, row: Row) -> Applied:
    since = datetime.fromtimestamp(rule.from_ms / 1000, UTC)
    amount = (rule.unit_cost * _UNIT_COST).normalize() + Decimal(0)
    return Applied(rule.product_id, rule.metric, amount, rule.currency, since, units(nanos), money(row.cost))


def _guards(figures: Figures, customer_id: str) -> tuple[GuardNow, ...]:
    scopes = scopes_of(figures.tenant, "customer", customer_id)
    return tuple(_guard(figures, one) for one in figures.tenant.guards if (one.kind, one.ref) in scopes)


def _guard(figures: Figures, one: Guard) -> GuardNow:
    low, middle, high = (None if floor is None else floor * _FLOOR for floor in one.floors)
    level, _ = figures.levels[one.kind, one.ref]
    return GuardNow(one.kind, one.ref, one.enforced, (low, middle, high), SHOWN[level])


def _refused(refusals: Iterable[Refusals], customer_id: str) -> tuple[Refused, ...]:
    counts: Counter[tuple[str, bool]] = Counter()
    for one in refusals:
        if one.customer_id == customer_id:
            counts[one.reason, one.enforced] += one.calls
    return tuple(Refused(*key, calls) for key, calls in counts.most_common())
