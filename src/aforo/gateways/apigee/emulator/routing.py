"""Which call is answered by what."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .answers import Answer, Row

Handler = Callable[..., Row | Answer]
"""Called with the request and the path's own parts; gives the JSON of a 200, or a whole answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path below the organization, such as `apiproducts/{product}`."""

    method: str
    template: str
    handler: Handler


class Part(Protocol):
    """Some of the API's resources."""

    def routes(self) -> Iterable[Route]: ...


class Routes:
    def __init__(self, parts: Iterable[Part]) -> None:
        self.all = [route for part in parts for route in part.routes()]
        self._compiled = [(route, route.template.split("/") if route.template else []) for route in self.all]

    def find(self, method: str, segments: list[str]) -> tuple[Handler, list[str]] | None:
        """The handler and the path's own parts. A literal part goes before one that may be anything."""
        found = [
            (route, parts)
            for route, parts in self._compiled
            if route.method == method and len(parts) == len(segments) and _fits(parts, segments)
        ]
        if not found:
            return None
        route, parts = min(found, key=lambda one: one[0].template.count("{"))
        own = [segment for part, segment in zip(parts, segments, strict=True) if part.startswith("{")]
        return route.handler, own


def _fits(parts: list[str], segments: list[str]) -> bool:
    return all(part.startswith("{") or part == segment for part, segment in zip(parts, segments, strict=True))
