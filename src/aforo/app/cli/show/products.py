"""Products, their versions, and the outcome of an import."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.plan import missed
from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, pairs, plural, table

View = Mapping[str, Any]
_STATUS: Final = {"STALE": "yellow", "MONETIZED": "green", "UNMONETIZED": "dim"}


def listed(view: View, integrations: Mapping[str, str]) -> RenderableType:
    """`integrations` gives names for their ids. A product is addressed by its ref, so its own id is left out."""
    if not view["data"]:
        return hanging("", "No products match.")
    heads = ("PRODUCT", "REF", "VERSION", "INTEGRATION", "STATUS")
    rows: list[tuple[str | Text, ...]] = [
        (
            row["name"],
            row["ref"],
            row["version"] or NOTHING,
            integrations.get(row["integrationId"], row["integrationId"]),
            _status(row["monetizationStatus"]),
        )
        for row in view["data"]
    ]
    if all(row["ref"] == row["name"] for row in view["data"]):
        return table((heads[0], *heads[2:]), [(row[0], *row[2:]) for row in rows])
    return table(heads, rows)


def one(view: View, integration: str) -> RenderableType:
    facts: list[tuple[str, str | Text]] = [
        ("Product", view["name"]),
        ("Version", view["version"] or NOTHING),
        ("Id", view["id"]),
        ("Ref", view["ref"]),
        ("Integration", f"{integration} ({view['integrationId']})"),
        ("Status", _status(view["monetizationStatus"])),
        ("Monetized", "yes" if view["monetized"] else "no"),
        ("Record version", str(view["recordVersion"])),
        ("Drift", view["driftId"] or "none known"),
        ("Compared", moment(view["checkedAt"])),
        ("Updated", moment(view["updatedAt"])),
        ("Spec digest", view["spec"]["digest"] or NOTHING),
        ("Config digest", view["config"]["digest"] or NOTHING),
    ]
    return pairs([*facts, *(("Ignored", path) for path in view["ignored"])])


def discovered(view: View, integration: str) -> Group:
    return lines(_discovered(view, integration))


def imported(view: View) -> Group:
    return lines(_imported(view))


def versions(view: View) -> RenderableType:
    return table(
        ("VERSION", "ORIGIN", "BY", "AT"),
        [(str(row["number"]), row["origin"], row["actorId"], moment(row["createdAt"])) for row in view["data"]],
        right=frozenset({"VERSION"}),
    )


def _status(word: str) -> Text:
    return Text(word, style=_STATUS.get(word, ""))


def _discovered(view: View, integration: str) -> Iterator[RenderableType]:
    rows = view["data"]
    if rows:
        yield table(
            ("PRODUCT", "VERSION", "REF"), [(row["name"], row["version"] or NOTHING, row["ref"]) for row in rows]
        )
        yield Text()
    if view["partial"]:
        yield from missed(view["problems"])
    for note in view["notes"]:
        yield hanging("i ", (note, "dim"))
    yield hanging("", f"{plural(len(rows), 'product')} at {integration} not yet in Aforo.")


def _named(row: View) -> str:
    return str(row["name"]) if row["ref"] == row["name"] else f"{row['name']} ({row['ref']})"


def _imported(view: View) -> Iterator[RenderableType]:
    for row in view["created"]:
        yield hanging("+ ", ("recorded ", "green"), f"{_named(row)}  {row['id']}")
    for row in view["updated"]:
        yield hanging("~ ", ("updated ", "yellow"), f"{_named(row)} to version {row['recordVersion']}  {row['id']}")
    for ref in view["untouched"]:
        yield hanging("= ", ("unchanged ", "dim"), ref)
    created, updated, same = (len(view[part]) for part in ("created", "updated", "untouched"))
    yield hanging("", (f"Import: {created:,} recorded, {updated:,} updated, {same:,} needed nothing.", "bold"))
