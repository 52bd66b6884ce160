"""`aforo alerts`: who was told what, and where people are reached."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.groups.integrations.group import Yes
from aforo.app.cli.session import Session, typed

app = group("Who was told what: list, show, replay; and the channels.")
channels = group("Where people are reached: add, list, test, remove.")
app.add_typer(channels, name="channels", short_help=channels.info.help)

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its id or name.")]
_ONCE = "Store this now: it signs the requests, and Aforo does not tell it again."


class Kind(StrEnum):
    """How a channel reaches people."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class Severity(StrEnum):
    """From which severity on."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@command(app, "list")
def list_(
    session: Session,
    open_: Annotated[bool | None, typer.Option("--open/--over", help="Those that hold, or those that are over.")] = (
        None
    ),
    about: Annotated[str | None, typer.Option("--about", help="Such as drift, health, quota.")] = None,
) -> None:
    """List alerts, newest first."""
    from aforo.app.cli.show.alerts import alerts

    told = None if open_ is None else str(open_).lower()
    session.answer(session.api.everything("/alerts", open=told, kind=about, limit=1000), alerts)


@command(app, "show")
def show(session: Session, alert: Annotated[str, typer.Argument(metavar="ALERT", help="Its id, alrt_…")]) -> None:
    """Show one alert: what happened, what it touches, and each delivery with its tries."""
    from aforo.app.cli.show.alerts import alert as shown

    session.answer(session.api.get(f"/alerts/{quoted(alert)}"), shown)


@command(app, "replay")
def replay(
    session: Session,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Its id, alrt_…")],
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The id of one of its deliveries, dlv_…")],
) -> None:
    """Send one delivery once more, as a new one."""
    again = session.api.send("POST", f"/alerts/{quoted(alert)}/replay", {"deliveryId": delivery})
    session.answer(again, lambda told: f"Sending again to {told['channelName']}, as {told['id']}.")


@command(channels, "list")
def list_channels(session: Session) -> None:
    """List channels by name."""
    from aforo.app.cli.show.alerts import channels as shown

    view = session.api.everything("/alerts/channels")
    session.answer(view, shown)
    if not view["data"]:
        session.hint(f"Next: {typed('aforo', 'alerts', 'channels', 'add', 'on-call', '--kind', 'slack')}")


@command(channels, "add")
def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    kind: Annotated[Kind, typer.Option("--kind")],
    address: Annotated[
        str | None, typer.Option("--address", help="Its URL; - reads it from standard input. Asked for if left out.")
    ] = None,
    about: Annotated[list[str] | None, typer.Option("--about", help="Such as drift; may stand several times.")] = None,
    min_severity: Annotated[Severity, typer.Option("--min-severity")] = Severity.INFO,
) -> None:
    """Add a channel. Its address may hold a password or token: it is kept sealed and not shown again."""
    body: View = {
        "kind": kind.value,
        "name": name,
        "url": _address(session, address),
        "kinds": about or [],
        "minSeverity": min_severity.value.upper(),
    }
    made = session.api.send("POST", "/alerts/channels", body)
    session.answer(made, lambda told: f"Added {told['name']}, {told['address']}, as {told['id']}.")
    if made["secret"] and not session.as_json:
        session.say(f"Signing secret: {made['secret']}")
        session.warn(_ONCE)
    session.hint(f"Next: {typed('aforo', 'alerts', 'channels', 'test', name)}")


@command(channels, "test")
def test(session: Session, channel: Channel) -> Exit | None:
    """Send a test message now."""
    found = find.channel(session.api, channel)
    told = session.api.send("POST", f"/alerts/channels/{quoted(found['id'])}/test")
    session.answer(told, lambda view: f"{view['state']}: {view['answer'] or 'no answer yet'}")
    return Exit.GATEWAY if told["state"] == "FAILED" else None


@command(channels, "remove")
def remove(session: Session, channel: Channel, yes: Yes = False) -> None:
    """Remove a channel and forget its address; what was told through it stays on record."""
    found = find.channel(session.api, channel)
    ask.confirm(session, f"Remove {found['name']}?", yes=yes)
    session.api.send("DELETE", f"/alerts/channels/{quoted(found['id'])}")
    session.answer({"removed": found["id"]}, lambda _: f"Removed {found['name']}.")


def _address(session: Session, given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().strip()
    if given:
        session.warn("The address now stands in your shell's history. Better: --address -, or be asked.")
        return given
    if not session.can_ask:
        raise failure(
            "address_missing",
            Exit.USAGE,
            "No address",
            "--address is not given, and there is nobody to ask.",
            next_step="Repeat it with --address -, and the address on standard input.",
            unharmed="Nothing was changed.",
        )
    return ask.text("Address", secret=True)
