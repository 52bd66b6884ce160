"""What every route of the edge sees of a request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aforo.app.edge.answers import Answer

Body = Callable[[], Awaitable[bytes]]
"""Reads the body; a route calls for it only after the caller is known. Raises TooLarge, Overloaded."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. Header names are lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    address: str | None = None


Route = Callable[[Head, Body], Awaitable[Answer]]
"""Answers one path, whatever the method was checked for before."""
