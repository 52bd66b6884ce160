"""Makes a command of a function: adds the options that all have, and turns a failure into words and an exit code."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure
from aforo.app.cli.session import Session

P = ParamSpec("P")
Work = Callable[Concatenate[Session, P], Exit | None]

_URL = Annotated[
    str | None, typer.Option("--url", envvar="AFORO_URL", help="Where Aforo is; http://127.0.0.1:8080 unless told.")
]
_KEY = Annotated[
    str | None,
    typer.Option("--key", envvar="AFORO_API_KEY", help="API key; without it the one that `aforo login` has saved."),
]
_JSON = Annotated[bool, typer.Option("--json", help="Print the API's JSON and nothing else; errors as JSON too.")]
_QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="Leave out hints and progress.")]

_HERE = inspect.Parameter.KEYWORD_ONLY
_REMOTE = (
    inspect.Parameter("url", _HERE, default=None, annotation=_URL),
    inspect.Parameter("key", _HERE, default=None, annotation=_KEY),
)
_ALWAYS = (
    inspect.Parameter("as_json", _HERE, default=False, annotation=_JSON),
    inspect.Parameter("quiet", _HERE, default=False, annotation=_QUIET),
)


def group(help_: str) -> typer.Typer:
    """A group of commands, such as `aforo products`. Plain help: Rich would triple the time until it shows."""
    return typer.Typer(help=help_, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def command(app: typer.Typer, name: str, *, local: bool = False) -> Callable[[Work[P]], Work[P]]:
    """Register `work` under `name`. `local`: it talks to no API, so it takes neither address nor key."""
    added = _ALWAYS if local else (*_REMOTE, *_ALWAYS)

    def register(work: Work[P]) -> Work[P]:
        _, *own = inspect.signature(work, eval_str=True).parameters.values()
        run = _running(work)
        parameters = [one.replace(kind=_HERE) for one in own] + list(added)
        run.__name__, run.__doc__ = work.__name__, work.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect, unknown to types
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        app.command(name, short_help=(work.__doc__ or "").partition("\n")[0])(run)
        return work

    return register


def _running(work: Callable[..., Exit | None]) -> Callable[..., None]:
    def run(*, as_json: bool, quiet: bool, url: str | None = None, key: str | None = None, **given: Any) -> None:
        session = Session(url=url, key=key, as_json=as_json, quiet=quiet)
        try:
            code = work(session, **given) or Exit.OK
        except Failure as fault:
            tell(session, fault)
            code = fault.exit
        finally:
            session.close()
        raise typer.Exit(int(code))

    return run


def tell(session: Session, fault: Failure) -> None:
    """A failure in words, or as problem JSON, on standard error."""
    if session.as_json:
        import json
        import sys

        print(json.dumps(fault.problem, indent=2, ensure_ascii=False), file=sys.stderr)
        return
    from aforo.app.cli.session import cleaned
    from aforo.app.cli.show.problem import problem

    session.err.print(problem(cleaned(fault.problem), fault.exit, fault.next_step, fault.unharmed))
