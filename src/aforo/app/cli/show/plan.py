"""A preview, as a plan in the manner of Terraform: what an import would write into Aforo's record."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.fields import Arrow, FieldLine
from aforo.app.cli.show.text import NOTHING, Hanging, hanging, lines, moment, number, plural

View = Mapping[str, Any]

_SIGN: Final = {
    "NEW": ("+", "green"),
    "CHANGED": ("~", "yellow"),
    "STALE": ("-", "red"),
    "UNCHANGED": ("=", "dim"),
}
_DIFFERS: Final = ("NEW", "CHANGED", "STALE")


def plan(view: View, integration: str, *, every: bool = False) -> Group:
    """`every` lists the unchanged products too, instead of counting them."""
    return lines(_parts(view, integration, every=every))


def differs(view: View) -> bool:
    return any(view["summary"][status] for status in _DIFFERS)


def selectable(view: View) -> list[str]:
    """The refs that an import of everything would take: STALE ones are not at the gateway."""
    return [row["ref"] for row in view["changes"] if row["status"] in ("NEW", "CHANGED")]


def _parts(view: View, integration: str, *, every: bool) -> Iterator[RenderableType]:
    yield hanging("", f"Preview {view['planId']} of {integration}, {moment(view['createdAt'])}")
    if view["state"] == "APPLIED":
        yield hanging("! ", ("It has been imported from already; preview again before the next import.", "yellow"))
    if view["summary"]["CHANGED"]:
        yield hanging("", ("Record on the left, gateway on the right; an import writes the record ( <- ).", "dim"))
    yield Text()
    rows = list(_rows(view, every=every))
    yield from rows
    if rows:
        yield Text()
    yield from _banner(view)
    for note in view["notes"]:
        yield hanging("i ", (note, "dim"))
    yield _plain_sentence(view, integration)
    counts = view["summary"]
    yield hanging(
        "", (f"Preview: {counts['NEW']:,} new, {counts['CHANGED']:,} changed, ", "bold"),
        (f"{counts['UNCHANGED']:,} unchanged, {counts['STALE']:,} stale.", "bold"),
    )  # fmt: skip


def _rows(view: View, *, every: bool) -> Iterator[RenderableType]:
    for row in view["changes"]:
        if row["status"] in _DIFFERS or every:
            yield from _row(row)
    alike = view["summary"]["UNCHANGED"]
    if alike and not every:
        yield hanging("= ", (f"{alike:,} UNCHANGED (--all lists them)", "dim"))


def _row(row: View) -> Iterator[RenderableType]:
    yield signed(row)
    if row["ref"] != row["name"]:
        yield hanging("    ref  ", (row["ref"], "dim"))
    for field in row["fields"]:
        yield FieldLine(field, Arrow.IMPORT)
    if row["status"] in ("CHANGED", "STALE"):
        yield hanging("    impact  ", (impact(row["impact"]), "dim"))


def signed(row: View) -> Hanging:
    """A row's line behind the sign of its status."""
    sign, style = _SIGN[row["status"]]
    status, _, rest = row["line"].partition(":")
    return Hanging(Text.assemble((f"{sign} ", style), (status, style), f":{rest}"), 2)


def impact(told: View) -> str:
    money = NOTHING if told["monthlyRevenue"] is None else f"{told['monthlyRevenue']} {told['currency'] or ''}".strip()
    return (
        f"subscriptions {number(told['subscriptions'])}   credentials {number(told['credentials'])}"
        f"   monthly revenue {money}"
    )


def _banner(view: View) -> Iterator[RenderableType]:
    if not view["partial"]:
        return
    yield from missed(view["problems"])
    unread = view["unread"]
    if unread:
        yield hanging(
            "  ", f"So nothing is concluded about {plural(len(unread), 'recorded product')} not seen this time: ",
            ", ".join(unread) + ".",
        )  # fmt: skip
    yield hanging("  ", "So no product is called STALE, and nothing is removed. Preview again for the whole picture.")
    yield Text()


def missed(problems: list[View]) -> Iterator[RenderableType]:
    """What a partial reading did not see, and why."""
    yield hanging("! ", ("PARTIAL: not everything at the gateway could be read.", "bold yellow"))
    for one in problems:
        yield hanging("    ", (one["what"], "bold"), f": {one['why']} ({one['code']})")


def _plain_sentence(view: View, integration: str) -> RenderableType:
    if differs(view):
        return Group()
    if view["partial"]:
        return hanging("", f"Nothing differs among what could be read at {integration}.")
    alike = view["summary"]["UNCHANGED"]
    if not alike:
        return hanging("", f"There are no products at {integration}, and none of it in Aforo.")
    which = "The one product" if alike == 1 else f"All {alike:,} products"
    return hanging("", f"Nothing has changed. {which} at {integration} {'is' if alike == 1 else 'are'} as recorded.")
