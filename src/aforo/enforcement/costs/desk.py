"""Cost rules beside what they come to: the list, the effect of a change, and many at once."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from aforo.customers import CostRule, Margins, NewCostRule
from aforo.enforcement.costs import effect
from aforo.enforcement.costs.effect import Effect
from aforo.enforcement.costs.sheet import Label, SheetLine, read_sheet
from aforo.enforcement.earnings import Earnings, Figures
from aforo.kit.clock import Clock

SPAN = "30d"
"""What effects are told over."""
_MOST = 10_000


class Standing(StrEnum):
    """Whether a rule says now what a unit costs."""

    IN_FORCE = "in force"
    LATER = "later"
    REPLACED = "replaced"


class Fate(StrEnum):
    """What came of a line of a sheet. WOULD_ADD is the dry run's ADDED; what is there already is left as it is."""

    ADDED = "ADDED"
    WOULD_ADD = "WOULD_ADD"
    UNCHANGED = "UNCHANGED"
    FAILED = "FAILED"


class Taken(NamedTuple):
    """A line of a sheet and what came of it."""

    number: int
    fate: Fate
    new: NewCostRule | None
    rule_id: str | None
    fault: str


class CostDesk:
    """`products` are those of one tenant, `metrics` the names of what it counts."""

    def __init__(
        self,
        margins: Margins,
        earnings: Earnings,
        products: Callable[[str], Awaitable[Collection[Label]]],
        metrics: Callable[[str], Awaitable[Collection[str]]],
        clock: Clock,
    ) -> None:
        self._margins = margins
        self._earnings = earnings
        self._clock = clock
        self.products = products
        self.metrics = metrics

    async def rules(self, tenant_id: str) -> list[tuple[CostRule, Standing]]:
        """The newest first, each with whether it holds now."""
        found = await self._all(tenant_id)
        return list(zip(found, standings(found, self._clock.now()), strict=True))

    async def rule(self, tenant_id: str, rule_id: str) -> CostRule:
        """Raises NotFound."""
        return await self._margins.cost_rule(tenant_id, rule_id)

    async def figures(self, tenant_id: str) -> Figures:
        """The span that effects are told over."""
        return await self._earnings.figures(tenant_id, SPAN)

    async def effect_of_new(self, tenant_id: str, new: NewCostRule) -> Effect:
        """Raises Invalid when the rule is about nothing that is there."""
        await self._margins.check_cost_rule(tenant_id, new)
        return effect.of_new(await self.figures(tenant_id), (await self._all(tenant_id))[::-1], new)

    async def effect_of_removal(self, tenant_id: str, rule_id: str) -> Effect:
        """Raises NotFound."""
        gone = await self.rule(tenant_id, rule_id)
        return effect.of_removal(await self.figures(tenant_id), (await self._all(tenant_id))[::-1], gone)

    async def add(self, tenant_id: str, new: NewCostRule) -> CostRule:
        """Raises Invalid."""
        return await self._margins.create_cost_rule(tenant_id, new)

    async def remove(self, tenant_id: str, rule_id: str) -> None:
        """Raises NotFound."""
        await self._margins.remove_cost_rule(tenant_id, rule_id)

    async def take(self, tenant_id: str, text: str, *, dry: bool) -> list[Taken]:
        """Add a sheet's good lines in one transaction and tell of every line; sending it again adds nothing twice.

        A line without `validFrom` holds from the quarter hour that runs; is its like in force, it is there already.
        """
        lines = read_sheet(text, await self.products(tenant_id), await self.metrics(tenant_id))
        present = {key for rule, standing in await self.rules(tenant_id) for key in _keys(rule, standing)}
        found = _sorted_out(lines, present)
        fresh = [one.new for one in found if one.fate is Fate.WOULD_ADD and one.new is not None]
        if dry or not fresh:
            return found
        made = iter(await self._margins.create_cost_rules(tenant_id, fresh))
        return [
            one._replace(fate=Fate.ADDED, rule_id=next(made).id) if one.fate is Fate.WOULD_ADD else one for one in found
        ]

    async def _all(self, tenant_id: str) -> list[CostRule]:
        return (await self._margins.cost_rules(tenant_id, limit=_MOST))[0]


def standings(rules: Collection[CostRule], now: datetime) -> list[Standing]:
    """Of rules for the same product and metric the last to begin holds, and of these the newest written. Pure."""
    holding: dict[tuple[str | None, str | None], CostRule] = {}
    for one in rules:
        scope = (one.product_id, one.metric)
        known = holding.get(scope)
        if one.valid_from <= now and (known is None or (one.valid_from, one.id) > (known.valid_from, known.id)):
            holding[scope] = one
    return [_standing(one, holding, now) for one in rules]


def _standing(one: CostRule, holding: dict[tuple[str | None, str | None], CostRule], now: datetime) -> Standing:
    if one.valid_from > now:
        return Standing.LATER
    return Standing.IN_FORCE if holding[one.product_id, one.metric] is one else Standing.REPLACED


_Key = tuple[object, ...]


def _key(new: NewCostRule) -> _Key:
    return (new.scope.product_id, new.scope.metric, new.unit_cost, new.currency, new.valid_from)


def _keys(rule: CostRule, standing: Standing) -> list[_Key]:
    """What a line may say that means this rule."""
    said = (rule.product_id, rule.metric, rule.unit_cost, rule.currency)
    dated: list[_Key] = [(*said, rule.valid_from)]
    return [*dated, (*said, None)] if standing is Standing.IN_FORCE else dated


def _sorted_out(lines: Sequence[SheetLine], present: Collection[_Key]) -> list[Taken]:
    """Two prices from one moment on for the same thing contradict each other: the first line is taken."""
    said: dict[_Key, tuple[int, _Key]] = {}
    found = []
    for line in lines:
        if line.new is None:
            found.append(Taken(line.number, Fate.FAILED, None, None, line.fault))
            continue
        key = _key(line.new)
        first, same = said.setdefault((*key[:2], key[-1]), (line.number, key))
        if same != key:
            fault = f"line {first} gives the same product and metric another cost from the same moment on"
            found.append(Taken(line.number, Fate.FAILED, None, None, fault))
        else:
            is_known = key in present or first != line.number
            found.append(Taken(line.number, Fate.UNCHANGED if is_known else Fate.WOULD_ADD, line.new, None, ""))
    return found
