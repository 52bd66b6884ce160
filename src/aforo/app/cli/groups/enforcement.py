"""`aforo enforcement`: what runs inside gateways, from the first preview to the last trace; and the kill switch."""

from pathlib import Path
from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.session import Session, typed

app = group("What runs inside gateways: preview, deploy, attach, verify, enforce, pause, detach.")

Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="Its id or name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Targets = Annotated[
    list[str] | None, typer.Option("--target", metavar="NAME", help="What to attach to, in the gateway's words.")
]
Excluded = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="PATH", help="A path prefix that passes unchecked.")
]
KeyFrom = Annotated[
    list[str] | None,
    typer.Option("--key-from", metavar="PLACE", help="Where callers' keys are: bearer, header:NAME or query:NAME."),
]
FailMode = Annotated[
    str | None, typer.Option("--fail-mode", metavar="MODE", help="While Aforo is out of reach: open or closed.")
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="One of the gateway's own switches.")
]


@command(app, "preview")
def preview(
    session: Session,
    integration: Integration,
    target: Targets = None,
    exclude: Excluded = None,
    key_from: KeyFrom = None,
    fail_mode: FailMode = None,
    option: Options = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FOLDER", help="Write the files to install by hand there.")
    ] = None,
) -> None:
    """Show what deploying and attaching would do. Nothing is changed."""
    from aforo.app.cli.show.enforcement import preview as shown

    found = find.integration(session.api, integration)
    view = _preview(session, found, _wishes(target, exclude, key_from, fail_mode, option))
    session.answer(view, lambda told: shown(told, found["name"]))
    if save is not None:
        _save(session, save, view)
    session.hint(f"Next: {typed('aforo', 'enforcement', 'deploy', found['name'])}")


@command(app, "deploy")
def deploy(
    session: Session,
    integration: Integration,
    target: Targets = None,
    exclude: Excluded = None,
    key_from: KeyFrom = None,
    fail_mode: FailMode = None,
    option: Options = None,
    rotate_key: Annotated[bool, typer.Option("--rotate-key", help="Give it a new key for Aforo.")] = False,
    yes: Yes = False,
) -> None:
    """Install the artifact; shows the steps and asks first. No call is routed through it yet."""
    found = find.integration(session.api, integration)
    wishes = _wishes(target, exclude, key_from, fail_mode, option)
    _show_steps(session, found, wishes)
    ask.confirm(session, f"Deploy to {found['name']}?", yes=yes)
    _act(session, found, "deploy", {**wishes, "rotateKey": rotate_key})
    session.hint(f"Next: {typed('aforo', 'enforcement', 'attach', found['name'])}")


@command(app, "attach")
def attach(session: Session, integration: Integration, yes: Yes = False) -> None:
    """Route calls through the artifact; shows the steps and asks first. The first time it only observes."""
    found = find.integration(session.api, integration)
    _show_steps(session, found, {})
    ask.confirm(session, f"Route the calls of {found['name']} through Aforo's artifact?", yes=yes)
    _act(session, found, "attach")
    session.hint(f"Next: {typed('aforo', 'enforcement', 'verify', found['name'], '--call', 'URL')}")


@command(app, "verify")
def verify(
    session: Session,
    integration: Integration,
    address: Annotated[
        str | None, typer.Option("--call", metavar="URL", help="An address of the gateway that a customer may call.")
    ] = None,
) -> Exit:
    """Prove that it works: read it back, and with --call have a canary call twice."""
    from aforo.app.cli.show.enforcement import verified

    found = find.integration(session.api, integration)
    view = session.api.work("Verify", "POST", _path(found, "verify"), {"url": address})
    session.answer(view, verified)
    return Exit.OK if view["passed"] else Exit.GATEWAY


@command(app, "status")
def status(session: Session, integration: Integration) -> None:
    """Show how it stands, and who would have been refused in the last 7 days."""
    from aforo.app.cli.show.enforcement import standing

    found = find.integration(session.api, integration)
    view = session.api.work("Read", "GET", _path(found), reads=True)
    session.answer(view, lambda told: standing(told, found["name"]))


@command(app, "enforce")
def enforce(
    session: Session,
    integration: Integration,
    product: Annotated[
        list[str] | None, typer.Option("--product", metavar="PRODUCT", help="Only this one; else all of the gateway's.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Refuse from now on what plans do not allow; shows who would have been refused, and asks first."""
    from aforo.app.cli.show.enforcement import refusals

    found = find.integration(session.api, integration)
    before = session.api.work("Read", "GET", _path(found), reads=True)
    session.show(before, lambda told: refusals(told["wouldRefuse"]))
    ask.confirm(session, f"Refuse such calls at {found['name']} from now on?", yes=yes)
    chosen = [find.product(session.api, one, found["id"])["id"] for one in product or ()]
    _act(session, found, "enforce", {"productIds": chosen or None})


@command(app, "observe")
def observe(session: Session, integration: Integration) -> None:
    """Refuse nothing any more, and note what would have been refused."""
    _act(session, find.integration(session.api, integration), "observe")


@command(app, "pause")
def pause(
    session: Session,
    integration: Annotated[
        str | None, typer.Argument(metavar="[INTEGRATION]", help="Its id or name; without one, all gateways.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever comes next.")] = "",
) -> None:
    """Kill switch: refuse nothing until somebody resumes, at one gateway or everywhere."""
    if integration is None:
        _everywhere(session, "pause")
        return
    _act(session, find.integration(session.api, integration), "pause", {"reason": reason})


@command(app, "resume")
def resume(
    session: Session,
    integration: Annotated[
        str | None, typer.Argument(metavar="[INTEGRATION]", help="Its id or name; without one, the kill switch.")
    ] = None,
) -> None:
    """End a pause: back to what was before."""
    if integration is None:
        _everywhere(session, "resume")
        return
    _act(session, find.integration(session.api, integration), "resume")


@command(app, "detach")
def detach(session: Session, integration: Integration, yes: Yes = False) -> None:
    """Take the artifact away, put back what stood there, and revoke its key."""
    found = find.integration(session.api, integration)
    ask.confirm(session, f"Take the artifact away from {found['name']}? Nothing is refused or metered then.", yes=yes)
    _act(session, found, "detach")


def _act(session: Session, found: View, verb: str, body: View | None = None) -> None:
    from aforo.app.cli.show.enforcement import standing

    view = session.api.work(verb.capitalize(), "POST", _path(found, verb), body)
    session.answer(view, lambda told: standing(told, found["name"]))


def _show_steps(session: Session, found: View, wishes: View) -> None:
    from aforo.app.cli.show.enforcement import preview as shown

    session.show(_preview(session, found, wishes), lambda told: shown(told, found["name"]))


def _preview(session: Session, found: View, wishes: View) -> View:
    return session.api.work("Preview", "POST", _path(found, "preview"), wishes, reads=True)


def _everywhere(session: Session, verb: str) -> None:
    from aforo.app.cli.show.enforcement import switch

    session.answer(session.api.send("POST", f"/enforcement/{verb}"), switch)


def _save(session: Session, folder: Path, view: View) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for document in view["documents"]:
        place = folder / Path(document["filename"]).name
        place.write_text(document["text"])
        session.say(f"Wrote {place}")


def _wishes(
    target: list[str] | None,
    exclude: list[str] | None,
    key_from: list[str] | None,
    fail_mode: str | None,
    option: list[str] | None,
) -> View:
    """What was said; empty keeps what the last deploy was given."""
    options = dict(one.partition("=")[::2] for one in option or ())
    said = {
        "targets": target,
        "excluded": exclude,
        "keyFrom": key_from,
        "failMode": fail_mode,
        "options": options or None,
    }
    return {name: value for name, value in said.items() if value}


def _path(found: View, verb: str = "") -> str:
    return f"/integrations/{quoted(found['id'])}/enforcement" + (f"/{verb}" if verb else "")
