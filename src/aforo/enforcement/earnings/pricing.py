"""From use to money, by the same prices, cost rules and owners as the hot path has. Pure.

Prices depend on how much of a calendar month of UTC has been used already, so a stretch of time earns what the
month's use up to its end costs less what it cost up to its begin: stretches of one month add up to the month, exactly.
Costs are those of cost rules. What an event says that it cost itself stands in the log and moves the enforcement's own
counters, and is not in the sums that these figures are made from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aforo.enforcement.earnings.spans import month_of
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.model import CostRule, Grant, Tenant
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.rules.price import Price
from aforo.enforcement.rules.resolve import Asked, resolve
from aforo.enforcement.state import scaled
from aforo.usage import FROM_SUMS, NOTHING, Named, Sums, aggregated

QUARTER_SECONDS: Final = 900
CALLS: Final = "api_calls"

Uses = Mapping[tuple[int, Named], Sums]
"""By the number of the stretch, and by whose and what it was."""


class Earned(NamedTuple):
    """What one customer's use of one product and metric came to in one stretch. Units in billionths, money in 10^-21 of
    the currency. `revenue` is None where nothing says what the use is sold for, `cost` where none of the rules can
    be counted in this currency; `ruled` says whether a cost rule was there at all."""

    stretch: int
    grant: Grant | None
    customer: str
    product: str
    metric: str
    units: int
    revenue: int | None
    cost: int | None
    ruled: bool


def earned(
    tenant: Tenant, uses: Uses, starts: Sequence[int], aggregations: Mapping[str, str], now_ms: int
) -> Iterator[Earned]:
    """One for each use, in the order of time for each subscription and metric. `starts` are quarters of an hour."""
    book = MarginBook()
    months = [month_of(datetime.fromtimestamp(start * QUARTER_SECONDS, UTC)) for start in starts]
    ends = [*(start * QUARTER_SECONDS * 1000 for start in starts[1:]), now_ms + 1]
    for grant, metric, by_stretch in _owned(tenant, uses, ends, now_ms):
        used, month = NOTHING, None
        aggregation = aggregations.get(metric, "SUM")
        price = grant.terms.prices.get(metric) if grant is not None else None
        priced = grant is not None and grant.terms.is_priced and aggregation in FROM_SUMS
        for stretch in sorted(by_stretch):
            if months[stretch] is not month:
                used, month = NOTHING if months[stretch] != month else used, months[stretch]
            some = by_stretch[stretch]
            after = _sum([used, *some.values()])
            amount = _amount(price, after, used, aggregation) if priced else None
            used = after
            shares = _shared(amount, [sums.nanos for sums in some.values()])
            at_ms = starts[stretch] * QUARTER_SECONDS * 1000
            for ((customer, product), sums), revenue in zip(some.items(), shares, strict=True):
                yield _earned(book, tenant, grant, (stretch, customer, product, metric), sums, revenue, at_ms)


def _earned(
    book: MarginBook,
    tenant: Tenant,
    grant: Grant | None,
    what: tuple[int, str, str, str],
    sums: Sums,
    revenue: int | None,
    at_ms: int,
) -> Earned:
    stretch, customer, product, metric = what
    rule = rule_over(book, tenant, product, metric, at_ms)
    cost = cost_by(rule, grant, sums.nanos)
    return Earned(stretch, grant, customer, product, metric, sums.nanos, revenue, cost, rule is not None)


def rule_over(book: MarginBook, tenant: Tenant, product: str, metric: str, at_ms: int) -> CostRule | None:
    """The cost rule that counts for a use; what is no product of the catalog is only under a metric's rules."""
    return book.rule(tenant, product if product in tenant.products else None, metric, at_ms)


def cost_by(rule: CostRule | None, grant: Grant | None, nanos: int) -> int | None:
    """None where the rule is in another currency than the plan; without a rule nothing is counted."""
    if rule is None:
        return 0
    foreign = grant is not None and rule.currency != grant.terms.currency
    return None if foreign else rule.unit_cost * nanos


_Owned = list[tuple[Grant | None, str, dict[int, dict[tuple[str, str], Sums]]]]


def _owned(tenant: Tenant, uses: Uses, ends: Sequence[int], now_ms: int) -> _Owned:
    """By subscription and metric, then by stretch, then by customer and product. Nobody's use stands under None.

    What was over when a subscription began is not its use, and no statement of it has that.
    """
    owners: dict[Named, tuple[Grant | None, str, str]] = {}
    found: dict[tuple[str, str], dict[int, dict[tuple[str, str], Sums]]] = defaultdict(lambda: defaultdict(dict))
    grants: dict[str, Grant | None] = {"": None}
    for (stretch, named), sums in uses.items():
        owner = owners.get(named)
        if owner is None:
            owner = owners[named] = _owner(tenant, named, now_ms)
        grant, customer, product = owner
        if grant is not None and ends[stretch] <= grant.starts_ms:
            grant = None
        key = grant.subscription_id if grant is not None else ""
        grants[key] = grant
        some = found[key, named.metric][stretch]
        some[customer, product] = some.get((customer, product), NOTHING).plus(sums)
    return [(grants[key], metric, by_stretch) for (key, metric), by_stretch in found.items()]


def _owner(tenant: Tenant, named: Named, now_ms: int) -> tuple[Grant | None, str, str]:
    """The subscription that the edge counts this use for, the customer's id and the product's, as far as known."""
    integration = named.integration or None
    product = tenant.product(named.product, integration) if named.product else None
    shown = product.id if product is not None else named.product
    grant = tenant.grants.get(named.subscription) if named.subscription else None
    if grant is None and not named.subscription:
        grant = _asked(tenant, named, integration, now_ms)
    if grant is not None:
        return grant, grant.customer_id, shown
    known = tenant.by_customer.get(named.customer, ())
    return None, known[0].customer_id if known else named.customer, shown


def _asked(tenant: Tenant, named: Named, integration: str | None, now_ms: int) -> Grant | None:
    place, _, rest = named.credential.partition("/")
    kind, _, native = rest.partition("/")
    key = (place or integration or "", kind, native)
    product = tenant.product(named.product, integration) if named.product else None
    credential = key if native and key in tenant.credentials else None
    customer = None if credential else named.customer or None
    found = resolve(tenant, Asked(credential, customer, product.id if product else None, named.metric), now_ms)
    return None if found.refusal is Reason.PRODUCT_NOT_IN_PLAN else found.grant


def _amount(price: Price | None, after: Sums, before: Sums, aggregation: str) -> int:
    """A metric that the rate card does not name is given away."""
    if price is None:
        return 0
    return price(_quantity(after, aggregation)) - price(_quantity(before, aggregation))


def _quantity(sums: Sums, aggregation: str) -> int:
    if aggregation == "SUM":
        return sums.nanos
    return scaled(aggregated(sums, aggregation), 9) if sums.events else 0


def _shared(amount: int | None, weights: Sequence[int]) -> list[int | None]:
    """An amount split by weight; what division leaves goes to the last, so that the parts add up."""
    if amount is None:
        return [None] * len(weights)
    if len(weights) == 1:
        return [amount]
    whole = sum(weights)
    parts = [amount * weight // whole if whole else 0 for weight in weights[:-1]]
    return [*parts, amount - sum(parts)]


def _sum(several: Sequence[Sums]) -> Sums:
    whole = NOTHING
    for one in several:
        whole = whole.plus(one)
    return whole
