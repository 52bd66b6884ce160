"""What is behind the gateway."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """What the upstream says: a JSON value, or a text."""

    status: int
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


Upstream = Callable[[Sent], UpstreamAnswer]


class Echo:
    """The built-in upstream: answers with the headers and the uri that it was sent. No host below `.invalid` exists."""

    def __call__(self, sent: Sent) -> UpstreamAnswer:
        if sent.host.endswith(".invalid"):
            raise NameUnknown(sent.host)
        return UpstreamAnswer(200, {"headers": dict(sent.headers), "uri": sent.uri})
