"""What callers send."""

from pydantic import Field

from aforo.alerts.model import ChannelKind, Kind, Severity
from aforo.kit.wire import WireModel


class NewChannel(WireModel):
    """`url` by kind: an SMTP URL with from= and to=, an incoming webhook's address, or a URL as apprise writes it."""

    kind: ChannelKind
    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2_000)
    secret: str | None = Field(
        None, max_length=200, description="What webhooks are signed with: whsec_ and base64. Made for you if left out."
    )
    kinds: list[Kind] = Field(default_factory=list, max_length=len(Kind), description="Empty for all.")
    min_severity: Severity = Severity.INFO


class ChannelPatch(WireModel):
    """What is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2_000)
    secret: str | None = Field(None, max_length=200)
    kinds: list[Kind] | None = Field(None, max_length=len(Kind))
    min_severity: Severity | None = None


class Replay(WireModel):
    delivery_id: str = Field(min_length=1, max_length=64)
