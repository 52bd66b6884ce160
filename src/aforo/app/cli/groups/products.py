"""`aforo products`: discover, preview, import, and look after the record. Drift and its answers stand in drift.py."""

from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session, typed

app = group("API products: what is at the gateways, what Aforo has recorded of it, and where the two differ.")

Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="Its id, ref or name.")]
Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="Its id or name.")]
Of = Annotated[str | None, typer.Option("--integration", help="Look only at this integration, by id or name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit 10 when there are differences, 6 when the reading was partial.")
]


@command(app, "discover")
def discover(session: Session, integration: Integration) -> None:
    """List the products at a gateway that are not yet in Aforo."""
    from aforo.app.cli.show.products import discovered

    found = find.integration(session.api, integration)
    view = session.api.work("Discover", "GET", "/products/discover", query={"integrationId": found["id"]}, reads=True)
    session.answer(view, lambda told: discovered(told, found["name"]))
    if view["data"]:
        session.hint(f"Next: {typed('aforo', 'products', 'preview', found['name'])}")


@command(app, "preview")
def preview(
    session: Session,
    integration: Annotated[
        str, typer.Argument(metavar="INTEGRATION", help="Its id or name; or a preview's id, to show that again.")
    ],
    every: Annotated[bool, typer.Option("--all", help="List the unchanged products too.")] = False,
    exit_code: ExitCode = False,
) -> Exit:
    """Compare everything at a gateway with Aforo's record. Nothing is changed; the plan can be imported from."""
    from aforo.app.cli.show.plan import differs, plan

    view, name = _plan(session, integration)
    session.answer(view, lambda told: plan(told, name, every=every))
    _what_next(session, view)
    if exit_code and differs(view):
        return Exit.DIFFERS
    return Exit.GATEWAY if exit_code and view["partial"] else Exit.OK


@command(app, "import")
def import_(
    session: Session,
    plan_id: Annotated[str, typer.Argument(metavar="PREVIEW", help="The preview's id, prev_…")],
    refs: Annotated[list[str] | None, typer.Argument(metavar="[REF]...", help="More refs to select.")] = None,
    select: Annotated[list[str] | None, typer.Option("--select", metavar="REF", help="A ref of the preview.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Select every new and changed product.")] = False,
    yes: Yes = False,
) -> None:
    """Record exactly what a preview showed; refused when gateway or record have changed since."""
    from aforo.app.cli.show.products import imported

    chosen = [*(select or ()), *(refs or ())]
    if bool(chosen) == every:
        raise failure(
            "nothing_selected",
            Exit.USAGE,
            "Which products?",
            "Give --select with refs of the preview, or --all, and not both.",
            next_step=typed("aforo", "products", "preview", plan_id) + " shows it again.",
            unharmed="Nothing was imported.",
        )
    if every:
        chosen = _everything(session, plan_id, yes=yes)
    view = session.api.work("Import", "POST", "/products/import", {"planId": plan_id, "select": chosen})
    session.answer(view, imported)


@command(app, "list")
def list_(
    session: Session,
    of: Of = None,
    words: Annotated[str | None, typer.Option("--search", help="Words in the name.")] = None,
    drifted: Annotated[
        bool | None, typer.Option("--drifted/--in-sync", help="Only those that differ, or only those that do not.")
    ] = None,
) -> None:
    """List the recorded products, those that differ first."""
    from aforo.app.cli.show.products import listed

    integration_id = find.integration(session.api, of)["id"] if of else None
    view = session.api.products(integrationId=integration_id, q=words, drifted=drifted)
    names = {} if session.as_json else _names(session)
    session.answer(view, lambda told: listed(told, names))
    if not view["data"] and not (of or words or drifted is not None):
        session.hint("Next: aforo products preview INTEGRATION shows what could be imported.")


@command(app, "show")
def show(session: Session, product: Product, of: Of = None) -> None:
    """Show one product's record."""
    from aforo.app.cli.show.products import one

    view = find.product(session.api, product, of)
    name = "" if session.as_json else _names(session).get(view["integrationId"], "")
    session.answer(view, lambda told: one(told, name))
    if view["driftId"]:
        session.hint(f"It differs from its gateway: {typed('aforo', 'products', 'drift', product)}")


@command(app, "versions")
def versions(session: Session, product: Product, of: Of = None) -> None:
    """List a product's recorded versions, newest first; any can be restored."""
    from aforo.app.cli.show.products import versions as shown

    found = find.product(session.api, product, of)
    session.answer(session.api.get(f"/products/{quoted(found['id'])}/versions"), shown)


@command(app, "monetize")
def monetize(
    session: Session,
    product: Product,
    off: Annotated[bool, typer.Option("--off", help="Mark it as not monetized.")] = False,
    of: Of = None,
) -> None:
    """Mark a product as monetized."""
    found = find.product(session.api, product, of)
    view = session.api.send("PATCH", f"/products/{quoted(found['id'])}", {"monetized": not off})
    session.answer(view, lambda told: f"{told['name']} is {'monetized' if told['monetized'] else 'not monetized'}.")


@command(app, "remove")
def remove(session: Session, product: Product, of: Of = None, yes: Yes = False) -> None:
    """Forget a product and its versions in Aforo; the gateway is not touched."""
    found = find.product(session.api, product, of)
    ask.confirm(session, f"Forget {found['name']} and its recorded versions?", yes=yes)
    session.api.send("DELETE", f"/products/{quoted(found['id'])}")
    session.answer({"removed": found["id"]}, lambda _: f"Forgot {found['name']}. At the gateway it stands as before.")


def _plan(session: Session, word: str) -> tuple[View, str]:
    """The plan, and its integration's name."""
    if word.startswith("prev_"):
        view = session.api.get(f"/products/previews/{quoted(word)}")
        return view, _names(session).get(view["integrationId"], str(view["integrationId"]))
    found = find.integration(session.api, word)
    view = session.api.work("Preview", "POST", "/products/preview", {"integrationId": found["id"]}, reads=True)
    return view, str(found["name"])


def _what_next(session: Session, view: View) -> None:
    from aforo.app.cli.show.plan import selectable

    refs = selectable(view)
    if refs and view["state"] == "OPEN":
        start = ("aforo", "products", "import", view["planId"])
        session.hint(f"Next: {typed(*start, '--select', refs[0])}")
        if len(refs) > 1:
            session.hint(f"  or all {len(refs):,}: {typed(*start, '--all')}")
    stale = next((row for row in view["changes"] if row["status"] == "STALE"), None)
    if stale:
        session.hint(f"Stale: {typed('aforo', 'products', 'restore', stale['productId'])} puts it back at the gateway;")
        session.hint(f"  {typed('aforo', 'products', 'remove', stale['productId'])} forgets it.")


def _everything(session: Session, plan_id: str, *, yes: bool) -> list[str]:
    from aforo.app.cli.show.plan import selectable

    view = session.api.get(f"/products/previews/{quoted(plan_id)}")
    refs = selectable(view)
    if not refs:
        raise failure(
            "nothing_to_import",
            Exit.CONFLICT,
            "Nothing to import",
            f"{plan_id} has no new and no changed product.",
            unharmed="Nothing was imported.",
        )
    counts = view["summary"]
    question = f"Import {counts['NEW']:,} new and {counts['CHANGED']:,} changed products into Aforo's record?"
    ask.confirm(session, question, yes=yes, unharmed="Nothing was imported.")
    return refs


def _names(session: Session) -> dict[str, str]:
    return {row["id"]: row["name"] for row in session.api.everything("/integrations")["data"]}
