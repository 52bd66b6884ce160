"""The edge's routes as people and generators of clients read them: what each takes and answers, with an example.

A test holds these to the route table, both ways. The api describes them in its document and forwards them.
"""

from typing import Any, Final, NamedTuple

import msgspec

from aforo.app.edge.ingest import INGEST_PATHS
from aforo.enforcement import wire
from aforo.usage import Answer


class Operation(NamedTuple):
    """One method at one path. `takes` and `answers` are msgspec types; `parameters`: name and place."""

    method: str
    path: str
    summary: str
    answers: type[msgspec.Struct]
    example: Any
    takes: type[msgspec.Struct] | None = None
    body: Any = None
    parameters: tuple[tuple[str, str], ...] = ()
    status: int = 200


class IngestRequest(wire.Wire):
    """`events`, or one event's members alone."""

    events: list[dict[str, Any]] | None = None


_EVENT: Final = {
    "customerId": "cust_01k9q3",
    "metricName": "api_calls",
    "quantity": 1,
    "occurredAt": "2026-11-22T14:05:12.000Z",
    "idempotencyKey": "kong-1:42",
}
_INGESTED: Final = {"accepted": 1, "duplicates": 0, "failed": 0, "errors": []}
_ASKED: Final = {"customerId": "cust_01k9q3", "product": "prod_01k9q3", "metric": "api_calls", "units": 1}
_ALLOWED: Final = {
    "allowed": True,
    "reason": "ok",
    "plan": "enterprise",
    "customerId": "cust_01k9q3",
    "subscriptionId": "sub_01k9q3",
    "quotaMode": "HARD",
    "remaining": 8420,
    "resetAt": "2026-12-01T00:00:00.000Z",
    "margin": "NONE",
    "enforcement": "enforce",
    "decisionId": "dec_AQIDBAUGBwg",
    "headers": {"X-Aforo-Remaining": "8420", "X-Aforo-Plan": "enterprise"},
}
_LEASE: Final = {
    "id": "lease_01k9q3",
    "units": 100,
    "expiresAt": "2026-11-22T14:05:42.000Z",
    "ratePerSecond": 50,
    "throttleRate": 100,
    "failMode": "open",
    "outageUnits": 0,
}
_QUOTA: Final = {
    "decision": "ALLOW",
    "reason": "ok",
    "currentUsage": 1580,
    "limit": 10000,
    "retryAfterMs": 0,
    "tierName": "enterprise",
    "headers": {"X-Aforo-Remaining": "8420"},
}
_MARGIN: Final = {"allowed": True, "level": "NONE", "throttleRate": 100, "retryAfterSeconds": 0, "message": ""}
_CHANGES: Final = {"version": 42, "changes": [{"kind": "credential.revoked", "subject": "cred_01k9q3"}]}
_WHOSE: Final = (("customerId", "query"), ("metric", "query"), ("X-Product-Id", "header"))
_SCOPE: Final = (("tenantId", "query"), ("scopeType", "query"), ("scopeId", "query"))

OPERATIONS: Final = (
    *(
        Operation(
            "POST", path, "Ingest usage events; 202 only once they are durable", Answer, _INGESTED,
            IngestRequest, {"events": [_EVENT]}, status=202,
        )
        for path in sorted(INGEST_PATHS)
    ),
    Operation(
        "POST", "/v1/check", "May this call through? A denial is a 200, too", wire.CheckAnswer, _ALLOWED,
        wire.CheckRequest, _ASKED,
    ),
    Operation(
        "POST", "/v1/check/batch", "Up to 100 checks, answered in their order", wire.BatchAnswer,
        {"results": [_ALLOWED]}, wire.BatchRequest, {"checks": [_ASKED]},
    ),
    Operation(
        "GET", "/v1/check/{tenantId}", "A check that takes nothing, in the form of older plugins", wire.CheckAnswer,
        _ALLOWED, parameters=_WHOSE,
    ),
    Operation(
        "POST", "/v1/leases", "Take units in advance, to be spent without asking", wire.CheckAnswer,
        {**_ALLOWED, "lease": _LEASE}, wire.LeaseRequest, {**_ASKED, "want": 100, "nodeId": "kong-1", "epoch": 1},
    ),
    Operation(
        "POST", "/v1/leases/{id}/settle", "Say what was spent of a lease", wire.SettleAnswer,
        {"id": "lease_01k9q3", "used": 87, "moved": True}, wire.SettleRequest, {"used": 87, "final": True},
    ),
    Operation(
        "POST", "/v1/decisions/{id}/settle", "Say what an allowed call has used", wire.SettleAnswer,
        {"id": "dec_AQIDBAUGBwg", "used": 3, "moved": True}, wire.SettleRequest, {"used": 3},
    ),
    Operation(
        "GET", "/v1/changes", "Wait for revocations and other changes; at most 25 s", wire.ChangesAnswer, _CHANGES,
        parameters=(("since", "query"), ("wait", "query")),
    ),
    Operation(
        "POST", "/api/v1/quota/check", "How a quota stands, in the form of older plugins; reserves nothing",
        wire.QuotaCheckAnswer, _QUOTA, wire.QuotaCheckRequest, {"customerId": "cust_01k9q3", "estimatedQuantity": 1},
    ),
    Operation(
        "GET", "/internal/v1/margin-guard/quick-check", "Does a customer still pay? For named networks, without a key",
        wire.MarginAnswer, _MARGIN, parameters=_SCOPE,
    ),
)  # fmt: skip
