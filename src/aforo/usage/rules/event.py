"""One event as it was sent, and what it must fulfil to be kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from aforo.usage.model import EXECUTION_STATUSES, PRODUCT_TYPES, Credential, Event, Refused, Trace
from aforo.usage.rules.metadata import metadata
from aforo.usage.rules.moment import check_window, from_number, from_text
from aforo.usage.rules.quantity import cost, quantity

MAX_CUSTOMER: Final = 64
MAX_METRIC: Final = 255
MAX_KEY: Final = 1_024
MAX_TEXT: Final = 2_048


_ABSENT: Final = msgspec.Raw()  # `Raw | None` would not be read raw


class SentCredential(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`credential` as sent; anything else beside these members is not even read."""

    integration_id: str | None = None
    type: str | None = None
    native_id: str | None = None


class SentTrace(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`trace` as sent; every member may be null."""

    traceparent: str | None = None
    tracestate: str | None = None
    x_trace_id: str | None = None
    x_request_id: str | None = None


class Sent(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The known members of an event. Numbers that must stay exact, times and metadata are kept as they stood."""

    customer_id: str | None = None
    metric_name: str | None = None
    quantity: msgspec.Raw = _ABSENT
    occurred_at: msgspec.Raw = _ABSENT
    idempotency_key: str | None = None
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
    credential: SentCredential | None = None
    subscription_id: str | None = None
    decision_id: str | None = None
    lease_id: str | None = None
    node_id: str | None = None
    epoch: int | str | None = None
    seq: int | None = None
    trace: SentTrace | None = None
    cost: msgspec.Raw = _ABSENT
    metadata: msgspec.Raw = _ABSENT


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request's events are held against: the clock, the key's bound customer, the tenant's metrics."""

    now_ns: int
    bound_customer: str | None
    knows_metric: Callable[[str], bool]


def event(sent: Sent, extra: dict[str, bytes], terms: Terms) -> Event:
    """The canonical event; raises Refused with the first rule that it breaks."""
    customer, metric, key = _identity(sent, terms)
    whole, nano = quantity(_text(bytes(sent.quantity), "quantity"), zero_allowed=metric.startswith("system."))
    occurred_ns = _occurred(bytes(sent.occurred_at))
    check_window(occurred_ns, terms.now_ns)
    if not terms.knows_metric(metric):
        raise Refused("unknown_metric", "no metric of this name is defined; define it, then send the event again")
    _check_integers(sent)
    return Event(
        customer,
        metric,
        whole,
        nano,
        occurred_ns,
        key,
        sent.product_type and _one_of(PRODUCT_TYPES, sent.product_type, "productType"),
        sent.endpoint_path and _bounded(sent.endpoint_path, "endpointPath"),
        sent.http_method and _bounded(sent.http_method, "httpMethod"),
        sent.status_code,
        sent.response_time_ms,
        sent.execution_status and _one_of(EXECUTION_STATUSES, sent.execution_status, "executionStatus"),
        sent.trace_id and _bounded(sent.trace_id, "traceId"),
        sent.session_id and _bounded(sent.session_id, "sessionId"),
        sent.agent_id and _bounded(sent.agent_id, "agentId"),
        sent.tool_name and _bounded(sent.tool_name, "toolName"),
        sent.execution_duration_ms,
        sent.session_boundary,
        sent.product_id and _bounded(sent.product_id, "productId"),
        sent.product and _bounded(sent.product, "product"),
        sent.integration_id and _bounded(sent.integration_id, "integrationId"),
        None if sent.credential is None else _credential(sent.credential),
        sent.subscription_id and _bounded(sent.subscription_id, "subscriptionId"),
        sent.decision_id and _bounded(sent.decision_id, "decisionId"),
        sent.lease_id and _bounded(sent.lease_id, "leaseId"),
        sent.node_id and _bounded(sent.node_id, "nodeId"),
        sent.epoch,
        sent.seq,
        None if sent.trace is None else _trace(sent.trace),
        _cost(bytes(sent.cost)),
        metadata(bytes(sent.metadata), extra),
    )


def _identity(sent: Sent, terms: Terms) -> tuple[str, str, str]:
    customer, metric, key = sent.customer_id or terms.bound_customer, sent.metric_name, sent.idempotency_key
    if not customer or not metric or not key:
        name = "customerId" if not customer else "idempotencyKey" if metric else "metricName"
        raise Refused("missing_member", f"{name} is required and must not be empty")
    if len(customer) > MAX_CUSTOMER or len(metric) > MAX_METRIC or len(key) > MAX_KEY:
        raise Refused("invalid_member", _too_long(customer, metric))
    if terms.bound_customer is not None and customer != terms.bound_customer:
        raise Refused("customer_mismatch", "this key is bound to another customer")
    if customer == "system" and not metric.startswith("system."):
        raise Refused("invalid_member", "customerId `system` is only for metrics that begin with `system.`")
    return customer, metric, key


def _too_long(customer: str, metric: str) -> str:
    if len(customer) > MAX_CUSTOMER:
        return f"customerId is over {MAX_CUSTOMER} characters"
    if len(metric) > MAX_METRIC:
        return f"metricName is over {MAX_METRIC} characters"
    return f"idempotencyKey is over {MAX_KEY} characters"


def _occurred(token: bytes) -> int:
    text = _text(token, "occurredAt")
    return from_text(text) if token.startswith(b'"') else from_number(text)


def _cost(token: bytes) -> str | None:
    return None if token in (b"", b"null") else cost(_text(token, "cost"))


def _text(token: bytes, name: str) -> str:
    """The characters of a number's token or of a string."""
    if token in (b"", b"null"):
        raise Refused("missing_member", f"{name} is required")
    if len(token) > 256:
        raise Refused("invalid_member", f"{name} is too long")
    try:
        return token[1:-1].decode("ascii") if token.startswith(b'"') else token.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("invalid_member", f"{name} cannot be read") from None


def _bounded(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise Refused("invalid_member", f"{name} is over {MAX_TEXT} characters")
    return text


def _one_of(known: frozenset[str], value: str, name: str) -> str:
    upper = value if value in known else value.upper()
    if upper not in known:
        raise Refused("invalid_member", f"{name} must be one of {', '.join(sorted(known))}")
    return upper


def _check_integers(sent: Sent) -> None:
    for name, value in (("epoch", sent.epoch), ("seq", sent.seq), ("statusCode", sent.status_code)):
        if value is None:
            continue
        if isinstance(value, str):
            _bounded(value, name)
        elif not -(2**63) <= value < 2**63:
            raise Refused("invalid_member", f"{name} does not fit in 64 bits")


def _credential(sent: SentCredential) -> Credential:
    members: tuple[Any, ...] = (sent.integration_id, sent.type, sent.native_id)
    return Credential(*(member and _bounded(member, "credential") for member in members))


def _trace(sent: SentTrace) -> Trace:
    members: tuple[Any, ...] = (sent.traceparent, sent.tracestate, sent.x_trace_id, sent.x_request_id)
    return Trace(*(member and _bounded(member, "trace") for member in members))
