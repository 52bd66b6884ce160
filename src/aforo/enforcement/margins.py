"""Revenue and cost of this month, by guarded scope, kept up with each counter that moves.

For the hot path this is an incremental estimate: each subscription's use of a metric is priced exactly, from the start
of the calendar month of UTC, with open reservations counted in; fixed fees count whole. A statement prices the plan's
own period and may differ. A cost in another currency than the plan's, or a plan without a rate card, makes the margin
of every scope that it belongs to unknown, and an unknown margin never throttles or blocks.
"""

from dataclasses import dataclass
from typing import Final

from aforo.enforcement.counters import Counter
from aforo.enforcement.model import CostRule, Grant, Guard, Log, ScopeKey, Tenant
from aforo.enforcement.rules import margin
from aforo.enforcement.rules.decide import MarginStanding
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.rules.price import Price
from aforo.enforcement.state.snapshot import scopes


@dataclass(slots=True, eq=False)
class Account:
    """One scope in one month. Amounts in 10^-21; `throttled` counts the calls that a throttle has judged."""

    revenue: int = 0
    cost: int = 0
    unknown: bool = False
    throttled: int = 0


_RANKS: Final = {level: number for number, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class _Attached:
    accounts: tuple[Account, ...]
    price: Price | None
    tier: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The guard that decides, and the account that it watches. A higher rank is worse."""

    rank: int
    level: Level
    guard: Guard
    account: Account

    def standing(self) -> MarginStanding:
        passes = margin.lets_through(self.account.throttled + 1, self.guard.throttle_percent)
        return MarginStanding(self.level, passes, self.guard.retry_seconds, self.guard.enforced)


class MarginBook:
    """Accounts by log, tenant, scope and the month's start."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[Log, str, ScopeKey, int], Account] = {}
        self._attached: dict[int, _Attached] = {}
        self._costs: dict[tuple[str, str | None, str], tuple[tuple[CostRule, ...], list[CostRule]]] = {}

    def attach(self, grant: Grant, use: Counter, cost: Counter, price: Price | None) -> None:
        """From now on these counters' moves are booked; a new price or tier re-books what they show already."""
        self._attach(grant, use, price, is_cost=False)
        self._attach(grant, cost, None, is_cost=True)

    def accounts(self, use: Counter) -> tuple[Account, ...]:
        """In the order CUSTOMER, TIER, TENANT."""
        return self._attached[use.id].accounts

    def standing(self, tenant: Tenant, grant: Grant, use: Counter, added: tuple[int, int]) -> "Watched | None":
        """The worst of the tenant's guards over this call, with the revenue and cost that it would add."""
        worst: Watched | None = None
        for account, scope in zip(self.accounts(use), scopes(grant), strict=True):
            fees, priced = tenant.fees.get(scope, (0, False))
            for guard in tenant.guards:
                if (guard.kind, guard.ref) == scope and priced and not account.unknown:
                    level = margin.level(fees + account.revenue + added[0], account.cost + added[1], guard.floors)
                    rank = _RANKS[level] * 2 + guard.enforced
                    if worst is None or rank > worst.rank:
                        worst = Watched(rank, level, guard, account)
        return worst

    def cost(self, tenant: Tenant, grant: Grant, product_id: str | None, metric: str, at_ms: int) -> int | None:
        """What a nano-unit costs in 10^-21, by the most particular rule in force; None in a foreign currency."""
        rule = self.rule(tenant, product_id, metric, at_ms)
        if rule is None:
            return 0
        return rule.unit_cost if rule.currency == grant.terms.currency else None

    def rule(self, tenant: Tenant, product_id: str | None, metric: str, at_ms: int) -> CostRule | None:
        """The most particular cost rule in force at a moment; of equals the last to begin, then the last written."""
        if not tenant.costs:
            return None
        rules = self._rules(tenant, product_id, metric)
        return next((one for one in rules if one.from_ms <= at_ms), None)

    def make_unknown(self, use: Counter) -> None:
        for account in self.accounts(use):
            account.unknown = True

    def drop_ended(self, ended: list[Counter]) -> None:
        """Forget what hangs on counters that are gone; all counters of a month end together."""
        months = {one.key.starts_ms for one in ended if self._attached.pop(one.id, None) is not None}
        for key in [key for key in self._accounts if key[3] in months]:
            del self._accounts[key]

    def _rules(self, tenant: Tenant, product_id: str | None, metric: str) -> list[CostRule]:
        """Those that apply, the most particular first and of these the newest first."""
        key = (tenant.id, product_id, metric)
        known = self._costs.get(key)
        if known is None or known[0] is not tenant.costs:
            fitting = [
                one
                for one in reversed(tenant.costs)
                if one.product_id in (None, product_id) and one.metric in (None, metric)
            ]
            fitting.sort(key=lambda one: (one.product_id is None, one.metric is None, -one.from_ms))
            known = self._costs[key] = (tenant.costs, fitting)
        return known[1]

    def _attach(self, grant: Grant, counter: Counter, price: Price | None, *, is_cost: bool) -> None:
        known = self._attached.get(counter.id)
        if known is not None and known.price is price and known.tier == grant.terms.key:
            return
        if known is not None:
            _book(known, counter.used, 0, is_cost=is_cost)
        key = counter.key
        accounts = tuple(
            self._accounts.setdefault((key.log, key.tenant_id, scope, key.starts_ms), Account())
            for scope in scopes(grant)
        )
        fresh = _Attached(accounts, price, grant.terms.key)
        self._attached[counter.id] = fresh
        _book(fresh, 0, counter.used, is_cost=is_cost)
        counter.moved = lambda _, before, after: _book(fresh, before, after, is_cost=is_cost)


def _book(attached: _Attached, before: int, after: int, *, is_cost: bool) -> None:
    if is_cost:
        for account in attached.accounts:
            account.cost += after - before
    elif attached.price is not None:
        added = attached.price(max(0, after)) - attached.price(max(0, before))
        for account in attached.accounts:
            account.revenue += added
