"""`aforo metrics`: what is counted."""

from enum import StrEnum
from typing import Annotated

import typer

from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.session import Session

app = group("What is counted: calls, tokens, rows, anything.")

Name = Annotated[str, typer.Argument(metavar="METRIC", help="Its name, such as tokens.")]


class Aggregation(StrEnum):
    """How the quantities of a period's events become one number."""

    SUM = "SUM"
    COUNT = "COUNT"
    MAX = "MAX"
    COUNT_DISTINCT = "COUNT_DISTINCT"
    AVG = "AVG"
    PERCENTILE_95 = "PERCENTILE_95"


@command(app, "list")
def list_(session: Session) -> None:
    """List metrics; api_calls is always there."""
    from aforo.app.cli.show.selling import metrics

    session.answer(session.api.everything("/metrics"), metrics)


@command(app, "add")
def add(
    session: Session,
    name: Name,
    unit: Annotated[str, typer.Option("--unit", help="What one of it is called, such as token.")],
    aggregation: Annotated[Aggregation, typer.Option("--aggregation")] = Aggregation.SUM,
    description: Annotated[str, typer.Option("--description")] = "",
) -> None:
    """Add a metric, so that events may name it and plans may price it."""
    body: View = {"name": name, "unit": unit, "aggregation": aggregation.value, "description": description}
    session.answer(session.api.send("POST", "/metrics", body), lambda made: f"Counting {made['name']} from now on.")


@command(app, "remove")
def remove(session: Session, name: Name) -> None:
    """Remove a metric that no plan names."""
    session.api.send("DELETE", f"/metrics/{quoted(name)}")
    session.answer({"removed": name}, lambda _: f"Removed {name}.")
