"""`aforo statements`: what each subscription owes for each period."""

from pathlib import Path
from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session

app = group("What each subscription owes for each month: list, show, download.")

Statement = Annotated[str, typer.Argument(metavar="STATEMENT", help="Its id, stmt_…")]


@command(app, "list")
def list_(
    session: Session,
    subscription: Annotated[str | None, typer.Option("--subscription", help="All of one subscription.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Of one customer.")] = None,
    period: Annotated[str | None, typer.Option("--period", help="A month such as 2026-11; else the newest.")] = None,
) -> None:
    """List statements: of one subscription newest first, or one for each subscription."""
    from aforo.app.cli.show.statements import statements

    if subscription and (customer or period):
        raise failure(
            "usage",
            Exit.USAGE,
            "Too many",
            "--subscription lists all periods of one subscription and goes with no other option.",
            next_step="Name either --subscription, or --customer and --period.",
            unharmed="Nothing was sent.",
        )
    if subscription:
        view = session.api.everything(f"/subscriptions/{quoted(subscription)}/statements", limit=120)
    else:
        customer_id = find.customer(session.api, customer)["id"] if customer else None
        view = session.api.everything("/statements", customerId=customer_id, period=period, limit=100)
    session.answer(view, statements)


@command(app, "show")
def show(session: Session, statement: Statement) -> None:
    """Show one statement line by line, and what it was made from."""
    from aforo.app.cli.show.statements import statement as shown

    session.answer(session.api.get(f"/statements/{quoted(statement)}"), shown)


@command(app, "download")
def download(
    session: Session,
    statement: Statement,
    to: Annotated[Path | None, typer.Option("--to", help="The file; else STATEMENT.csv here.")] = None,
) -> None:
    """Write one statement to a CSV file that a spreadsheet opens."""
    place = to or Path(f"{statement}.csv")
    text = session.api.text(f"/statements/{quoted(statement)}", format="csv")
    try:
        place.write_text(text, newline="")
    except OSError as fault:
        raise failure(
            "not_written",
            Exit.USAGE,
            "Not written",
            f"{place} cannot be written: {fault.strerror}.",
            next_step="Name another file with --to.",
            unharmed="Nothing was changed.",
        ) from None
    told: View = {"file": str(place), "bytes": len(text.encode())}
    session.answer(told, lambda _: f"Wrote {place}.")
