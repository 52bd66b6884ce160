"""What is behind the gateway."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..worker.sockets import NoAnswer, Sockets, sendable

_WAITS_SECONDS: Final = (60.0, 60.0, 60.0)


class NameUnknown(Exception):
    """The upstream's host name does not resolve."""


class Unreachable(Exception):
    """The upstream does not take the connection."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call as the gateway passes it on; `uri` is path and query."""

    method: str
    host: str
    port: int
    uri: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """What the upstream says: a JSON value, a text, or bytes."""

    status: int
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Upstream = Callable[[Sent], UpstreamAnswer]


class Echo:
    """The built-in upstream: answers with the headers and the uri that it was sent. No host below `.invalid` exists."""

    def __call__(self, sent: Sent) -> UpstreamAnswer:
        if sent.host.endswith(".invalid"):
            raise NameUnknown(sent.host)
        return UpstreamAnswer(200, {"headers": dict(sent.headers), "uri": sent.uri})


LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


async def fetched(sockets: Sockets, sent: Sent) -> UpstreamAnswer:
    """A real backend's answer, for services on this machine alone. Raises Unreachable."""
    place = f"[{sent.host}]" if ":" in sent.host else sent.host
    url = f"http://{place}:{sent.port}{sent.uri}"
    try:
        got = await sockets.fetch(sent.method, url, sendable(sent.headers), sent.body, _WAITS_SECONDS)
    except NoAnswer:
        raise Unreachable(sent.host) from None
    return UpstreamAnswer(got.status, headers={name.lower(): value for name, value in got.headers}, raw=got.body)
