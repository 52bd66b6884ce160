"""The one family of expected failures. Sorted by what to do next; knows nothing of HTTP.

`app/problems.py` maps each kind to a status. A room adds its own classes below one of the kinds here and gives each a
stable snake_case `code`, which is part of the public contract.
"""

from typing import ClassVar


class AforoError(Exception):
    """Something expected went wrong.

    `detail` says what failed and what is unharmed, `next_step` what the reader can do about it. Neither ever holds a
    secret: both are shown on pages, logged and sent to clients.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, next_step: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.detail} {self.next_step}" if self.next_step else self.detail


class Unreadable(AforoError):
    """The request could not be read at all."""

    code = "unreadable"


class Unauthenticated(AforoError):
    """No credential, or one that is not known or no longer valid."""

    code = "unauthenticated"


class Forbidden(AforoError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFound(AforoError):
    """Not there, or another tenant's: the two cannot be told apart from outside."""

    code = "not_found"


class Conflict(AforoError):
    """The thing has changed, or is in a state that does not allow this."""

    code = "conflict"


class TooLarge(AforoError):
    """Over a stated size."""

    code = "too_large"


class Overloaded(AforoError):
    """Not now: the same request may be sent again after `retry_after_seconds`."""

    code = "overloaded"

    def __init__(self, detail: str, *, next_step: str | None = None, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, next_step=next_step)
        self.retry_after_seconds = retry_after_seconds


class Invalid(AforoError):
    """Readable, but not acceptable. `faults` names each member as (JSON pointer, what is wrong with it)."""

    code = "invalid"

    def __init__(self, detail: str, faults: tuple[tuple[str, str], ...] = (), *, next_step: str | None = None) -> None:
        super().__init__(detail, next_step=next_step)
        self.faults = faults
