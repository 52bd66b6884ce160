"""The program: its groups of commands, and what becomes of anything that went wrong unexpectedly."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from aforo.app.cli.exits import EPILOG, Exit
from aforo.app.cli.groups import (
    access,
    account,
    alerts,
    credentials,
    drift,
    enforcement,
    integrations,
    jobs,
    machine,
    pricing,
    products,
    schedules,
    selling,
    upkeep,
    usage,
)

_GROUPS = {
    "integrations": integrations.app,
    "products": products.app,
    **selling.GROUPS,
    "pricing": pricing.app,
    "enforcement": enforcement.app,
    "usage": usage.app,
    "credentials": credentials.credentials,
    "consumers": credentials.consumers,
    "orphans": credentials.orphans,
    "alerts": alerts.app,
    "schedules": schedules.app,
    "jobs": jobs.app,
    "users": access.users,
    "audit": access.audit,
    "admin": machine.admin,
}


def program() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="aforo",
        help="Monetization control plane for APIs behind API gateways.",
        epilog=EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=False, epilog=EPILOG)(_root)
    drift.add_to(products.app)
    selling.costs.add_to(app)
    for name, commands in _GROUPS.items():
        app.add_typer(commands, name=name, short_help=commands.info.help)
    account.add_to(app)
    machine.add_to(app)
    upkeep.add_to(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        import aforo

        typer.echo(f"aforo {aforo.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Monetization control plane for APIs behind API gateways."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        program()(list(sys.argv[1:] if args is None else args), prog_name="aforo")
    except SystemExit as end:
        return int(end.code or 0)
    except Exception as fault:
        if os.environ.get("AFORO_TRACEBACK"):
            raise
        print(f"✗ Unexpected failure: {type(fault).__name__}", file=sys.stderr)
        print("  This is a fault of aforo. AFORO_TRACEBACK=1 shows where; please report it.", file=sys.stderr)
    return int(Exit.UNEXPECTED)
