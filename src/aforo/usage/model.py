"""A usage event as it is kept, and what became of each event of a request."""

from typing import Final

import msgspec

MAX_EVENTS: Final = 1_000
MAX_BODY_BYTES: Final = 10 * 1024 * 1024

PRODUCT_TYPES: Final = frozenset(
    {"API", "AGENTIC_API", "AI_AGENT", "MCP_SERVER", "GRPC_API", "GRAPHQL_API", "WEBSOCKET_API", "MQTT_BROKER"}
)
EXECUTION_STATUSES: Final = frozenset(
    {
        "SUCCESS",
        "PARTIAL",
        "TIMEOUT",
        "ERROR",
        "VALIDATION_FAILED",
        "FAILED",
        "FAILURE",
        "CANCELLED",
        "PENDING",
        "BLOCKED",
        "HITL_REQUIRED",
    }
)


class Credential(msgspec.Struct, frozen=True, rename="camel", array_like=True, gc=False):
    """The credential that the gateway verified, by the gateway's own id; never a secret."""

    integration_id: str | None = None
    type: str | None = None
    native_id: str | None = None


class Trace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Ids under which the call is known to tracing systems."""

    traceparent: str | None = None
    tracestate: str | None = None
    x_trace_id: str | None = None
    x_request_id: str | None = None


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The canonical event, and its form in the log: an array, so new members may only be added at the end.

    The quantity is exact: `whole` units (< 10^15) and `nano` billionths (< 10^9). `occurred_ns` counts nanoseconds of
    UTC since 1970. `cost` is decimal text; `metadata` is the canonical text of a JSON object, empty for none.
    """

    customer_id: str
    metric_name: str
    whole: int
    nano: int
    occurred_ns: int
    idempotency_key: str
    product_type: str | None = None
    endpoint_path: str | None = None
    http_method: str | None = None
    status_code: int | None = None
    response_time_ms: int | float | None = None
    execution_status: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    tool_name: str | None = None
    execution_duration_ms: int | float | None = None
    session_boundary: bool | str | None = None
    product_id: str | None = None
    product: str | None = None
    integration_id: str | None = None
    credential: Credential | None = None
    subscription_id: str | None = None
    decision_id: str | None = None
    lease_id: str | None = None
    node_id: str | None = None
    epoch: int | str | None = None
    seq: int | None = None
    trace: Trace | None = None
    cost: str | None = None
    metadata: bytes = b""


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why one event of a request was not kept. `error` is for people and holds nothing of the event's content."""

    index: int
    code: str
    error: str


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of a request's events; given only once the accepted ones are durable."""

    accepted: int
    duplicates: int
    failed: int
    errors: list[Rejection]


class Refused(Exception):
    """One event cannot be kept. Used between the rules only; the room answers with a `Rejection`.

    `raw` is the event as it stood, where it could not even be taken apart.
    """

    def __init__(self, code: str, error: str, raw: bytes = b"") -> None:
        super().__init__(error)
        self.code = code
        self.error = error
        self.raw = raw
