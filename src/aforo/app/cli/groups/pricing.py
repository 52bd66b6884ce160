"""`aforo pricing`: what gateways hold of the plans; preview, sync, and how it stands."""

from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.session import Session, typed

app = group("Plans at the gateways: quotas and limits that a gateway keeps itself, and the tag on what is sold.")

Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="Its id or name.")]


@command(app, "preview")
def preview(session: Session, integration: Integration) -> None:
    """Compare the plans that a gateway sells with what it holds of them. Nothing is changed."""
    from aforo.app.cli.show.pricing import preview as shown
    from aforo.app.cli.show.pricing import selectable

    found = find.integration(session.api, integration)
    view = _preview(session, found)
    session.answer(view, lambda told: shown(told, found["name"]))
    if selectable(view):
        session.hint(f"Next: {typed('aforo', 'pricing', 'sync', found['name'])}")
    for row in view["changes"]:
        if row["status"] == "STALE":
            session.hint(f"Stale: {typed('aforo', 'pricing', 'sync', found['name'], '--select', row['key'])}")


@command(app, "sync")
def sync(
    session: Session,
    integration: Integration,
    select: Annotated[
        list[str] | None, typer.Option("--select", metavar="KEY", help="A row's key; else all new and changed rows.")
    ] = None,
    confirm: Annotated[
        list[str] | None, typer.Option("--confirm", metavar="KEY", help="A row whose dangers are accepted.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; dangers still need --confirm.")] = False,
) -> Exit:
    """Bring a gateway to what the plans say: shows the preview, asks, writes exactly that, and reads it back."""
    from aforo.app.cli.show.pricing import dangerous, selectable, synced
    from aforo.app.cli.show.pricing import preview as shown

    found = find.integration(session.api, integration)
    plan = _preview(session, found)
    chosen = select or selectable(plan)
    if not chosen:
        session.answer(plan, lambda told: shown(told, found["name"]))
        session.say(f"{found['name']} has no new and no changed plan. Nothing was written.")
        return Exit.OK
    session.show(plan, lambda told: shown(told, found["name"]))
    ask.confirm(session, f"Sync {', '.join(chosen)} to {found['name']}?", yes=yes, unharmed="Nothing was written.")
    accepted = [*(confirm or ()), *(_asked(session, dangerous(plan, chosen), confirm or []) if not yes else ())]
    body: View = {"planId": plan["planId"], "select": chosen, "confirm": accepted}
    view = session.api.work("Sync", "POST", f"/integrations/{quoted(found['id'])}/pricing/sync", body)
    session.answer(view, synced)
    return Exit.OK if view["done"] else Exit.GATEWAY


@command(app, "show")
def show(
    session: Session,
    integration: Integration,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when something has drifted.")] = False,
) -> Exit:
    """Show what was synced to a gateway, and whether it still stands."""
    from aforo.app.cli.show.pricing import differs, standing

    found = find.integration(session.api, integration)
    path = f"/integrations/{quoted(found['id'])}/pricing"
    view = session.api.work("Compare", "GET", path, reads=True)
    session.answer(view, lambda told: standing(told, found["name"]))
    return Exit.DIFFERS if exit_code and differs(view) else Exit.OK


@command(app, "guard")
def guard(session: Session, integration: Integration) -> None:
    """Print the template by which the vendor refuses to delete what is sold, where the vendor knows such a thing."""
    found = find.integration(session.api, integration)
    view = session.api.get(f"/integrations/{quoted(found['id'])}/guard")
    if session.as_json:
        session.answer(view, lambda told: str(told["text"]))
    else:
        print(view["text"], end="")


def _preview(session: Session, found: View) -> View:
    path = f"/integrations/{quoted(found['id'])}/pricing/preview"
    return session.api.work("Preview", "POST", path, reads=True)


def _asked(session: Session, keys: list[str], confirmed: list[str]) -> list[str]:
    """Those whose dangers the person accepts, one by one."""
    asked = [key for key in keys if key not in confirmed]
    for key in asked:
        ask.confirm(session, f"Accept the dangers of {key}, as shown?", yes=False, unharmed="Nothing was written.")
    return asked
