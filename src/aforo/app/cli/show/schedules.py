"""Schedules and their last runs."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, moment, pairs, table

View = Mapping[str, Any]

_RESULT: Final = {"DONE": "green", "PARTIAL": "yellow", "FAILED": "red", "HELD": "yellow", "INTERRUPTED": "yellow"}
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def listed(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No schedules. They come with an integration.")
    return table(
        ("KIND", "OF", "EVERY", "LAST", "RESULT", "NEXT", "ID"),
        [
            (row["kind"], row["subject"], span(row["everySeconds"]), moment(_last(row, "startedAt")), _result(row),
             _next(row), row["id"])
            for row in view["data"]
        ],
    )  # fmt: skip


def one(view: View) -> RenderableType:
    default = "" if view["everySeconds"] == view["defaultSeconds"] else f" (default {span(view['defaultSeconds'])})"
    took = _last(view, "tookMs")
    facts: list[tuple[str, str | Text]] = [
        ("Schedule", f"{view['title']} of {view['subject']}"),
        ("Id", view["id"]),
        ("Every", f"{span(view['everySeconds'])}{default}, give or take {view['jitter']:.0%}"),
        ("Last run", moment(_last(view, "startedAt"))),
        ("Took", NOTHING if took is None else f"{took:,.0f} ms"),
        ("Result", _result(view)),
        ("", _last(view, "words") or NOTHING),
        ("Next run", _next(view)),
    ]
    error = _last(view, "error")
    if error and error.get("next_step"):
        facts.append(("Next step", str(error["next_step"])))
    return pairs(facts)


def span(seconds: int) -> str:
    """`15 min`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:,} {unit}"
    return f"{seconds:,} s"


def _next(row: View) -> str:
    states = {"RUNNING": "runs now", "OFF": "off", "PAUSED": "paused"}
    return states.get(row["state"]) or moment(row["nextAt"])


def _result(row: View) -> Text:
    word = _last(row, "result")
    return Text(word or NOTHING, style=_RESULT.get(word or "", "dim"))


def _last(row: View, member: str) -> Any:
    return row["last"][member] if row["last"] else None
