"""What a cost rule would have come to over a span that is past. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from aforo.customers import CostRule as KeptRule
from aforo.customers import NewCostRule
from aforo.enforcement.earnings import Figures, Span, fold
from aforo.enforcement.earnings.fold import Row
from aforo.enforcement.earnings.pricing import QUARTER_SECONDS, Earned, cost_by, rule_over
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.model import CostRule, Tenant
from aforo.enforcement.state import scaled


class Effect(NamedTuple):
    """`before` is the span as it is counted now, `after` as it would be. `units` (billionths) are those that the rule
    covers, `cost` (10^-21 of the currency) what they come to by it: None in another currency than what is sold."""

    span: Span
    currency: str | None
    units: int
    cost: int | None
    before: Row
    after: Row


def of_new(figures: Figures, kept: Sequence[KeptRule], new: NewCostRule) -> Effect:
    """As if the rule had held for the whole span, in place of all for the same scope. `kept` in order of writing."""
    scope = (new.scope.product_id, new.scope.metric)
    rule = CostRule(*scope, scaled(f"{new.unit_cost:f}", 12), new.currency, 0)
    rules = (*(plain(one) for one in kept if (one.product_id, one.metric) != scope), rule)
    return _effect(figures, rule, rules, rules)


def of_removal(figures: Figures, kept: Sequence[KeptRule], gone: KeptRule) -> Effect:
    """As the span will be counted once the rule is gone, as if it had never been. `kept` in order of writing."""
    left = tuple(plain(one) for one in kept if one.id != gone.id)
    return _effect(figures, plain(gone), tuple(map(plain, kept)), left)


def plain(kept: KeptRule) -> CostRule:
    """The record as the hot path knows it."""
    amount = scaled(f"{kept.unit_cost:f}", 12)
    return CostRule(kept.product_id, kept.metric, amount, kept.currency, int(kept.valid_from.timestamp() * 1000))


def _effect(figures: Figures, rule: CostRule, present: Sequence[CostRule], after: Sequence[CostRule]) -> Effect:
    """`present` are the rules of which `rule` is one, `after` those to count by."""
    counted, covering = replace(figures.tenant, costs=tuple(after)), replace(figures.tenant, costs=tuple(present))
    book, cover = MarginBook(), MarginBook()
    uses, units, mine = [], 0, Row()
    for one in figures.uses:
        at_ms = figures.starts[one.stretch] * QUARTER_SECONDS * 1000
        uses.append(_costed(book, counted, one, at_ms))
        if rule_over(cover, covering, one.product, one.metric, at_ms) == rule:
            units += one.units
            mine.add(one._replace(cost=cost_by(rule, one.grant, one.units), ruled=True))
    cost = mine.cost if mine.uses else 0
    return Effect(figures.span, figures.currency, units, cost, figures.now, fold.whole(uses, figures.fees, counted))


def _costed(book: MarginBook, tenant: Tenant, one: Earned, at_ms: int) -> Earned:
    rule = rule_over(book, tenant, one.product, one.metric, at_ms)
    return one._replace(cost=cost_by(rule, one.grant, one.units), ruled=rule is not None)
