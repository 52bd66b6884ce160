"""The edge's routes, neutral to the server that carries them: bytes in, an Answer out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

import msgspec

from aforo.accounts import Caller, Scope, presented_key
from aforo.accounts.errors import MissingScope, TenantMismatch
from aforo.accounts.keyring import KeyRing
from aforo.app.edge import answers
from aforo.app.edge.answers import Answer
from aforo.app.edge.metrics import EdgeMetrics
from aforo.kit.errors import AforoError, Overloaded, Unauthenticated
from aforo.usage import Ingests

INGEST_PATHS: Final = frozenset({"/v1/ingest", "/v1/ingest/batch", "/v1/ingest/events"})
_JSON: Final = [(b"content-type", b"application/json")]
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. Header names are lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    address: str | None = None


class Handlers:
    """Every route of the edge. A route that takes a body calls for it only after the caller is known."""

    def __init__(self, keys: KeyRing, ingests: Ingests, metrics: EdgeMetrics) -> None:
        self._keys = keys
        self._ingests = ingests
        self.metrics = metrics
        self.draining = False
        self._plain: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: answers.json({"status": "ok"}),
            "/readyz": self._readyz,
            "/metrics": lambda: answers.text(self.metrics.text(), b"text/plain; version=1.0.0; charset=utf-8"),
        }

    async def answer(self, head: Head, body: Callable[[], Awaitable[bytes]]) -> Answer:
        """Never raises for a fault of the request or an expected one of ours."""
        try:
            found = await self._route(head, body)
        except AforoError as fault:
            found = answers.of_error(fault, head.path)
        self.metrics.answered(found.status)
        return found

    async def _route(self, head: Head, body: Callable[[], Awaitable[bytes]]) -> Answer:
        if head.path in INGEST_PATHS:
            if head.method != "POST":
                return _not_allowed(head, b"POST")
            return await self._ingest(head, body)
        plain = self._plain.get(head.path)
        if plain is None:
            return answers.problem(404, "not_found", "There is nothing at this path of the edge.", head.path)
        return plain() if head.method in ("GET", "HEAD") else _not_allowed(head, b"GET, HEAD")

    async def _ingest(self, head: Head, body: Callable[[], Awaitable[bytes]]) -> Answer:
        caller = self._caller(head, Scope.USAGE_INGEST)
        headers = head.headers
        outcome = await self._ingests.of(caller).ingest(
            await body(),
            caller,
            content_type=headers.get("content-type", ""),
            encoding=headers.get("content-encoding", ""),
        )
        self.metrics.ingested(outcome)
        return Answer(202, _JSON, _encode(outcome))

    def _caller(self, head: Head, scope: Scope) -> Caller:
        if not self._keys.ready:
            raise Overloaded("The API keys are not loaded yet.", next_step="Send the same bytes again.")
        presented = presented_key(head.headers)
        caller = self._keys.caller(presented, head.address) if presented else None
        if caller is None:
            raise Unauthenticated(
                "The API key is missing or not known.", next_step="Send it as `Authorization: Bearer <key>`."
            )
        if not caller.may(scope):
            raise MissingScope(f"The API key lacks the scope {scope.value}.", next_step="Use a key that has it.")
        if not all(caller.is_tenant(named) for named in _named_tenants(head)):
            raise TenantMismatch("The request names a tenant that is not the key's.", next_step="Leave it out.")
        return caller

    def _readyz(self) -> Answer:
        if self.draining or not self._keys.ready:
            reason = "is shutting down" if self.draining else "waits for the API keys in records.db"
            return answers.problem(503, "not_ready", f"The edge {reason}.", "/readyz", (b"retry-after", b"1"))
        return answers.json({"status": "ready"})


def _named_tenants(head: Head) -> list[str]:
    named = [head.headers["x-tenant-id"]] if head.headers.get("x-tenant-id") else []
    if b"tenant" in head.query:
        query = parse_qs(head.query.decode("latin-1"))
        named += query.get("tenant_id", []) + query.get("tenantId", [])
    return named


def _not_allowed(head: Head, allowed: bytes) -> Answer:
    detail = f"{head.path} takes {allowed.decode()} only."
    return answers.problem(405, "method_not_allowed", detail, head.path, (b"allow", allowed))
