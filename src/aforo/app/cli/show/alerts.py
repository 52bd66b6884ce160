"""Alerts and channels for people."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, table

View = Mapping[str, Any]

_COLOUR: Final = {"CRITICAL": "red", "WARNING": "yellow", "DELIVERED": "green", "PENDING": "yellow", "FAILED": "red"}
_EVENT: Final = {"raised": "it began", "resolved": "it is over", "test": "test"}


def alerts(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No alerts.")
    return table(
        ("SEVERITY", "WHAT", "SINCE", "ENDED", "ID"),
        [
            (_word(row["severity"]), row["title"], moment(row["since"]), moment(row["endedAt"]), row["id"])
            for row in view["data"]
        ],
    )


def alert(view: View) -> Group:
    touched = view["affects"]
    money = f"{touched['monthlyRevenue']} {touched['currency']}" if touched["monthlyRevenue"] else NOTHING
    facts = pairs(
        [
            ("Alert", view["title"]),
            ("Severity", _word(view["severity"])),
            ("What", view["detail"]),
            ("Since", moment(view["since"])),
            ("Ended", moment(view["endedAt"])),
            ("How", view["resolution"] or NOTHING),
            ("Subscriptions", number(touched["subscriptions"])),
            ("Live keys", number(touched["credentials"])),
            ("Money a month", money),
            ("Page", view["url"]),
        ]
    )
    if not view["deliveries"]:
        return lines([facts, Text(), hanging("", "Nobody was told: no channel was there for it.")])
    rows = [
        (one["channelName"], _EVENT[one["event"]], _word(one["state"]), number(len(one["attempts"])),
         one["answer"] or NOTHING, one["id"])
        for one in view["deliveries"]
    ]  # fmt: skip
    return lines([facts, Text(), table(("CHANNEL", "SAID", "STATE", "TRIES", "ANSWER", "ID"), rows)])


def channels(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No channels: nobody is told. Alerts are kept.")
    return table(
        ("NAME", "KIND", "ADDRESS", "ABOUT", "FROM", "ID"),
        [
            (row["name"], row["kind"], row["address"], ", ".join(row["kinds"]) or "everything",
             "paused" if row["paused"] else row["minSeverity"], row["id"])
            for row in view["data"]
        ],
    )  # fmt: skip


def _word(word: str) -> Text:
    return Text(word, style=_COLOUR.get(word, ""))
