"""Exit codes by kind of outcome: the one table, which `aforo --help` prints."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final


class Exit(IntEnum):
    """What a script can branch on. The numbers are part of the public contract."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    CONFLICT = 5
    GATEWAY = 6
    INVALID = 7
    NO_AFORO = 8
    DIFFERS = 10
    INTERRUPTED = 130


MEANING: Final[Mapping[Exit, str]] = {
    Exit.OK: "done",
    Exit.UNEXPECTED: "unexpected failure",
    Exit.USAGE: "wrong usage, or an answer was needed and nobody could be asked",
    Exit.NOT_SIGNED_IN: "not signed in, or not allowed",
    Exit.NOT_FOUND: "not found",
    Exit.CONFLICT: "conflict, such as a preview that is stale",
    Exit.GATEWAY: "the gateway refused, failed or could not be reached",
    Exit.INVALID: "invalid input",
    Exit.NO_AFORO: "Aforo cannot be reached, or is overloaded",
    Exit.DIFFERS: "with --exit-code: there are differences",
    Exit.INTERRUPTED: "stopped by you: Ctrl-C, or no to a question",
}

# Click re-flows an epilog except behind a \b, which keeps the table as it is.
EPILOG: Final = "\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {words}" for code, words in MEANING.items())

_BY_STATUS: Final[Mapping[int, Exit]] = {
    400: Exit.INVALID,
    401: Exit.NOT_SIGNED_IN,
    403: Exit.NOT_SIGNED_IN,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    413: Exit.INVALID,
    415: Exit.INVALID,
    422: Exit.INVALID,
    429: Exit.NO_AFORO,
    502: Exit.GATEWAY,
    503: Exit.GATEWAY,
}


def exit_for(problem: Mapping[str, Any]) -> Exit:
    """The exit code for a problem that the API answered with."""
    if problem.get("code") == "overloaded":
        return Exit.NO_AFORO
    return _BY_STATUS.get(int(problem.get("status") or 500), Exit.UNEXPECTED)
