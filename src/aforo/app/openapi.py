"""The OpenAPI document: what FastAPI tells of the api, the edge's raw routes, and an example for every operation."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from aforo.app.edge.handlers import INGEST_PATHS
from aforo.usage import Answer

_AT: Final = "2026-11-22T14:05:12.000Z"
_CHECK: Final = {
    "name": "Token accepted",
    "verdict": "OK",
    "detail": "workspace default",
    "nextStep": None,
    "code": None,
    "tookMs": 12.5,
}
_TEST: Final = {"passed": True, "at": _AT, "checks": [_CHECK]}
_INTEGRATION: Final = {
    "id": "int_01k9q3",
    "name": "kong-prod",
    "gateway": "kong",
    "signIn": "header_token",
    "settings": {"admin_url": "https://kong.example:8444", "token": "••••x7Qa"},
    "facts": {"external_id": "0b54b4a6-6a6c-4f0e-9d6e-3f6f0f1b8d11"},
    "emulated": False,
    "health": "HEALTHY",
    "breaker": "CLOSED",
    "createdAt": _AT,
    "lastTest": _TEST,
}
_FIELD: Final = {
    "path": "/plugin/rate-limiting@payments-v2/config/minute",
    "kind": "FIELD",
    "before": 600,
    "after": 60,
    "secret": False,
    "counts": True,
}
_PRODUCT: Final = {
    "id": "prod_01k9q3",
    "integrationId": "int_01k9q3",
    "ref": "payments-v2",
    "name": "payments-v2",
    "version": "v2",
    "monetizationStatus": "MONETIZED",
    "monetized": True,
    "driftId": None,
    "spec": {"digest": None, "format": None},
    "config": {"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "format": None},
    "recordVersion": 7,
    "ignored": [],
    "createdAt": _AT,
    "updatedAt": _AT,
    "checkedAt": _AT,
}
_ROW: Final = {
    "status": "CHANGED",
    "ref": "payments-v2",
    "name": "payments-v2",
    "version": "v2",
    "reason": "configuration differs between gateway and Aforo",
    "line": "CHANGED: payments-v2 (configuration differs between gateway and Aforo)",
    "productId": "prod_01k9q3",
    "fields": [_FIELD],
    "ignored": [],
    "impact": {"subscriptions": None, "credentials": None, "monthlyRevenue": None, "currency": None},
}
_EPISODE: Final = {
    "id": "drift_01k9q3",
    "openedAt": _AT,
    "closedAt": None,
    "resolution": None,
    "gone": False,
    "fields": [_FIELD],
}
_KEY: Final = {
    "id": "key_01k9q3",
    "name": "kong plugin",
    "last4": "x7Qa",
    "scopes": ["usage:ingest", "entitlements:check"],
    "test": False,
    "createdAt": _AT,
    "customerId": None,
    "expiresAt": None,
    "revokedAt": None,
}
_EVENT: Final = {
    "customerId": "acme",
    "metricName": "api_calls",
    "quantity": "1",
    "occurredAt": _AT,
    "idempotencyKey": "req-7fa2",
    "endpointPath": "/v2/payments",
    "statusCode": 200,
}

EXAMPLES: Final[dict[str, Any]] = {
    "Accepted": {"jobId": "job_01k9q3"},
    "AcceptRequest": {"observed": "2c26b46b68ffc68ff99b453c1d304134"},
    "BreakerView": {
        "state": "OPEN",
        "consecutiveFailures": 5,
        "since": _AT,
        "lastFailure": "Kong Gateway answered 503: no text.",
        "probeAt": "2026-11-22T14:10:12.000Z",
    },
    "CreatedKey": {**_KEY, "secret": "sk_live_…"},
    "DiscoveryView": {
        "data": [{"ref": "search", "name": "search", "version": "v1", "nativeId": "5c0e6a3a"}],
        "partial": False,
        "problems": [],
        "notes": [],
        "nextCursor": None,
    },
    "DocumentView": {
        "filename": "payments-v2.kong.yml",
        "mediaType": "application/yaml",
        "text": "_format_version: '3.0'\n…",
    },
    "DriftViewOut": {
        "productId": "prod_01k9q3",
        "monetizationStatus": "STALE",
        "drift": _EPISODE,
        "gone": False,
        "observed": "2c26b46b68ffc68ff99b453c1d304134",
        "fields": [_FIELD],
        "ignored": [],
    },
    "HealthView": {
        "health": "HEALTHY",
        "consecutiveFailures": 0,
        "lastOkAt": _AT,
        "lastFailedAt": None,
        "lastErrorCode": None,
        "lastError": None,
        "history": [{"at": _AT, "health": "HEALTHY", "tookMs": 41.0, "errorCode": None, "detail": None}],
    },
    "IgnoreRequest": {"path": _FIELD["path"], "ignored": True},
    "ImportRequest": {"planId": "prev_01k9q3", "select": ["payments-v2", "search"]},
    "ImportView": {"created": [_PRODUCT], "updated": [], "untouched": []},
    "IntegrationPatch": {"settings": {"token": "…"}},
    "IntegrationView": _INTEGRATION,
    "JobView": {
        "id": "job_01k9q3",
        "kind": "preview",
        "title": "Preview changes",
        "state": "RUNNING",
        "startedAt": _AT,
        "endedAt": None,
        "done": 380,
        "about": 1000,
        "what": "products",
        "result": None,
        "error": None,
    },
    "Me": {"tenantId": "ten_01k9q3", "tenantSlug": "default", "actorId": "key_01k9q3", "scopes": ["admin"]},
    "NewIntegration": {
        "name": "kong-prod",
        "gateway": "kong",
        "signIn": "header_token",
        "settings": {"admin_url": "https://kong.example:8444", "token": "…"},
    },
    "NewKey": {"name": "kong plugin", "scopes": ["usage:ingest", "entitlements:check"]},
    "Page_AuditView_": {
        "data": [
            {
                "at": _AT,
                "actorId": "usr_01k9q3",
                "action": "product.restore",
                "subject": "prod_01k9q3",
                "detail": {"steps": 1},
            }
        ],
        "nextCursor": None,
    },
    "Page_EpisodeView_": {"data": [_EPISODE], "nextCursor": None},
    "Page_GatewayView_": {
        "data": [{"key": "kong", "name": "Kong Gateway", "signIns": [], "capabilities": {"discover": "yes"}}],
        "nextCursor": None,
    },
    "Page_IntegrationView_": {"data": [_INTEGRATION], "nextCursor": None},
    "Page_KeyView_": {"data": [_KEY], "nextCursor": None},
    "Page_ProductView_": {"data": [_PRODUCT], "nextCursor": None},
    "Page_VersionView_": {
        "data": [{"number": 7, "origin": "import", "actorId": "usr_01k9q3", "createdAt": _AT}],
        "nextCursor": None,
    },
    "PreviewRequest": {"integrationId": "int_01k9q3"},
    "PreviewView": {
        "planId": "prev_01k9q3",
        "integrationId": "int_01k9q3",
        "state": "OPEN",
        "createdAt": _AT,
        "hash": "2c26b46b68ffc68ff99b453c1d304134",
        "partial": False,
        "problems": [],
        "notes": [],
        "unread": [],
        "summary": {"NEW": 0, "CHANGED": 1, "UNCHANGED": 123, "STALE": 0},
        "changes": [_ROW],
    },
    "ProductPatch": {"monetized": True},
    "ProductView": _PRODUCT,
    "RestoreRequest": {"dryRun": True},
    "RestoreView": {
        "dryRun": True,
        "observed": "2c26b46b68ffc68ff99b453c1d304134",
        "steps": [{"title": "update plugin rate-limiting@payments-v2", "outcome": "PLANNED", "detail": ""}],
        "unrestorable": [],
        "leftAlone": [],
    },
    "SetupView": {
        "externalId": "0b54b4a6-6a6c-4f0e-9d6e-3f6f0f1b8d11",
        "filename": "aforo-role-full.yaml",
        "template": "AWSTemplateFormatVersion: '2010-09-09'\n…",
        "quickCreateLink": None,
        "deployCommand": "aws cloudformation deploy --template-file aforo-role-full.yaml …",
        "notes": [],
    },
    "TestView": _TEST,
}
"""One example a schema, by its name in the document; tests hold it to the schema, and operations to having one."""


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A replacement for `app.openapi` that adds the edge's routes and the examples; made once, then kept."""
    made = app.openapi
    kept: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not kept:
            kept.update(made())
            _add_edge(kept)
            for operations in kept["paths"].values():
                for operation in operations.values():
                    _add_examples(operation)
        return kept

    return document


def _add_examples(operation: dict[str, Any]) -> None:
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    for part in parts:
        for content in part.get("content", {}).values():
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES and "example" not in content:
                content["example"] = EXAMPLES[name]


def _add_edge(document: dict[str, Any]) -> None:
    (_, components) = msgspec.json.schema_components([Answer], ref_template="#/components/schemas/{name}")
    document["components"]["schemas"] |= {"IngestAnswer": components.pop("Answer"), **components}
    for path in sorted(INGEST_PATHS):
        document["paths"][path] = {"post": _ingest(path)}


def _ingest(path: str) -> dict[str, Any]:
    answer = {"schema": {"$ref": "#/components/schemas/IngestAnswer"}}
    example = {"accepted": 1, "duplicates": 0, "failed": 0, "errors": []}
    return {
        "tags": ["edge"],
        "summary": "Ingest usage events; 202 only once they are durable. Served by the edge's origin",
        "operationId": "ingest" + path.replace("/", "_"),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": {"events": [_EVENT]}}},
        },
        "responses": {
            "202": {"description": "Durable", "content": {"application/json": answer | {"example": example}}}
        },
    }
