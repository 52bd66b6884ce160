"""Questions to the person at the terminal, on standard error, so that standard output holds answers only."""

import getpass
import sys

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
        agreed = _line(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        agreed = False
    if not agreed:
        raise failure("declined", Exit.INTERRUPTED, "Kept as it is", "You did not agree.", unharmed=unharmed)


def text(prompt: str, *, default: str = "", secret: bool = False) -> str:
    """One line typed by the person, who must give something unless there is a default; a secret is not echoed."""
    shown = f"{prompt} [{default}]: " if default else f"{prompt}: "
    while True:
        value = (getpass.getpass(shown) if secret else _line(shown)).strip() or default
        if value:
            return value
        print("It is required.", file=sys.stderr)


def _line(prompt: str) -> str:
    """Not `input`, which would write the prompt to standard output."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
