"""Examples of pulled usage figures beside pushed events, and of how long events are kept."""

from typing import Any, Final

_AT: Final = "2026-11-23T14:05:12.000Z"

KEEPING_EXAMPLES: Final[dict[str, Any]] = {
    "RetentionForm": {"days": 400},
    "RetentionView": {"days": 400, "setAt": _AT, "setBy": "user_01k9q3"},
    "NewErasure": {"customerId": "acme"},
    "ErasureView": {"events": 48_112, "deadLetters": 3},
}
RECONCILIATION_EXAMPLES: Final[dict[str, Any]] = {
    "NewPull": {"integrationId": "int_01k9q3", "days": 7},
    "PullView": {"firstDay": "2026-11-17", "lastDay": "2026-11-23", "figures": 14, "calls": 12_040},
    "ReconciliationView": {
        "integrationId": "int_01k9q3",
        "from": "2026-11-22",
        "to": "2026-11-22",
        "source": {
            "gateway": "Google Apigee",
            "granularity": "API product and app, by day",
            "zone": "UTC",
            "lagMinutes": 10,
            "counts": "Every message that reached a proxy",
            "exactness": "Apigee Analytics serve reports, not bills",
        },
        "attachedAt": "2026-11-20T09:12:00.000Z",
        "lastReadAt": _AT,
        "data": [
            {
                "day": "2026-11-22",
                "products": [{"id": "prod_01k9q3", "name": "payments-v1"}],
                "pulledCalls": 1204,
                "pushedCalls": 1200,
                "difference": -4,
                "percent": "-0.33",
                "reasons": [
                    {
                        "why": "refused_calls",
                        "words": "The gateway counts refused and failed calls, which are not metered.",
                    }
                ],
            }
        ],
        "nextCursor": None,
    },
}
"""By schema, as `aforo.app.examples` has them."""
