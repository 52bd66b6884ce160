"""Who may call: nobody asked, a token in a header, or Konnect's bearer token below a control plane's path.

The shape of Konnect's own answers follows the vendor's description.
"""

import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aforo.gateway_sdk import emulated_tokens

from .answers import METHOD_NOT_ALLOWED, Answer, Refused
from .requests import Request

CONTROL_PLANE = "9b1f2c1e-6d0c-4a52-8f43-2f1f0a7f6c11"
_ORGANIZATION = str(uuid.uuid5(uuid.UUID(CONTROL_PLANE), "organization"))


@dataclass(frozen=True, slots=True)
class HeaderToken:
    """Lets a call pass that carries the token in a header."""

    token: str = field(repr=False)
    header: str

    def admit(self, request: Request) -> Request:
        sent = request.headers.get(self.header.lower(), "")
        if not hmac.compare_digest(sent.encode(), self.token.encode()):
            raise Refused(Answer(401, {"message": "Invalid credentials. Token or User credentials required"}))
        return request


@dataclass(frozen=True, slots=True)
class Bearers:
    """A proxy before the Admin API, which lets in who holds a token of the emulated OpenID provider."""

    now: Callable[[], float]

    def admit(self, request: Request) -> Request:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not emulated_tokens.accepts(sent, "oidc", self.now()):
            raise Refused(Answer(401, {"message": "Unauthorized"}))
        return request


@dataclass(frozen=True, slots=True)
class Konnect:
    """A control plane in Kong's cloud; without a `token` any bearer token is good."""

    token: str | None = field(repr=False)
    config_hash: str

    def admit(self, request: Request) -> Request:
        """The request as the control plane's core entities see it; raises the answers of everything around them."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        good = sent.strip() and (self.token is None or hmac.compare_digest(sent.encode(), self.token.encode()))
        if scheme.lower() != "bearer" or not good:
            raise Refused(_problem(401, "Unauthorized", request.path))
        match request.segments:
            case ["v3", "organizations", "me"]:
                raise Refused(_only_get(request, {"id": _ORGANIZATION, "name": "Emulated", "state": "active"}))
            case ["v2", "control-planes", plane, *rest] if plane == CONTROL_PLANE:
                return self._within(request, rest)
        raise Refused(_problem(404, "Not Found", request.path))

    def _within(self, request: Request, rest: list[str]) -> Request:
        match rest:
            case []:
                raise Refused(_only_get(request, _control_plane()))
            case ["nodes"]:
                raise Refused(_only_get(request, {"items": [], "page": {"total_count": 0}}))
            case ["expected-config-hash"]:
                raise Refused(_only_get(request, {"expected_hash": self.config_hash}))
            case ["core-entities", *_]:
                below = request.path.split("/core-entities", 1)[1]
                return replace(request, path=below or "/")
        raise Refused(_problem(404, "Not Found", request.path))


def _control_plane() -> dict[str, object]:
    return {
        "id": CONTROL_PLANE,
        "name": "emulated",
        "description": "",
        "config": {"cluster_type": "CLUSTER_TYPE_CONTROL_PLANE", "auth_type": "pinned_client_certs"},
        "labels": {},
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
    }


def _only_get(request: Request, body: object) -> Answer:
    return Answer(200, body) if request.method == "GET" else METHOD_NOT_ALLOWED


def _problem(status: int, title: str, path: str) -> Answer:
    instance = "kong:trace:" + uuid.uuid5(uuid.UUID(CONTROL_PLANE), path).hex
    return Answer(status, {"status": status, "title": title, "instance": instance, "detail": title})
