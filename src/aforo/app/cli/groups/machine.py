"""Run Aforo on this machine, run an emulator, and administer the data folder directly."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aforo.app.cli.api import View
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure, from_api
from aforo.app.cli.session import Session

if TYPE_CHECKING:
    from rich.console import RenderableType

admin = group("Work on the data folder itself, on the machine where it is; Aforo may be running or not.")

Made = TypeVar("Made")

_DataDir = Annotated[Path, typer.Option("--data-dir", envvar="AFORO_DATA_DIR", help="Where Aforo keeps its files.")]
_WHERE = "aforo serve makes it; or name the right folder with --data-dir or AFORO_DATA_DIR."
_Tenant = Annotated[str | None, typer.Option("--tenant", help="Its slug or id; the first one unless told.")]


def add_to(app: typer.Typer) -> None:
    """They stand at the top."""
    app.command("serve")(serve)
    app.command("emulate")(emulate)
    command(app, "bench", local=True)(bench)
    command(app, "torture", local=True)(torture)
    command(app, "doctor", local=True)(doctor)
    command(app, "version", local=True)(version)


def serve(
    host: Annotated[str, typer.Option(envvar="AFORO_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="AFORO_PORT", help="Port of records, console and queries.")] = 8080,
    edge_port: Annotated[int, typer.Option(envvar="AFORO_EDGE_PORT", help="Port of ingest and enforcement.")] = 8081,
    data_dir: _DataDir = Path("var"),
    emulate: Annotated[bool, typer.Option("--emulate", help="Start the gateways' emulators too.")] = False,
) -> None:
    """Run Aforo until Ctrl-C. The first start prints an admin key."""
    from aforo.app import serve as supervisor

    raise typer.Exit(supervisor.main(host=host, port=port, edge_port=edge_port, data_dir=data_dir, emulate=emulate))


def bench(
    session: Session,
    names: Annotated[list[str] | None, typer.Argument(help="check, ingest, preview …; all unless told.")] = None,
    keys: Annotated[
        int | None, typer.Option(min=1_000, help="Keys behind the dedupe bench; its bars are those for 100 million.")
    ] = None,
    small: Annotated[bool, typer.Option("--small", help="Take seconds, and hold to loose ratios only.")] = False,
) -> Exit:
    """Measure on this machine, each figure beside its reference. Exit status 1 where a bar is missed."""
    from aforo.app.bench import NAMES, run
    from aforo.app.cli.show.bench import figures

    if unknown := sorted({*(names or ())} - {*NAMES}):
        raise typer.BadParameter(f"{', '.join(unknown)} is none of {', '.join(NAMES)}.")
    told = run(names or [], small=small, keys=keys)
    session.answer(told, figures)
    return Exit.OK if all(figure["holds"] for figure in told["figures"]) else Exit.UNEXPECTED


def torture(
    session: Session,
    kills: Annotated[int, typer.Option(min=1, max=10_000, help="How often the edge is killed.")] = 100,
    mutant: Annotated[
        str | None, typer.Option(help="log or ledger: an edge that does not sync it. It must be found out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat the choices of an earlier run.")] = None,
) -> Exit:
    """Kill an edge of its own under load, lose what it never synced, and count. Exit status 1 for a broken promise."""
    from aforo.app.cli.show.torture import report
    from aforo.app.torture.lives import MUTANTS, CannotTorture, run

    if mutant is not None and mutant not in MUTANTS:
        raise typer.BadParameter(f"{mutant} is none of {', '.join(MUTANTS)}.")
    try:
        told = run(kills, mutant=mutant or "none", seed=seed)
    except CannotTorture as fault:
        raise failure(
            "no_compiler", Exit.UNEXPECTED, "The torture cannot begin", str(fault), next_step="Then try again.",
            unharmed="Nothing was started.",
        ) from None  # fmt: skip
    session.answer(told, report)
    return Exit.OK if told["holds"] else Exit.UNEXPECTED


def emulate(
    gateway: Annotated[str, typer.Argument(help="Such as kong or aws; or all.")],
    port: Annotated[int | None, typer.Option(help="Listen here instead of the gateway's own port.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Keep the emulator's state here; else it is forgotten at the end.")
    ] = None,
    products: Annotated[int, typer.Option(help="With how many products a new emulator is filled.")] = 12,
) -> None:
    """Run an emulated gateway until Ctrl-C, to try things on."""
    from aforo.app import emulate as emulators

    raise typer.Exit(emulators.main(gateway, port, data_dir, products))


def doctor(session: Session, data_dir: _DataDir = Path("var")) -> Exit:
    """Look at this installation: disk, key, databases, log, queues. Changes nothing. Exit status 1 for a fault."""
    from aforo.app.cli.show.doctor import findings
    from aforo.app.doctor import examine
    from aforo.app.settings import Settings

    found = examine(Settings(data_dir=data_dir))
    told = {"findings": [one.view() for one in found], "ok": all(one.level != "FAIL" for one in found)}
    session.answer(told, findings)
    return Exit.OK if told["ok"] else Exit.UNEXPECTED


def version(session: Session) -> None:
    """Print the version."""
    import aforo

    session.answer({"version": aforo.__version__}, lambda told: f"aforo {told['version']}")


@command(admin, "create-tenant", local=True)
def create_tenant(
    session: Session,
    slug: Annotated[str, typer.Option(help="Chosen short name: a-z, 0-9, - and _.")],
    name: Annotated[str | None, typer.Option(help="Name for people; the slug unless told.")] = None,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Make a tenant with an administrator and an admin key, which is shown only now."""
    from aforo.app import admin as desk

    made = _done(data_dir, lambda: desk.create_tenant(data_dir, slug, name))
    session.answer(made, _named("Tenant"))


@command(admin, "sign-in-link", local=True)
def sign_in_link(
    session: Session,
    tenant: _Tenant = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            envvar=["AFORO_PUBLIC_URL", "AFORO_URL"],
            help="How your browser reaches Aforo, such as https://aforo.example.",
        ),
    ] = None,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Print a link that signs the tenant's administrator in to the console; good once, for 30 minutes."""
    from aforo.app import admin as desk

    link = _done(data_dir, lambda: desk.sign_in_link(data_dir, tenant, base_url))
    session.answer({"link": link}, lambda told: str(told["link"]))


@command(admin, "reset-password", local=True)
def reset_password(
    session: Session,
    email: Annotated[str, typer.Argument(metavar="E-MAIL")],
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", envvar=["AFORO_PUBLIC_URL", "AFORO_URL"], help="How your browser reaches Aforo."),
    ] = None,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Print a link by which a person who forgot the password signs in once, within 30 minutes, to set another."""
    from aforo.app import admin as desk

    link = _done(data_dir, lambda: desk.reset_password(data_dir, email, base_url))
    session.answer({"link": link}, lambda told: str(told["link"]))


@command(admin, "create-key", local=True)
def create_key(
    session: Session,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[str], typer.Option("--scope", help="Such as control:read; may be repeated.")],
    tenant: _Tenant = None,
    test: Annotated[bool, typer.Option("--test", help="A test key, with its own log and counters.")] = False,
    data_dir: _DataDir = Path("var"),
) -> None:
    """Make an API key, which is shown only now."""
    from aforo.app import admin as desk

    _check_scopes(scope)
    made = _done(data_dir, lambda: desk.create_key(data_dir, tenant, name, scope, test=test))
    session.answer(made, _named("API key"))


def _done(data_dir: Path, work: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
    """Run administrative work; an expected failure becomes the command's."""
    from aforo.app.problems import problem
    from aforo.kit.errors import AforoError

    if not (data_dir / "records.db").exists():
        raise failure(
            "no_records",
            Exit.NOT_FOUND,
            "No Aforo here",
            f"There is no data of Aforo in {data_dir.absolute()}.",
            next_step=_WHERE,
            unharmed="Nothing was changed.",
        )
    try:
        return asyncio.run(work())
    except AforoError as fault:
        raise from_api(problem(fault), reads=False) from None


def _check_scopes(scopes: list[str]) -> None:
    from aforo.accounts import Scope

    known = [scope.value for scope in Scope]
    wrong = [scope for scope in scopes if scope not in known]
    if wrong:
        raise failure(
            "invalid",
            Exit.INVALID,
            "No such scope",
            f"{', '.join(wrong)} is not one of {', '.join(known)}.",
            next_step="Choose among them.",
            unharmed="No key was made.",
        )


def _named(title: str) -> "Callable[[View], RenderableType]":
    def shown(view: View) -> "RenderableType":
        from aforo.app.cli.show.admin import made

        return made(view, title)

    return shown
