"""`aforo jobs`: find work again that was left running."""

from typing import Annotated

import typer

from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.session import Session

app = group("Work that goes on at Aforo: show it, wait for it, stop it.")

Id = Annotated[str, typer.Argument(metavar="JOB", help="Its id, job_…")]


@command(app, "show")
def show(session: Session, job: Id) -> None:
    """Show how far a job is."""
    from aforo.app.cli.show.jobs import one

    session.answer(session.api.get(f"/jobs/{quoted(job)}"), one)


@command(app, "wait")
def wait(session: Session, job: Id) -> None:
    """Wait until a job has ended and show it; with --json, print what the call would have answered."""
    from aforo.app.cli.show.jobs import one

    view: View = session.api.get(f"/jobs/{quoted(job)}")
    result = session.api.follow(str(view["title"]), job)
    session.answer(result if session.as_json else session.api.get(f"/jobs/{quoted(job)}"), one)


@command(app, "cancel")
def cancel(session: Session, job: Id) -> None:
    """Stop a job; what it has done stays done."""
    from aforo.app.cli.show.jobs import one

    session.answer(session.api.send("POST", f"/jobs/{quoted(job)}/cancel"), one)
