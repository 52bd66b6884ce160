"""Gateways' own usage figures, and the same beside pushed events."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, plural, table

View = Mapping[str, Any]


def pulled(view: View, name: str) -> RenderableType:
    days = f"{view['firstDay']} to {view['lastDay']}"
    return hanging("✓ ", f"{name} counted {plural(view['calls'], 'call')} from {days}.")


def kept(view: View) -> RenderableType:
    days = view["days"]
    return f"Events are kept whole for {'ever' if days is None else plural(days, 'day')}."


def erased(view: View) -> RenderableType:
    events, letters = plural(view["events"], "event"), plural(view["deadLetters"], "dead letter")
    return hanging("✓ ", f"{events} reduced to what sums need, {letters} removed.")


def reconciled(view: View, name: str) -> RenderableType:
    """The rows, then each reason once below the row's number."""
    return lines(_parts(view, name))


def _parts(view: View, name: str) -> Iterator[RenderableType]:
    rows = view["data"]
    yield hanging("", f"{name}, {view['from']} to {view['to']} ({view['source']['zone']})")
    yield hanging("  ", (f"Read from the gateway: {moment(view['lastReadAt'])}. {_artifact(view)}", "dim"))
    if not rows:
        yield hanging("", "Neither the gateway nor its artifact told of a call.")
        return
    yield table(
        ("DAY", "PRODUCT", "GATEWAY", "PUSHED", "DIFFERENCE", "%", "WHY"),
        [
            (row["day"], ", ".join(one["name"] for one in row["products"]) or "none", number(row["pulledCalls"]),
             number(row["pushedCalls"]), _difference(row), _percent(row),
             " ".join(reason["words"] for reason in row["reasons"]))
            for row in rows
        ],
        right=frozenset({"GATEWAY", "PUSHED", "DIFFERENCE", "%"}),
    )  # fmt: skip
    yield hanging("  ", (f"{view['source']['counts']}. {view['source']['exactness']}.", "dim"))
    yield hanging("  ", ("No bill is made from the gateway's figures.", "dim"))


def _artifact(view: View) -> str:
    return (
        f"Artifact attached since {moment(view['attachedAt'])}." if view["attachedAt"] else "No artifact is attached."
    )


def _difference(row: View) -> Text:
    found = row["difference"]
    if found is None:
        return Text(NOTHING)
    return Text(f"{found:+,}" if found else "0", style="yellow" if found else "green")


def _percent(row: View) -> str:
    return NOTHING if row["percent"] is None else str(row["percent"])
