"""Examples of the artifacts room's schemas."""

from typing import Any, Final

_AT: Final = "2026-11-22T14:05:12.000Z"
_STEP: Final = {
    "action": "wrap",
    "what": "global plugin chain of service payments",
    "detail": "the plugin that stands there goes on running, before Aforo's",
    "danger": "",
}
_FILE: Final = {"filename": "handler.lua", "mediaType": "text/x-lua", "text": "…"}
_SETTINGS: Final = {
    "targets": ["payments"],
    "keyFrom": ["bearer", "header:x-api-key"],
    "excluded": ["/health"],
    "metrics": {},
    "failMode": "open",
    "options": {},
}
_CHECK: Final = {
    "name": "The call became an event",
    "verdict": "OK",
    "detail": "after 0.3 s",
    "nextStep": None,
    "code": None,
    "tookMs": 251.3,
}
_VERIFICATION: Final = {
    "at": _AT,
    "by": "key_01k9q3",
    "url": "https://gateway.example/payments",
    "passed": True,
    "checks": [_CHECK],
    "canaryLeft": None,
}
_WOULD: Final = {
    "customerId": "cust_01k9q3",
    "customer": "Acme",
    "productId": "prod_01k9q3",
    "product": "payments-v2",
    "reason": "quota_exceeded",
    "calls": 37,
    "lastAt": _AT,
}
_REFUSALS: Final = {"since": "2026-11-15T14:05:12.000Z", "calls": 37, "customers": 1, "data": [_WOULD], "unnamed": 0}
_BOUNDS: Final = {
    "delivery": "at_least_once",
    "loss": "what a worker had queued when it crashed",
    "overshoot": "none for HARD quotas",
    "leaseStore": "a shared dictionary of each node",
    "singleFlight": "one renewal a node",
}
_OBSERVED: Final = {"phase": "ATTACHED", "version": "1.0.0", "attached": ["payments"], "detail": ""}

ARTIFACT_EXAMPLES: Final[dict[str, Any]] = {
    "ArtifactCheckView": _CHECK,
    "ArtifactFileView": _FILE,
    "ArtifactPreviewView": {
        "integrationId": "int_01k9q3",
        "version": "1.0.0",
        "steps": [_STEP],
        "hits": ["payments"],
        "documents": [_FILE],
        "notes": [],
        "settings": _SETTINGS,
        "ingestUrl": "https://ingest.example.com/v1/ingest",
        "products": 3,
    },
    "EnforcementView": {
        "integrationId": "int_01k9q3",
        "phase": "ATTACHED",
        "mode": "observe",
        "version": "1.0.0",
        "available": "1.0.0",
        "observed": _OBSERVED,
        "attached": ["payments"],
        "unfinished": None,
        "fault": None,
        "keyId": "key_01k9q3",
        "keyLast4": "x7Qa",
        "settings": _SETTINGS,
        "ingestUrl": "https://ingest.example.com/v1/ingest",
        "deployedAt": _AT,
        "attachedAt": _AT,
        "changedAt": _AT,
        "changedBy": "usr_01k9q3",
        "paused": None,
        "bounds": _BOUNDS,
        "products": 3,
        "enforcedProductIds": [],
        "wouldRefuse": _REFUSALS,
        "verification": _VERIFICATION,
    },
    "VerificationView": _VERIFICATION,
}
