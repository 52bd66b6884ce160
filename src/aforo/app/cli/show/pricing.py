"""Plans at a gateway: what a sync would write, what it did, and how it stands."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.fields import Arrow, FieldLine, place_words
from aforo.app.cli.show.plan import impact, missed, signed
from aforo.app.cli.show.steps import step_lines
from aforo.app.cli.show.text import hanging, lines, moment, plural

View = Mapping[str, Any]

_OUTCOME: Final = {"DONE": ("✓ ", "green"), "FAILED": ("✗ ", "red"), "NOT_TRIED": ("· ", "dim")}
_STANDING: Final = {
    "IN_SYNC": ("✓ ", "green", "in sync"),
    "DRIFTED": ("~ ", "yellow", "has drifted"),
    "GONE": ("✗ ", "red", "is gone from the gateway"),
    "UNREAD": ("? ", "dim", "was not read"),
}


def preview(view: View, integration: str) -> Group:
    """The plan of a sync, in the manner of Terraform."""
    return lines(_preview_parts(view, integration))


def synced(view: View) -> Group:
    return lines(_synced_parts(view))


def standing(view: View, integration: str) -> Group:
    return lines(_standing_parts(view, integration))


def selectable(view: View) -> list[str]:
    """The keys of rows that would write something. What is STALE is removed only when it is named."""
    return [row["key"] for row in view["changes"] if row["status"] in ("NEW", "CHANGED")]


def dangerous(view: View, keys: list[str]) -> list[str]:
    """Those of these rows that do something to others."""
    return [row["key"] for row in view["changes"] if row["key"] in keys and row["dangers"]]


def differs(view: View) -> bool:
    return any(row["standing"] in ("DRIFTED", "GONE") for row in view["data"])


def _preview_parts(view: View, integration: str) -> Iterator[RenderableType]:
    yield hanging("", f"Preview {view['planId']} of the plans at {integration}, {moment(view['createdAt'])}")
    if view["summary"]["CHANGED"]:
        yield hanging("", ("Plan on the left, gateway on the right; a sync writes the gateway ( -> ).", "dim"))
    yield Text()
    for row in view["changes"]:
        yield from _row(row)
    if view["partial"]:
        yield from missed(view["problems"])
        yield hanging("  ", "So nothing is concluded about these. Preview again for the whole picture.")
    if not view["changes"] and not view["partial"]:
        yield hanging("", f"No plan sells anything at {integration}, and no product there is monetized.")
    counts = view["summary"]
    yield hanging(
        "", (f"Preview: {counts['NEW']:,} new, {counts['CHANGED']:,} changed, ", "bold"),
        (f"{counts['UNCHANGED']:,} unchanged, {counts['STALE']:,} stale.", "bold"),
    )  # fmt: skip


def _row(row: View) -> Iterator[RenderableType]:
    yield signed(row)
    yield hanging("    key  ", (row["key"], "dim"))
    for field in row["fields"]:
        if field["path"] not in row["removes"]:
            yield FieldLine(field, Arrow.RESTORE)
    for path in row["removes"]:
        yield hanging("    ", ("- ", "red"), place_words(path), ("   made by Aforo, no longer wanted", "dim"))
    for why in row["leftOut"]:
        yield hanging("    ", ("not held  ", "dim"), why)
    for danger in row["dangers"]:
        yield hanging("    ", ("! ", "bold yellow"), (danger, "yellow"))
    if row["subject"] == "PLAN" and row["status"] != "UNCHANGED":
        yield hanging("    impact  ", (impact(row["impact"]), "dim"))


def _synced_parts(view: View) -> Iterator[RenderableType]:
    for result in view["results"]:
        sign, style = _OUTCOME[result["outcome"]]
        words = result["outcome"].lower().replace("_", " ")
        yield hanging("", (sign, style), f"{result['key']}  {result['name']}  ", (words, style))
        yield from step_lines(result["steps"])
        if result["detail"]:
            yield hanging("  ", result["detail"])


def _standing_parts(view: View, integration: str) -> Iterator[RenderableType]:
    if not view["data"]:
        yield hanging("", f"Nothing has been synced to {integration}.")
    for row in view["data"]:
        sign, style, words = _STANDING[row["standing"]]
        version = f" v{row['versions'][0]}" if row["versions"] else ""
        yield hanging("", (sign, style), f"{row['key']}  {row['name']}{version} ", (words, style))
        yield hanging("    ", (f"synced {moment(row['syncedAt'])}", "dim"))
        yield from (FieldLine(field, Arrow.NONE) for field in row["fields"])
        if row["reason"]:
            yield hanging("    ", (row["reason"], "dim"))
    drifted = sum(row["standing"] in ("DRIFTED", "GONE") for row in view["data"])
    if drifted:
        yield hanging("", (f"{plural(drifted, 'plan')} no longer stand as synced.", "bold"))
