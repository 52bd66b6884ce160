"""What gateways send and get, as WIRE describes it: msgspec types, camelCase."""

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(max_length=512)]
Label = Annotated[str, Meta(max_length=255)]


class Wire(msgspec.Struct, rename="camel", gc=False):
    """Unknown members are ignored: clients in the wild send more than we read.

    Numbers are kept as they stood. Their defaults are made by factories, since a schema cannot show a `Raw`.
    """


class CredentialRef(Wire):
    """A credential that the gateway verified, by the gateway's own id; or `key_sha256`, which Aforo verifies."""

    native_id: Name
    type: Label = ""
    integration_id: Label = ""


class CheckRequest(Wire):
    """May this consumer make this call? `units` is a decimal: number or string; 0 only asks."""

    credential: CredentialRef | None = None
    customer_id: Label | None = None
    product: Name | None = None
    metric: Label | None = None
    units: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"1"))
    feature: Label | None = None


class LeaseRequest(CheckRequest):
    want: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"100"))
    node_id: Label = ""
    epoch: int | Label = ""


class BatchRequest(Wire):
    """Up to 100 checks."""

    checks: list[CheckRequest]


class SettleRequest(Wire):
    used: msgspec.Raw
    final: bool = True


class QuotaCheckRequest(Wire):
    """The older plugins' form; never reserves."""

    customer_id: Label
    metric_name: Label | None = None
    estimated_quantity: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"1"))
    product_id: Name | None = None


class Denial(Wire, omit_defaults=True):
    """Why not, and what the gateway is to answer."""

    reason: str
    status: int
    retry_after_seconds: int | None = None


class LeaseAnswer(Wire):
    """Units already taken from the quota, to be spent locally until five seconds before `expiresAt`."""

    id: str
    units: msgspec.Raw
    expires_at: str
    rate_per_second: msgspec.Raw
    throttle_rate: int
    fail_mode: str
    outage_units: msgspec.Raw


class CheckAnswer(Wire, kw_only=True):
    """A decision. Members that do not apply are null, or left out where only a denial has them.

    `quota_mode` is that of the tightest quota: HARD, SOFT or OVERAGE.
    """

    allowed: bool
    reason: str
    plan: str | None
    customer_id: str | None
    subscription_id: str | None
    quota_mode: str | None
    remaining: msgspec.Raw
    reset_at: str | None
    margin: str
    enforcement: str
    decision_id: str
    headers: dict[str, str]
    status: int | msgspec.UnsetType = msgspec.UNSET
    retry_after_seconds: int | msgspec.UnsetType = msgspec.UNSET
    would_deny: Denial | msgspec.UnsetType = msgspec.UNSET
    lease: LeaseAnswer | msgspec.UnsetType = msgspec.UNSET


class BatchAnswer(Wire):
    results: list[CheckAnswer]


class SettleAnswer(Wire):
    """`moved` is false when the decision or lease had moved its counters for good before."""

    id: str
    used: msgspec.Raw
    moved: bool


class ChangeShown(Wire):
    kind: str
    subject: str


class ChangesAnswer(Wire):
    version: int
    changes: list[ChangeShown]


class QuotaCheckAnswer(Wire):
    decision: str
    reason: str
    current_usage: msgspec.Raw
    limit: msgspec.Raw
    retry_after_ms: int
    tier_name: str | None
    headers: dict[str, str]


class MarginAnswer(Wire):
    allowed: bool
    level: str
    throttle_rate: int
    retry_after_seconds: int
    message: str
