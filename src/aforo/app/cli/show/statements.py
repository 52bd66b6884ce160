"""Statements for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, table

View = Mapping[str, Any]


def statements(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No statements.")
    return table(
        ("CUSTOMER", "PLAN", "FROM", "STATE", "TOTAL", "ID"),
        [
            (row["customerName"], f"{row['planKey']} v{row['planVersion']}", moment(row["period"]["start"]),
             row["status"], _money(row["total"], row), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"TOTAL"}),
    )  # fmt: skip


def statement(view: View) -> Group:
    period, made = view["period"], view["provenance"]
    facts = pairs(
        [
            ("Statement", view["id"]),
            ("Customer", view["customerName"]),
            ("Plan", f"{view['planName']} version {view['planVersion']}"),
            ("From", moment(period["start"])),
            ("Until", f"{moment(period['end'])}, midnight in {period['timeZone']}"),
            ("State", view["status"] if view["status"] == "final" else f"open until {moment(view['finalAt'])}"),
            ("Events", number(made["events"])),
            ("Complete", _complete(made["completeness"])),
        ]
    )
    heads = ("LINE", "QUANTITY", "PRICE", "EXACT", f"AMOUNT, {view['currency']}")
    told = table(heads, list(_rows(view)), right=frozenset(heads[1:]))
    word = "Total so far" if view["status"] == "open" else "Total"
    return lines([facts, Text(), told, Text(), pairs([(word, Text(_money(view["total"], view), style="bold"))])])


def _rows(view: View) -> Iterator[tuple[str, ...]]:
    for line in view["lines"]:
        name = line["name"] or line["metric"] or NOTHING
        for part in line["parts"]:
            yield (f"  {name}, {part['kind']}", part["quantity"], part["price"], part["amount"], "")
        yield (name, line["quantity"], "", line["exact"], line["amount"])
    if view["spendCap"]:
        yield ("Spend cap", "", "", "", view["spendCap"]["reduction"] if view["spendCap"]["applied"] else "not applied")
    for one in view["adjustments"]:
        yield (f"Late events of {one['statementId']}", number(one["lateEvents"]), "", "", one["amount"])


def _complete(proof: View) -> str:
    if proof["complete"] is None:
        return "not known: no gateway numbers its events"
    return "yes" if proof["complete"] else f"no: {number(proof['missing'])} events are missing"


def _money(amount: str, row: View) -> str:
    return f"{amount} {row['currency']}"
