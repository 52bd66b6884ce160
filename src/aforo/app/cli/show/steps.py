"""Steps of a restore, planned or carried out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aforo.app.cli.show.text import Hanging, hanging

_SIGN: Final = {
    "PLANNED": (" ", "", ""),
    "DONE": ("✓", "green", "done"),
    "FAILED": ("✗", "red", "failed"),
    "NOT_TRIED": ("·", "dim", "not tried"),
}


def step_lines(steps: Sequence[Mapping[str, Any]]) -> Iterator[Hanging]:
    """`✓ done       update plugin rate-limiting@payments-v2`, and below a failed one why."""
    for step in steps:
        sign, style, words = _SIGN.get(step["outcome"], ("?", "", str(step["outcome"]).lower()))
        yield hanging("  ", (f"{sign} {words:<10}", style), step["title"])
        if step["detail"]:
            yield hanging("      ", step["detail"])
