"""The edge's routes, neutral to the server that carries them: bytes in, an Answer out."""

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import NamedTuple

from aforo.app.edge import answers
from aforo.app.edge.answers import Answer
from aforo.app.edge.head import Body, Head, Route
from aforo.app.edge.ingest import INGEST_PATHS
from aforo.app.edge.metrics import EdgeMetrics
from aforo.kit.errors import AforoError

__all__ = ["INGEST_PATHS", "Handlers", "Head", "Served"]


class Served(NamedTuple):
    """One route: its method, its path (`{id}` stands for one segment), and what answers it."""

    method: str
    path: str
    route: Route


class Handlers:
    """Every route of the edge. `waits_for` names what is not ready yet, or is None."""

    def __init__(self, served: Iterable[Served], metrics: EdgeMetrics, waits_for: Callable[[], str | None]) -> None:
        self.served = tuple(served)
        self.metrics = metrics
        self.draining = False
        self._waits_for = waits_for
        self._exact = {one.path: one for one in self.served if "{" not in one.path}
        self._patterns: Mapping[tuple[str, ...], Served] = {
            _shape(one.path): one for one in self.served if "{" in one.path
        }
        self._plain: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: answers.json({"status": "ok"}),
            "/readyz": self._readyz,
            "/metrics": lambda: answers.text(self.metrics.text(), b"text/plain; version=1.0.0; charset=utf-8"),
        }

    async def answer(self, head: Head, body: Body) -> Answer:
        """Never raises for a fault of the request or an expected one of ours."""
        began = perf_counter()
        try:
            found = await self._route(head, body)
        except AforoError as fault:
            found = answers.of_error(fault, head.path)
        self.metrics.answered(found.status)
        served = self._exact.get(head.path)
        if served is not None:
            self.metrics.took(served.path, perf_counter() - began)
        return found

    async def _route(self, head: Head, body: Body) -> Answer:
        served = self._exact.get(head.path) or self._pattern(head.path)
        if served is not None:
            return await served.route(head, body) if head.method == served.method else _not_allowed(head, served.method)
        plain = self._plain.get(head.path)
        if plain is None:
            return answers.problem(404, "not_found", "There is nothing at this path of the edge.", head.path)
        return plain() if head.method in ("GET", "HEAD") else _not_allowed(head, "GET, HEAD")

    def _pattern(self, path: str) -> Served | None:
        parts = path.split("/")
        for shape, served in self._patterns.items():
            if len(shape) == len(parts) and all(want in ("{", got) for want, got in zip(shape, parts, strict=True)):
                return served
        return None

    def _readyz(self) -> Answer:
        missing = self._waits_for()
        if self.draining or missing:
            reason = "is shutting down" if self.draining else f"waits for {missing} in records.db"
            return answers.problem(503, "not_ready", f"The edge {reason}.", "/readyz", (b"retry-after", b"1"))
        return answers.json({"status": "ready"})


def _shape(path: str) -> tuple[str, ...]:
    return tuple("{" if part.startswith("{") else part for part in path.split("/"))


def _not_allowed(head: Head, allowed: str) -> Answer:
    detail = f"{head.path} takes {allowed} only."
    return answers.problem(405, "method_not_allowed", detail, head.path, (b"allow", allowed.encode()))
