"""`aforo schedules`: what runs by itself at Aforo: list it, run it now, set how often."""

import re
from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session

app = group("What runs by itself: health checks, scans, token refresh. List, run now, set how often.")

Schedule = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="Its id, sched_…; or its kind, such as drift, with --integration.")
]
Of = Annotated[str | None, typer.Option("--integration", help="Of this integration, by id or name.")]
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@command(app, "list")
def list_(
    session: Session,
    integration: Of = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Such as health, drift, orphans.")] = None,
) -> None:
    """List schedules with their last run, its result, and the next one."""
    from aforo.app.cli.show.schedules import listed

    of = find.integration(session.api, integration)["id"] if integration else None
    session.answer(session.api.get("/schedules", integrationId=of, kind=kind), listed)


@command(app, "run")
def run(session: Session, schedule: Schedule, integration: Of = None) -> Exit:
    """Run one now and wait for its end; a run that failed ends with the exit code of a gateway's failure."""
    from aforo.app.cli.show.schedules import one

    found = find.schedule(session.api, schedule, integration)
    title = f"{found['title']} of {found['subject']}"
    ran = session.api.work(title, "POST", f"/schedules/{quoted(found['id'])}/run")
    session.answer(ran, one)
    return Exit.GATEWAY if ran["last"] and ran["last"]["result"] == "FAILED" else Exit.OK


@command(app, "set")
def set_(
    session: Session,
    schedule: Schedule,
    integration: Of = None,
    every: Annotated[str | None, typer.Option("--every", help="Such as 90s, 15m, 6h or default.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether it runs by itself.")] = None,
) -> None:
    """Set how often one runs, or switch it on or off."""
    from aforo.app.cli.show.schedules import one

    body: View = {
        **({"everySeconds": _seconds(every)} if every is not None else {}),
        **({"enabled": on} if on is not None else {}),
    }
    found = find.schedule(session.api, schedule, integration)
    session.answer(session.api.send("PATCH", f"/schedules/{quoted(found['id'])}", body), one)


def _seconds(text: str) -> int:
    if text == "default":
        return 0
    told = re.fullmatch(r"([1-9][0-9]{0,6})([smhd]?)", text)
    if told is None:
        raise failure(
            "no_interval",
            Exit.USAGE,
            "Not an interval",
            f"{text!r} is no interval.",
            next_step="Write 90s, 15m, 6h, 1d or default.",
            unharmed="Nothing was changed.",
        )
    return int(told[1]) * _UNITS[told[2]]
