"""How the api shows the effect of a cost rule and what came of a sheet."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from aforo.customers import CostScope, NewCostRule
from aforo.enforcement.costs.desk import Fate, Taken
from aforo.enforcement.costs.effect import Effect
from aforo.enforcement.costs.sheet import MOST_LETTERS
from aforo.enforcement.earnings import money, units
from aforo.enforcement.earnings.fold import Row
from aforo.enforcement.earnings.views import decimal_text
from aforo.kit.wire import Moment, WireModel

_EFFECT: Final[dict[str, Any]] = {
    "from": "2026-10-25T00:00:00.000Z",
    "to": "2026-11-22T14:05:12.000Z",
    "currency": "EUR",
    "units": "98073",
    "cost": "402.10",
    "costBefore": "301.55",
    "costAfter": "402.10",
    "revenue": "510.00",
    "marginShareBefore": "0.4087",
    "marginShareAfter": "0.2116",
}
_SHEET: Final = (
    "product,metric,unitCost,currency,validFrom\nsearch,api_calls,0.0004,EUR,2026-11-01\n,tokens,free,EUR,\n"
)
_LINE: Final[dict[str, Any]] = {
    "line": 2,
    "fate": "ADDED",
    "scope": {"productId": "prod_01k9q3", "metric": "api_calls"},
    "ruleId": "cost_01k9q3",
    "fault": None,
}
_FAILED: Final[dict[str, Any]] = {
    "line": 3,
    "fate": "FAILED",
    "scope": None,
    "ruleId": None,
    "fault": 'unitCost: a decimal string such as "0.001" is wanted here',
}


class EffectView(WireModel):
    """What a rule comes to over the last 30 days: `units` are those it covers, `cost` what they come to by it. Money
    is in the currency of the plans, null where it is not known."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_EFFECT]}}
    from_: Annotated[Moment, Field(alias="from")]
    to: Moment
    currency: str | None
    units: str
    cost: str | None
    cost_before: str | None
    cost_after: str | None
    revenue: str | None
    margin_share_before: str | None
    margin_share_after: str | None


class CostSheet(WireModel):
    """CSV whose first line names its columns: `product` (id, or a ref or name that only one has), `metric`, `unitCost`,
    `currency`, `validFrom` (a day of UTC or a time). At most 1,000 lines. `dryRun` adds nothing."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"csv": _SHEET, "dryRun": False}]}}
    csv: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
    dry_run: bool = False


class SheetLineView(WireModel):
    """What came of a line; the first line under the heads is 2. `WOULD_ADD` is a dry run's `ADDED`."""

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_LINE]}}
    line: int
    fate: Fate
    scope: CostScope | None
    rule_id: str | None
    fault: str | None


class SheetReport(WireModel):
    """Every line of a sheet. What could be read is added, what is there already is left as it is."""

    model_config = WireModel.model_config | {
        "json_schema_extra": {
            "examples": [{"added": 1, "unchanged": 0, "failed": 1, "dryRun": False, "lines": [_LINE, _FAILED]}]
        }
    }
    added: int
    unchanged: int
    failed: int
    dry_run: bool
    lines: list[SheetLineView]


def effect_view(effect: Effect) -> EffectView:
    return EffectView.model_validate(
        {
            "from": effect.span.start,
            "to": effect.span.end,
            "currency": effect.currency,
            "units": f"{units(effect.units):f}",
            "cost": decimal_text(money(effect.cost)),
            "cost_before": decimal_text(money(effect.before.cost)),
            "cost_after": decimal_text(money(effect.after.cost)),
            "revenue": decimal_text(money(effect.after.revenue)),
            "margin_share_before": _share(effect.before),
            "margin_share_after": _share(effect.after),
        }
    )


def sheet_report(lines: Sequence[Taken], *, dry: bool) -> SheetReport:
    fates = [one.fate for one in lines]
    return SheetReport(
        added=fates.count(Fate.WOULD_ADD if dry else Fate.ADDED),
        unchanged=fates.count(Fate.UNCHANGED),
        failed=fates.count(Fate.FAILED),
        dry_run=dry,
        lines=[
            SheetLineView(
                line=one.number, fate=one.fate, scope=_scope(one.new), rule_id=one.rule_id, fault=one.fault or None
            )
            for one in lines
        ],
    )


def _scope(new: NewCostRule | None) -> CostScope | None:
    return None if new is None else new.scope


def _share(row: Row) -> str | None:
    return None if row.share is None else f"{row.share:.4f}"
