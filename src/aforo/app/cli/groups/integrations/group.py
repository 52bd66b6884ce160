"""The group that the commands join, and what they share."""

from typing import Annotated

import typer

from aforo.app.cli.command import group

app = group("Connected gateways: connect, test, watch, change, forget.")

Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="Its id or name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting; NAME=@FILE reads a file, NAME=- standard input."),
]
