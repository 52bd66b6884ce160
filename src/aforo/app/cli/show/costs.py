"""What cost rules come to, and what became of a sheet of them, for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, plural, table

View = Mapping[str, Any]


def effect(view: View) -> RenderableType:
    """The last 30 days as they are counted, and as they would be."""
    code = view["currency"] or ""
    covers = f"{view['units']} units are covered"
    told = NOTHING if view["cost"] is None else f"{Decimal(view['cost']):,.2f} {code}".strip()
    rows = [
        (words, _money(view[f"cost{when}"]), _share(view[f"marginShare{when}"]))
        for words, when in (("as counted", "Before"), ("as it would be", "After"))
    ]
    heads = ("LAST 30 DAYS", f"COST {code}".strip(), "MARGIN")
    head = hanging("", f"{covers} from {moment(view['from'])}, by the rule {told}. Nothing was changed.")
    return lines([head, table(heads, rows, right=frozenset(heads[1:]))])


def sheet(view: View) -> RenderableType:
    """Counts, and the lines that could not be read."""
    done = "would be added" if view["dryRun"] else "added"
    rest = f"{view['unchanged']} there already, {view['failed']} not readable."
    head = f"{plural(view['added'], 'cost rule')} {done}, {rest}"
    bad = [(str(one["line"]), one["fault"]) for one in view["lines"] if one["fault"]]
    return lines([hanging("", head), *([table(("LINE", "WHY"), bad)] if bad else [])])


def _money(amount: str | None) -> str:
    return NOTHING if amount is None else f"{Decimal(amount):,.2f}"


def _share(share: str | None) -> str:
    return NOTHING if share is None else f"{float(share):.1%}"


def customer_margin(view: View) -> RenderableType:
    """The whole, then by product, by cost rule and by guard."""
    code = view["currency"] or ""
    whole = ", ".join(f"{name} {_money(view[name])} {code}".strip() for name in ("revenue", "cost", "margin"))
    share = f" ({_share(view['marginShare'])})" if view["marginShare"] else ""
    told: list[RenderableType] = [hanging("", f"{view['name']}: {whole}{share} from {moment(view['from'])}")]
    heads = ("PRODUCT", "METRIC", "UNITS", "SOLD AT", "COSTS", f"REVENUE {code}".strip(), "COST", "MARGIN")
    told += _listed(heads, [_part(one) for one in view["parts"]], "Nothing was used, and no fee fell due.")
    rules = [
        (one["productId"] or "every", one["metric"] or "every", f"{one['unitCost']} {one['currency']}",
         moment(one["validFrom"]), one["units"], _money(one["cost"]))
        for one in view["costRules"]
    ]  # fmt: skip
    told += _listed(
        ("COST RULE OF", "METRIC", "A UNIT COSTS", "FROM", "UNITS", "CAME TO"), rules, "No cost rule counted."
    )
    guards = [(one["kind"].lower(), one["mode"], one["level"]) for one in view["guards"]]
    told += _listed(("GUARD OF", "MODE", "LEVEL"), guards, "No guard watches this customer.")
    refused = [(one["reason"], "refused" if one["enforced"] else "would have refused", f"{one['calls']:,}")
               for one in view["refusals"]]  # fmt: skip
    told += _listed(("REASON, 7 DAYS", "DONE", "CALLS"), refused, "No call was refused, and none would have been.")
    return lines([*told, *([hanging("", view["unknown"])] if view["unknown"] else [])])


_RIGHT = frozenset({"UNITS", "SOLD AT", "COSTS", "COST", "MARGIN", "A UNIT COSTS", "CAME TO", "CALLS"})


def _listed(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], otherwise: str) -> list[RenderableType]:
    right = _RIGHT | {head for head in heads if head.startswith("REVENUE")}
    return [hanging("", ""), table(heads, rows, right=right & {*heads}) if rows else hanging("", otherwise)]


def _part(one: View) -> tuple[str, ...]:
    prices = (one["soldAt"] or NOTHING, one["costsAt"] or NOTHING)
    amounts = (_money(one[name]) for name in ("revenue", "cost", "margin"))
    return (one["name"], one["metric"] or NOTHING, one["units"], *prices, *amounts)
