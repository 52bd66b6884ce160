"""Examples of statements."""

from typing import Any, Final

_PERIOD: Final = {
    "start": "2026-10-31T23:00:00.000Z",
    "end": "2026-11-30T23:00:00.000Z",
    "timeZone": "Europe/Berlin",
    "anchorDay": 1,
}
_BEFORE: Final = _PERIOD | {"start": "2026-09-30T22:00:00.000Z", "end": "2026-10-31T23:00:00.000Z"}
_ROW: Final = {
    "id": "stmt_01k9q3_20261031t230000",
    "subscriptionId": "sub_01k9q3",
    "customerId": "cust_01k9q3",
    "customerName": "Acme",
    "planId": "plan_01k9q3",
    "planKey": "pro",
    "planName": "Pro",
    "planVersion": 3,
    "period": _PERIOD,
    "status": "open",
    "finalAt": "2026-12-01T23:00:00.000Z",
    "asOf": "2026-11-22T14:05:12.000Z",
    "currency": "EUR",
    "events": 74210,
    "total": "61.49",
}
_LINE: Final = {
    "metric": "api_calls",
    "model": "graduated",
    "name": None,
    "quantity": "74210",
    "amount": "61.37",
    "exact": "61.368",
    "parts": [
        {"kind": "units", "quantity": "10000", "price": "0.001", "amount": "10"},
        {"kind": "units", "quantity": "64210", "price": "0.0008", "amount": "51.368"},
    ],
}
_HOLE: Final = {
    "node": "kong-1",
    "epoch": "3",
    "first": 41,
    "last": 42,
    "after": "2026-11-22T12:00:00.000Z",
    "before": "2026-11-22T12:00:01.000Z",
}
_STATEMENT: Final = _ROW | {
    "externalId": "acme",
    "lines": [_LINE],
    "subtotal": "61.37",
    "exactSubtotal": "61.368",
    "spendCap": {
        "amount": "500",
        "period": "month",
        "applied": True,
        "amountBefore": "61.37",
        "reduction": "0",
        "note": None,
    },
    "adjustments": [
        {
            "statementId": "stmt_01k9q3_20260930t220000",
            "period": _BEFORE,
            "lateEvents": 150,
            "lines": [{"metric": "api_calls", "name": None, "model": "graduated", "quantity": "150", "amount": "0.12"}],
            "cap": "0",
            "amount": "0.12",
        }
    ],
    "provenance": {
        "events": 74210,
        "lateEvents": 150,
        "hoursFrom": "2026-10-31T23:00:00.000Z",
        "hoursTo": "2026-11-22T14:15:00.000Z",
        "logSegment": 12,
        "logOffset": 40213312,
        "termsDigest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "completeness": {"complete": False, "received": 74208, "missing": 2, "holes": [_HOLE]},
    },
    "digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}

STATEMENT_EXAMPLES: Final[dict[str, Any]] = {
    "Page_StatementRow_": {"data": [_ROW], "nextCursor": None},
    "StatementDocument": _STATEMENT,
}
