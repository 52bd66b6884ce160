"""An error: what failed and why, what is unharmed, what to do next, and the code."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.exits import Exit
from aforo.app.cli.show.steps import step_lines
from aforo.app.cli.show.text import hanging, lines


def problem(told: Mapping[str, Any], code: Exit, next_step: str | None, unharmed: str) -> Group:
    return lines(_parts(told, code, next_step, unharmed))


def _parts(told: Mapping[str, Any], code: Exit, next_step: str | None, unharmed: str) -> Iterator[RenderableType]:
    title = str(told.get("title", "Failed"))
    what = f"{title}{'' if title.endswith('?') else '.'} {told.get('detail', '')} {unharmed}".rstrip()
    first, *more = what.split("\n")
    yield hanging("✗ ", (first, "red"))
    yield from (hanging("  ", line) for line in more)
    for fault in told.get("errors") or ():
        yield hanging("    ", (fault["pointer"], "bold"), f"  {fault['detail']}")
    yield from step_lines(told.get("steps") or ())
    if next_step:
        yield hanging("  Next: ", next_step)
    yield Text(f"  ({told.get('code', 'unknown')}, exit {code.value})", style="dim")
