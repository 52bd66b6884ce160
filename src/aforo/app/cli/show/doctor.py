"""What the doctor found, a line each."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.show.text import hanging, lines

_MARKS = {"OK": "✓ ", "WARN": "! ", "FAIL": "✗ "}


def findings(view: Mapping[str, Any]) -> RenderableType:
    told: list[RenderableType] = []
    for one in view["findings"]:
        told.append(hanging(_MARKS[one["level"]], f"{one['what']}: {one['words']}"))
        if one["nextStep"]:
            told.append(hanging("    ", one["nextStep"]))
    levels = [one["level"] for one in view["findings"]]
    told.append(f"{len(levels)} looked at: {levels.count('WARN')} to think about, {levels.count('FAIL')} to mend.")
    return lines(told)
