"""What single uses come to by customer, plan or product, and how each scope stands against its guards. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aforo.enforcement.earnings.pricing import CALLS, Earned
from aforo.enforcement.earnings.spans import Span, month_after, month_of
from aforo.enforcement.model import Grant, ScopeKey, Tenant
from aforo.enforcement.rules import margin
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.state.snapshot import scopes

GROUPS: Final = ("customer", "plan", "product")
FEES: Final = "fees"
"""The row of fixed fees where rows are products: a fee belongs to none of them."""


@dataclass(slots=True)
class Row:
    """Units in billionths, money in 10^-21 of the currency.

    `revenue` is None while nothing says what the use is sold for, `cost` while no cost rule can be counted: unknown is
    never 0. `unpriced` and `unruled` are the calls left out of the one and of the other.
    """

    key: str = ""
    calls: int = 0
    revenue: int | None = None
    cost: int | None = None
    unpriced: int = 0
    unruled: int = 0
    foreign: bool = False
    uses: int = 0

    @property
    def margin(self) -> int | None:
        """What is left; None while one side is unknown."""
        return None if self.revenue is None or self.cost is None else self.revenue - self.cost

    @property
    def share(self) -> float | None:
        """The margin as a share of the revenue."""
        return None if self.margin is None or not self.revenue else self.margin / self.revenue

    def add(self, one: Earned) -> None:
        self.uses += 1
        calls = one.units if one.metric == CALLS else 0
        self.calls += calls
        if one.revenue is None:
            self.unpriced += calls
        else:
            self.revenue = (self.revenue or 0) + one.revenue
        if not one.ruled:
            self.unruled += calls
        elif one.cost is None:
            self.foreign, self.cost = True, None
        elif not self.foreign:
            self.cost = (self.cost or 0) + one.cost


def rows(group: str, some: Iterable[Earned], fees: Mapping[str, int], tenant: Tenant) -> dict[str, Row]:
    """By key: a customer's id, a plan's id, a product's id; empty text where that is not known."""
    found: dict[str, Row] = {}
    for one in some:
        _row(found, _KEYS[group](one)).add(one)
    for subscription_id, fee in fees.items():
        grant = tenant.grants[subscription_id]
        row = _row(found, _fee_key(group, grant))
        row.revenue = (row.revenue or 0) + fee
    for row in found.values():
        settle(row, tenant)
    return found


def settle(row: Row, tenant: Tenant) -> Row:
    """Without any use it is known what use cost and earned: nothing, where there are rules and prices at all."""
    if not row.uses:
        row.cost = 0 if tenant.costs else None
        if row.revenue is None and any(grant.terms.is_priced for grant in tenant.grants.values()):
            row.revenue = 0
    return row


def whole(some: Iterable[Earned], fees: Mapping[str, int], tenant: Tenant) -> Row:
    """All of it in one row."""
    row = Row()
    for one in some:
        row.add(one)
    if fees:
        row.revenue = (row.revenue or 0) + sum(fees.values())
    return settle(row, tenant)


def fees(tenant: Tenant, span: Span, start: datetime, end: datetime) -> dict[str, int]:
    """By subscription, where its plan has any: whole in the month in which they fall due, else their share of time."""
    shares = list(_months(span, start, end))
    return {
        grant.subscription_id: sum(
            grant.terms.fixed_fees * part // length
            for part, length, behind_ms in shares
            if grant.starts_ms <= behind_ms
        )
        for grant in tenant.grants.values()
        if grant.terms.fixed_fees
    }


def levels(tenant: Tenant, month: Iterable[Earned]) -> dict[ScopeKey, tuple[Level | None, bool]]:
    """By guarded scope: how far its margin has fallen this month, and whether the guard enforces.

    None where it is unknown: a subscription of the scope has no rate card, or a cost rule is in another currency.
    """
    guarded = {(guard.kind, guard.ref): guard for guard in tenant.guards}
    sums: dict[ScopeKey, Row] = {}
    for one in month:
        for scope in scopes(one.grant) if one.grant is not None and guarded else ():
            if scope in guarded:
                sums.setdefault(scope, Row()).add(one)
    found: dict[ScopeKey, tuple[Level | None, bool]] = {}
    for scope, guard in guarded.items():
        row, (due, priced) = sums.get(scope, Row()), tenant.fees.get(scope, (0, True))
        known = priced and not row.foreign
        level = margin.level((row.revenue or 0) + due, row.cost or 0, guard.floors) if known else None
        found[scope] = (level, guard.enforced)
    return found


_KEYS: Final[Mapping[str, Callable[[Earned], str]]] = {
    "customer": lambda one: one.customer,
    "plan": lambda one: one.grant.terms.plan_id if one.grant is not None else "",
    "product": lambda one: one.product,
}


def _fee_key(group: str, grant: Grant) -> str:
    return {"customer": grant.customer_id, "plan": grant.terms.plan_id, "product": FEES}[group]


def _row(found: dict[str, Row], key: str) -> Row:
    return found.setdefault(key, Row(key))


def _months(span: Span, start: datetime, end: datetime) -> Iterable[tuple[int, int, int]]:
    """For each month: seconds of the span in it, its length, and before which moment a subscription must begin."""
    month = month_of(start)
    while month < end:
        behind = month_after(month)
        first, last = max(month, start), min(behind, end)
        length = int((behind - month).total_seconds())
        part = length if span.name == "month" else int((last - first).total_seconds())
        yield part, length, int(last.timestamp() * 1000)
        month = behind
