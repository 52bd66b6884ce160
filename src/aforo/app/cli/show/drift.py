"""A product beside its gateway, and what a restore would do or has done."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.fields import Arrow, FieldLine, place, value
from aforo.app.cli.show.steps import step_lines
from aforo.app.cli.show.text import hanging, lines, moment, plural

View = Mapping[str, Any]

_SIGN: Final = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}


def drifts(view: View) -> bool:
    return bool(view["gone"]) or any(field["counts"] for field in view["fields"])


def drift(view: View, name: str) -> Group:
    """The differences, or a sentence that there are none."""
    return lines(_drift_parts(view, name))


def restore_plan(view: View, name: str, integration: str, fields: Sequence[View]) -> Group:
    """The dry run: each write, with the values it sets. `fields` are the differences seen in the same reading."""
    return lines(_plan_parts(view, name, integration, fields))


def restored(view: View) -> Group:
    """What a restore did."""
    return lines([*step_lines(view["steps"]), *_unrestorable(view)])


def _drift_parts(view: View, name: str) -> Iterator[RenderableType]:
    if view["gone"]:
        yield hanging("✗ ", (f"{name} is gone from the gateway.", "red"))
    elif not drifts(view):
        yield hanging("✓ ", (f"{name} stands at the gateway as recorded.", "green"))
    else:
        found = plural(sum(field["counts"] for field in view["fields"]), "difference")
        yield hanging("~ ", (f"{name} has drifted: {found} between record and gateway.", "yellow"))
    if view["drift"]:
        yield hanging("  ", (f"Since {moment(view['drift']['openedAt'])} (episode {view['drift']['id']}).", "dim"))
    if view["fields"]:
        yield hanging("  ", ("Record on the left, gateway on the right.", "dim"))
        yield from (FieldLine(field, Arrow.NONE) for field in view["fields"])
    if view["ignored"]:
        yield hanging("  ", (f"Not compared ({len(view['ignored'])}):", "dim"))
        yield from (hanging("    ", (f"{one['path']}  {one['why']}", "dim")) for one in view["ignored"])


def _plan_parts(view: View, name: str, integration: str, fields: Sequence[View]) -> Iterator[RenderableType]:
    if not view["steps"]:
        own = "All that is recorded of it" if view["leftAlone"] else name
        yield hanging("✓ ", (f"{own} stands at {integration} as recorded: there is nothing to restore.", "green"))
    else:
        yield hanging("", f"Restoring {name} would write this to {integration}:")
    for step in view["steps"]:
        yield from _step(step, fields)
    yield from _unrestorable(view)
    yield from _left_alone(view)
    if view["steps"]:
        yield Text()
        yield hanging("", (f"Restore: {_counts(view['steps'])}.", "bold"))


def _step(step: View, fields: Sequence[View]) -> Iterator[RenderableType]:
    action, kind, key = step["title"].split(" ", 2)
    sign, style = _SIGN.get(action, (" ", ""))
    yield hanging("  ", (f"{sign} {action}", style), f" {kind} {key}")
    for field in fields:
        if place(field["path"])[:2] != (kind, key):
            continue
        if field["kind"] == "FIELD":
            yield FieldLine(field, Arrow.RESTORE, 6)
        elif field["kind"] == "MISSING":
            yield hanging("      ", (value(field["before"]), "dim"))


def _unrestorable(view: View) -> Iterator[RenderableType]:
    if view["unrestorable"]:
        yield hanging("! ", ("Cannot be restored; set it by hand:", "yellow"))
        yield from (hanging("    ", f"{one['path']}  {one['why']}") for one in view["unrestorable"])


def _left_alone(view: View) -> Iterator[RenderableType]:
    if view["leftAlone"]:
        yield hanging("  ", ("Left alone, since others added it (--remove PATH takes it away):", "dim"))
        yield from (hanging("    ", field["path"]) for field in view["leftAlone"])


def _counts(steps: Sequence[View]) -> str:
    titles = [step["title"].split(" ", 1)[0] for step in steps]
    return ", ".join(f"{titles.count(action)} to {action}" for action in ("create", "update", "delete"))
