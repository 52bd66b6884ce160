"""Examples of the credentials room's schemas."""

from typing import Any, Final

_AT: Final = "2026-11-22T14:05:12.000Z"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_CREDENTIAL: Final = {
    "id": "cred_01k9q3",
    "subscriptionId": "sub_01k9q3",
    "mode": "GATEWAY_GENERATED",
    "state": "ACTIVE",
    "adopted": False,
    "replaces": None,
    "hint": "••••x7Qa",
    "graceUntil": None,
    "createdAt": _AT,
    "revokedAt": None,
    "places": [
        {
            "integrationId": "int_01k9q3",
            "type": "key_auth",
            "nativeId": "af32a2b3-7dc5-43f4-9b62-e8ddbe10f220",
            "observed": "ACTIVE",
            "hint": "••••x7Qa",
            "lastUsedAt": None,
        }
    ],
}
_CONSUMER: Final = {
    "consumer": "0060b003-51dc-4595-aae3-c28e173c5d70",
    "name": "acme",
    "application": None,
    "applicationName": None,
    "email": None,
    "externalId": "crm-acme",
    "subscriptionId": None,
    "productIds": ["prod_01k9q3"],
    "keys": [
        {
            "type": "key_auth",
            "nativeId": "af32a2b3-7dc5-43f4-9b62-e8ddbe10f220",
            "standing": "ACTIVE",
            "sha256": _SHA256,
            "createdAt": _AT,
            "subscriptionId": None,
        }
    ],
    "match": {"customerId": "cust_01k9q3", "why": "same name"},
}
_ORPHAN: Final = {
    "id": "orph_01k9q3",
    "integrationId": "int_01k9q3",
    "consumer": "44c2a1f0-9f6e-5d0c-8a3e-0f2f5a8a9c11",
    "application": None,
    "name": "aforo-sub_01k9q3",
    "subscriptionId": "sub_01k9q3",
    "keys": 1,
    "reason": "sub_01k9q3 has left this gateway.",
    "foundAt": _AT,
}

CREDENTIAL_EXAMPLES: Final[dict[str, Any]] = {
    "AdoptedView": {"subscriptionIds": ["sub_01k9q3"]},
    "ConsumersView": {"data": [_CONSUMER], "partial": False, "problems": []},
    "CredentialView": _CREDENTIAL,
    "IssuedView": _CREDENTIAL | {"secrets": [{"integrationId": "int_01k9q3", "secret": "n0t-A-Real-key"}]},
    "NewCredential": {"mode": "AFORO_PROVIDED"},
    "Rotation": {"graceSeconds": 300},
    "OrphanScan": {"integrationId": "int_01k9q3"},
    "Page_CredentialView_": {"data": [_CREDENTIAL], "nextCursor": None},
    "Page_OrphanView_": {"data": [_ORPHAN], "nextCursor": None},
    "ScanView": {"data": [_ORPHAN], "incomplete": {}},
}
"""By schema, as `aforo.app.examples` has them."""
