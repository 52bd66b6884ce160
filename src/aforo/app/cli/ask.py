"""Questions to the person at the terminal, on standard error, so that standard output holds answers only."""

import typer

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session


def confirm(session: Session, question: str, *, yes: bool, unharmed: str = "Nothing was changed.") -> None:
    """Return if the answer is yes; else end the command. Where nobody can be asked, `--yes` must have been given."""
    if yes:
        return
    if not session.can_ask:
        raise failure(
            "confirmation_needed",
            Exit.USAGE,
            "Not confirmed",
            "This needs a yes, and there is nobody to ask.",
            next_step="Repeat it with --yes.",
            unharmed=unharmed,
        )
    try:
        agreed = typer.confirm(question, err=True)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo(err=True)
        agreed = False
    if not agreed:
        raise failure("declined", Exit.INTERRUPTED, "Kept as it is", "You did not agree.", unharmed=unharmed)


def text(prompt: str, *, default: str = "", secret: bool = False, required: bool = True) -> str:
    """One line typed by the person; a secret is not echoed."""
    while True:
        value: str = typer.prompt(
            prompt, default=default, show_default=bool(default), hide_input=secret, err=True
        ).strip()
        if value or not required:
            return value
        typer.echo("It is required.", err=True)
