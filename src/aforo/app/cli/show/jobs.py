"""A job."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.show.text import NOTHING, moment, pairs
from aforo.app.cli.waiting import counted


def one(view: Mapping[str, Any]) -> RenderableType:
    facts = [
        ("Job", view["title"]),
        ("Id", view["id"]),
        ("State", view["state"]),
        ("Progress", counted(dict(view)) or NOTHING),
        ("Started", moment(view["startedAt"])),
        ("Ended", moment(view["endedAt"])),
    ]
    if view["error"]:
        facts.append(("Error", f"{view['error'].get('detail', '')} ({view['error'].get('code', '')})"))
    if view["result"] and "planId" in view["result"]:
        facts.append(("Preview", f"{view['result']['planId']}: aforo products preview {view['result']['planId']}"))
    return pairs(facts)
