"""Examples of the pricing room's schemas."""

from typing import Any, Final

_AT: Final = "2026-11-22T14:05:12.000Z"
_FIELD: Final = {
    "path": "/plugin/rate-limiting@consumer:sub_01k9q3/config/minute",
    "kind": "FIELD",
    "before": 700,
    "after": 60,
    "secret": False,
    "counts": True,
}
_ROW: Final = {
    "status": "CHANGED",
    "key": "plan:pro",
    "subject": "PLAN",
    "subjectId": "plan_01k9q3",
    "name": "Pro",
    "versions": [3, 2],
    "reason": "plan and gateway differ",
    "line": "CHANGED: plan Pro v3 (plan and gateway differ)",
    "fields": [_FIELD],
    "removes": [],
    "leftOut": ["10 tokens per month: Kong counts calls only"],
    "dangers": [
        "The rate-limiting plugin of service payments-v2 no longer works for this plan's consumers",
    ],
    "impact": {"subscriptions": 12, "credentials": 14, "monthlyRevenue": "228.00", "currency": "EUR"},
}
_RESULT: Final = {
    "key": "plan:pro",
    "name": "Pro",
    "outcome": "DONE",
    "detail": "",
    "steps": [{"title": "update plugin rate-limiting@consumer:sub_01k9q3", "outcome": "DONE", "detail": ""}],
}
_STANDING: Final = {
    "key": "plan:pro",
    "subject": "PLAN",
    "subjectId": "plan_01k9q3",
    "name": "Pro",
    "versions": [3, 2],
    "syncedAt": _AT,
    "syncedBy": "key_01k9q3",
    "standing": "DRIFTED",
    "reason": "",
    "fields": [_FIELD],
}

PRICING_EXAMPLES: Final[dict[str, Any]] = {
    "DeletionGuardView": {
        "filename": "aforo-deletion-guard.yaml",
        "mediaType": "application/yaml",
        "text": "AWSTemplateFormatVersion: '2010-09-09'\n…",
    },
    "PricingPreviewView": {
        "planId": "pprev_01k9q3",
        "integrationId": "int_01k9q3",
        "createdAt": _AT,
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "partial": False,
        "problems": [],
        "unread": [],
        "summary": {"NEW": 0, "CHANGED": 1, "UNCHANGED": 0, "STALE": 0},
        "changes": [_ROW],
    },
    "PricingResultView": _RESULT,
    "PricingRowView": _ROW,
    "PricingStandingView": _STANDING,
    "PricingStateView": {"data": [_STANDING], "partial": False, "nextCursor": None},
    "PricingSyncView": {"planId": "pprev_01k9q3", "done": True, "results": [_RESULT]},
}
