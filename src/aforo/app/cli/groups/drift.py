"""`aforo products drift`, and the answers to it: restore, accept, ignore."""

from typing import Annotated, Any

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.groups.products import ExitCode, Of, Product, Yes
from aforo.app.cli.session import Session, typed

_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")]
_Version = Annotated[int | None, typer.Option("--version", help="Restore this recorded version instead of the newest.")]
_Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="PATH", help="Also remove this child, which others added.")
]


def add_to(app: typer.Typer) -> None:
    """They stand among the products' commands."""
    command(app, "drift")(drift)
    command(app, "restore")(restore)
    command(app, "accept")(accept)
    command(app, "ignore")(ignore)
    command(app, "export")(export)


def drift(session: Session, product: Product, of: Of = None, exit_code: ExitCode = False) -> Exit:
    """Read a product at its gateway now and show how it differs from the record."""
    from aforo.app.cli.show.drift import drift as shown
    from aforo.app.cli.show.drift import drifts

    found = find.product(session.api, product, of)
    view = _look(session, found)
    session.answer(view, lambda told: shown(told, found["name"]))
    if drifts(view):
        _answers(session, found, view)
    return Exit.DIFFERS if exit_code and drifts(view) else Exit.OK


def export(session: Session, product: Product, of: Of = None) -> None:
    """Print the record as the vendor's own file (kong.yml), for those who manage the gateway with their own tool."""
    found = find.product(session.api, product, of)
    view = session.api.get(f"/products/{quoted(found['id'])}/export")
    if session.as_json:
        session.answer(view, lambda told: str(told["text"]))
    else:
        print(view["text"], end="")


def restore(
    session: Session,
    product: Product,
    dry_run: _DryRun = False,
    version: _Version = None,
    remove: _Remove = None,
    of: Of = None,
    yes: Yes = False,
) -> None:
    """Bring the gateway back to the record: shows the plan, asks, writes only what differs, and reads it back."""
    from aforo.app.cli.show.drift import restore_plan, restored

    found = find.product(session.api, product, of)
    wanted: View = {"version": version, "remove": remove or [], "dryRun": True}
    fields: list[Any] = []
    if version is None and not session.as_json:
        seen = _look(session, found)
        fields, wanted["observed"] = seen["fields"], seen["observed"]
    plan = _restore(session, "Plan the restore", found, wanted, reads=True)
    integration = session.api.get(f"/integrations/{quoted(found['integrationId'])}")["name"]
    if dry_run:
        session.answer(plan, lambda told: restore_plan(told, found["name"], integration, fields))
        return
    session.show(plan, lambda told: restore_plan(told, found["name"], integration, fields))
    if not plan["steps"] and not session.as_json:
        return
    ask.confirm(session, "Restore to Gateway?", yes=yes)
    agreed = {**wanted, "dryRun": False, "observed": plan["observed"]}
    session.answer(_restore(session, "Restore", found, agreed), restored)
    session.say(f"✓ {found['name']} stands at {integration} as recorded: it was read back.")


def accept(session: Session, product: Product, of: Of = None, yes: Yes = False) -> None:
    """Take the gateway's version as the new record; the old one stays as a version."""
    from aforo.app.cli.show.drift import drift as shown

    found = find.product(session.api, product, of)
    seen = _look(session, found)
    session.show(seen, lambda told: shown(told, found["name"]))
    ask.confirm(session, f"Take the gateway's version of {found['name']} into the record?", yes=yes)
    view = session.api.send("POST", f"/products/{quoted(found['id'])}/accept", {"observed": seen["observed"]})
    session.answer(view, lambda told: f"{told['name']}: the gateway's version is now record {told['recordVersion']}.")


def ignore(
    session: Session,
    product: Product,
    path: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="As drift shows it (plugin cors@a config.x), or /plugin/cors@a/config/x"),
    ],
    undo: Annotated[bool, typer.Option("--undo", help="Compare it again.")] = False,
    of: Of = None,
) -> None:
    """Leave one path, and all below it, out of every later comparison."""
    found = find.product(session.api, product, of)
    chosen = path[0] if path[0].startswith("/") else _path(session, found, path, undo=undo)
    body: View = {"path": chosen, "ignored": not undo}
    view = session.api.send("POST", f"/products/{quoted(found['id'])}/ignore", body)
    words = "compared again" if undo else "no longer compared"
    session.answer(view, lambda told: f"{told['name']}: {chosen} is {words}.")
    if not undo:
        session.hint(f"Undo: {typed('aforo', 'products', 'ignore', found['id'], chosen, '--undo')}")


def _look(session: Session, found: View) -> View:
    return session.api.work("Compare", "GET", f"/products/{quoted(found['id'])}/drift", reads=True)


def _restore(session: Session, title: str, found: View, wanted: View, *, reads: bool = False) -> View:
    return session.api.work(title, "POST", f"/products/{quoted(found['id'])}/restore", wanted, reads=reads)


def _answers(session: Session, found: View, view: View) -> None:
    def line(*words: str) -> str:
        return typed("aforo", "products", words[0], found["id"], *words[1:])

    session.hint(f"Next: {line('restore')}   writes the record to the gateway, after showing the plan")
    if view["gone"]:
        session.hint(f"  or: {line('remove')}   forgets it in Aforo")
        return
    session.hint(f"  or: {line('accept')}   takes the gateway's version as the record")
    session.hint(f"  or: {line('ignore', view['fields'][0]['path'])}   no longer compares this")
    foreign = next((field["path"] for field in view["fields"] if field["kind"] == "FOREIGN"), None)
    if foreign:
        session.hint(f"  or: {line('restore', '--remove', foreign)}   also removes what others added")


def _path(session: Session, found: View, words: list[str], *, undo: bool) -> str:
    """The path that the drift shows in these words."""
    from aforo.app.cli.show.fields import place

    known = found["ignored"] if undo else [field["path"] for field in _look(session, found)["fields"]]
    said = " ".join(words).split()
    for path in known:
        if [word for part in place(path) for word in part.split()] == said:
            return str(path)
    raise failure(
        "no_such_path",
        Exit.NOT_FOUND,
        "No such difference",
        f"{found['name']} has no difference at {' '.join(words)!r}." + "".join(f"\n  {path}" for path in known),
        next_step=typed("aforo", "products", "drift", found["id"]) + " shows them.",
        unharmed="Nothing was changed.",
    )
